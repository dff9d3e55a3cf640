"""What moves one task of many that are linked costs as much as of few."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cost import steps
from crowd import NOW, build
from verbs import Opener, run


def put_many(file: sqlite3.Connection, count: int, **options: Any) -> None:
    run(file, "put_many", payloads=json.dumps(["x"] * count), now=NOW, **options)


@pytest.mark.parametrize("on_group", ["block", "aside"])
@pytest.mark.parametrize("verb", ["ack", "nack"])
def test_a_long_line_costs_as_much_as_a_short_one(
    on_group: str, verb: str, tmp_path: Path, opened: Opener
) -> None:
    counts = []
    for length in (10, 10_000):
        file = opened(build(tmp_path / f"{length}.db", 10, analyze=False, extra=True))
        run(file, "policy", queue="line", on_group=on_group).fetchall()
        put_many(file, length, queue="line", group="g")
        receipt = run(file, "claim", queue="line", now=NOW).fetchall()[0][1]
        counts.append(steps(file, verb, {"receipt": receipt, "delay_ms": 5, "now": NOW}))
    assert 0 < counts[1] <= 1.2 * counts[0]


@pytest.mark.parametrize("waiting", ["dependants", "needs"])
def test_an_ack_costs_as_much_however_many_wait_for_others(
    waiting: str, tmp_path: Path, opened: Opener
) -> None:
    """One that nobody waits for, beside a crowd that waits; and one of many that a single task waits for."""
    counts = []
    for many in (10, 5000):
        file = opened(build(tmp_path / f"{many}.db", 10, analyze=False, extra=True))
        (root,) = [
            row[0] for row in run(file, "put", queue="q", payload="root", priority=1, now=NOW).fetchall()
        ]
        if waiting == "dependants":
            put_many(file, many, queue="r", after=f"[{root}]")
            run(file, "put", queue="q", payload="free", priority=9, now=NOW).fetchall()
        else:
            put_many(file, many, queue="q")
            after = str(list(range(root, root + many + 1)))
            run(file, "put", queue="r", payload="last", after=after, now=NOW).fetchall()
        receipt = run(file, "claim", queue="q", now=NOW).fetchall()[0][1]
        counts.append(steps(file, "ack", {"receipt": receipt, "now": NOW}))
    assert 0 < counts[1] <= 1.2 * counts[0]


@pytest.mark.parametrize("policy", ["cancel", "run", "wait"])
@pytest.mark.parametrize("verb", ["nack", "retry", "put"])
def test_a_failure_costs_as_much_however_many_are_around_it(
    policy: str, verb: str, tmp_path: Path, opened: Opener
) -> None:
    """One of many that a task waits for fails, and is tried again; another task comes late for one that has failed."""
    counts = []
    for many in (20, 2000):
        file = opened(build(tmp_path / f"{many}.db", 10, analyze=False, extra=True))
        put_many(file, many, queue="q")
        first = file.execute("select max(id) from qk_task").fetchone()[0] - many + 1
        after = str(list(range(first, first + many)))
        run(file, "put", queue="r", payload="last", after=after, on_failure=policy, now=NOW).fetchall()
        for _ in range(2):  # the first brings what waits along, if need be
            receipt = run(file, "claim", queue="q", now=NOW).fetchall()[0][1]
            given: dict[str, Any] = {"receipt": receipt, "dead": 1, "error": "e", "now": NOW}
            nack = steps(file, "nack", given)
            run(file, "nack", **given).fetchall()
        late = {"queue": "r", "after": f"[{first}]", "on_failure": policy}
        put_many(file, many, **late)
        cost = {"nack": nack, "retry": 0, "put": steps(file, "put", late | {"payload": "late", "now": NOW})}
        if verb == "retry":  # of the second: who waits only for the first is not concerned
            cost["retry"] = steps(file, "retry", {"id": int(receipt.partition(":")[0]), "now": NOW})
        counts.append(cost[verb])
    assert 0 < counts[1] <= 1.2 * counts[0]
