"""Random SQL, most of it nonsense: whatever the laws let through breaks no promise."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from random_sql import COLUMNS, random_statement

from queuekit import Queue
from tests.spec.test_laws import LEGAL

STATEMENTS = 4000
FRESH_START = 40  # statements on one file, which by then is far from anything usual
NOW = 2_000_000_000_000
UNFINISHED = ("ready", "scheduled", "blocked", "running")
FINISHED = ("done", "dead", "cancelled")

Tasks = dict[int, dict[str, object]]
Runs = dict[tuple[int, int], tuple[object, ...]]


@pytest.fixture
def lived_in(copied: Path) -> Path:
    """A queue with a task in each state but blocked, some with keys, some with history."""
    with Queue(copied, "a") as queue:
        for n in range(14):
            queue.put(f"payload {n}", key=f"k{n}" if n % 2 else None, max_attempts=2, now=NOW)
        queue.put("later", delay=100, now=NOW)
        receipts = [task.receipt for task in queue.claim_many(9, now=NOW)]
        queue.ack(receipts[0], "result", now=NOW)
        queue.nack(receipts[1], "error", dead=True, now=NOW)
        queue.nack(receipts[2], "error", delay=0, now=NOW)
        queue.release(receipts[3], now=NOW)
        queue.cancel(12, now=NOW)
        queue.retry(1, now=NOW)
    return copied


def snapshot(file: sqlite3.Connection) -> tuple[Tasks, Runs]:
    rows = file.execute(f"select {', '.join(COLUMNS)} from qk_task")
    tasks = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}
    return tasks, {(row[0], row[1]): row for row in file.execute("select * from qk_run")}


def broken_by_change(before: tuple[Tasks, Runs], after: tuple[Tasks, Runs]) -> Iterator[str]:
    """The promises about what may become of what was there."""
    (old_tasks, old_runs), (tasks, runs) = before, after
    for id, old in old_tasks.items():
        new = tasks.get(id)
        if new is None:
            if old["state"] in UNFINISHED or id == max(old_tasks):
                yield f"{id} is gone"
            continue
        moved = old["state"] != new["state"]
        if moved and new["state"] not in LEGAL[str(old["state"])].split():
            yield f"{id} moved from {old['state']} to {new['state']}"
        if new["claims"] != int(str(old["claims"])) + (moved and new["state"] == "running"):
            yield f"{id} has claims {old['claims']}, then {new['claims']}"
        begun = moved and new["state"] == "running"
        if not begun and (new["worker"], new["claimed_at"]) != (old["worker"], old["claimed_at"]):
            yield f"{id} was run by another"
        if not moved and (new["ended_at"], new["result"]) != (old["ended_at"], old["result"]):
            yield f"{id} ended otherwise"
        if (new["queue"], new["created_at"]) != (old["queue"], old["created_at"]):
            yield f"{id} is another task"
        if new["payload"] != old["payload"] and old["state"] not in ("ready", "scheduled", "blocked"):
            yield f"the payload of {id} changed"
    for (id, claim), run in old_runs.items():
        if id in tasks and runs.get((id, claim)) != run:
            yield f"the history of {id} changed"
    for id in tasks.keys() - old_tasks.keys():
        if id < max(old_tasks) or tasks[id]["claims"] or tasks[id]["state"] not in ("ready", "scheduled"):
            yield f"{id} is born with a past"


def broken_now(file: sqlite3.Connection, tasks: Tasks, runs: Runs) -> Iterator[str]:
    """The promises about each moment."""
    told = Counter(id for id, _ in runs)
    for id, task in tasks.items():
        state, claims = task["state"], int(str(task["claims"]))
        if told[id] != claims - (state in ("running", "done")):
            yield f"{id} began {claims} runs, history has {told[id]}"
        if task["settled"] != claims - (state == "running"):
            yield f"{id} began {claims} runs, ended {task['settled']}"
        if state in FINISHED and None not in (task["key"], task["key_until"]):
            yield f"{id} is finished and holds its key"
    held = Counter((t["queue"], t["key"]) for t in tasks.values() if None not in (t["key"], t["key_until"]))
    yield from (f"{key} is held twice" for key, holders in held.items() if holders > 1)
    noted = "(due_at >> 10, id >> 4) in (select slot, block from qk_lease)"
    unnoticed = file.execute(f"select id from qk_task where state = 'running' and not {noted}")
    yield from (f"nobody would notice the end of the lease of {id}" for (id,) in unnoticed)


@pytest.mark.parametrize("recursive_triggers", [0, 1])
def test_no_sql_breaks_a_promise(lived_in: Path, recursive_triggers: int) -> None:
    dice, taken = random.Random(recursive_triggers), 0
    with closing(sqlite3.connect(lived_in)) as origin, closing(sqlite3.connect(":memory:")) as file:
        file.isolation_level = None
        file.execute(f"pragma recursive_triggers = {recursive_triggers}")
        for n in range(STATEMENTS):
            if n % FRESH_START == 0:
                origin.backup(file)
                before = snapshot(file)
            statement = random_statement(dice)
            try:
                file.execute(statement).fetchall()
                taken += 1
            except sqlite3.Error:
                pass
            after = snapshot(file)
            assert [*broken_by_change(before, after), *broken_now(file, *after)] == [], statement
            before = after
    assert taken > STATEMENTS // 10
