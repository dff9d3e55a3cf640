"""The extra laws come by themselves when a file first needs them: also inside a transaction, and for many at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from queuekit import Batch, Flow, Queue, step
from tests.cli.program import QK, QUEUEKIT, run
from tests.conftest import sqlite3_program

FIRST_NEEDS: dict[str, Callable[[Queue], Any]] = {
    "group": lambda queue: queue.put("x", group="g"),
    "share": lambda queue: queue.put_many(["x"], share="s"),
    "batch": lambda queue: Batch.open(queue.database),
    "limit": lambda queue: queue.policy(max_running=1),
    "flow": lambda queue: Flow(part=step("x")).put(queue.database),
}


def has_them(db: Path) -> bool:
    return sqlite3_program(db, "select count(*) from qk_meta where name = 'extra';") == "1\n"


@pytest.mark.parametrize("act", FIRST_NEEDS.values(), ids=FIRST_NEEDS)
def test_what_needs_them_brings_them(db: Path, act: Callable[[Queue], Any]) -> None:
    with Queue(db) as queue:
        queue.put("plain", key="k", delay=5)
        assert not has_them(db)
        act(queue)
    assert has_them(db)


def test_a_transaction_that_is_taken_back_takes_them_back(db: Path) -> None:
    with Queue(db) as queue:
        with pytest.raises(KeyError), queue.database.transaction():
            queue.put("x", group="g")
            raise KeyError
        assert not has_them(db)
        with queue.database.transaction(), queue.database.transaction():
            queue.put("x", group="g")
            queue.put("y", group="g")
        assert (queue.stats()["ready"], queue.stats()["blocked"]) == (1, 1)


def test_many_bring_them_at_once(db: Path) -> None:
    commands = [QK, QUEUEKIT] * 4
    with ThreadPoolExecutor(len(commands)) as pool:
        begun = [
            pool.submit(run, [*command, "put", "x", "--group", "g", "--lock-wait", "60"], db=db)
            for command in commands
        ]
        done = [process.result() for process in begun]
    assert [(process.returncode, process.stderr) for process in done] == [(0, b"")] * 8
    assert sqlite3_program(db, "select count(*), sum(turn) from qk_task;") == "8|1\n"
