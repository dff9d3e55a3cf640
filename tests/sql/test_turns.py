"""What fair claims remember of whose turn it is: bounded, and as cheap with ten thousand shares as with ten."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from cost import steps
from crowd import NOW, build
from verbs import Opener, extend, rows, run


@pytest.fixture
def fair(queue: sqlite3.Connection) -> sqlite3.Connection:
    extend(queue)
    run(queue, "policy", queue="q", strategy="fair").fetchall()
    return queue


def served(file: sqlite3.Connection, **choice: object) -> str:
    (row,) = rows(file, "claim", queue="q", now=NOW, **choice)
    return str(row["payload"])


def put(file: sqlite3.Connection, count: int, **options: object) -> None:
    payloads = json.dumps([options["share"]] * count)
    run(file, "put_many", queue="q", payloads=payloads, now=NOW, **options)


@pytest.mark.parametrize("met", [[], ["gpu"], ["gpu", "ssd", "tpu"]])
def test_ten_thousand_shares_cost_as_much_as_ten(met: list[str], tmp_path: Path, opened: Opener) -> None:
    counts = []
    for many in (10, 10_000):
        file = opened(build(tmp_path / f"{many}.db", 10, analyze=False, extra=True))
        file.execute("begin")
        run(file, "policy", queue="q", strategy="fair").fetchall()
        for n in range(many):
            put(file, 1, share=f"s{n}", require=met[n % len(met)] if met else None)
        given = {"queue": "q", "capabilities": " ".join(met) or None, "now": NOW}
        for _ in range(20 if many > 10 else 5):
            run(file, "claim", **given).fetchall()
        file.execute("commit")
        counts.append(steps(file, "claim", given))
    assert 0 < counts[1] <= 1.2 * counts[0]


def test_many_sets_of_requirements_that_had_a_turn_cost_a_claim_little(
    tmp_path: Path, opened: Opener
) -> None:
    """900 that this worker does not meet: their greatest round is looked for, and nothing else."""
    counts = []
    for many in (10, 900):
        file = opened(build(tmp_path / f"{many}.db", 10, analyze=False, extra=True))
        run(file, "policy", queue="q", strategy="fair").fetchall()
        with file:
            file.executemany(
                "insert into qk_turn values ('q', 0, ?, 'a', 1)", [[f"w{n}"] for n in range(many)]
            )
        put(file, 5, share="a")
        run(file, "claim", queue="q", now=NOW).fetchall()
        counts.append(steps(file, "claim", {"queue": "q", "now": NOW}))
    assert 0 < counts[1] <= 1.2 * counts[0]


def test_a_thousand_turns_are_remembered_at_most(fair: sqlite3.Connection) -> None:
    with fair:
        for priority in range(1500):
            put(fair, 1, share="a", priority=priority)
        for _ in range(1500):
            served(fair)
    ((count,),) = fair.execute("select count(*) from qk_turn")
    assert 900 <= count <= 1000


def test_what_is_served_now_is_not_forgotten_for_what_was_served_long_ago(fair: sqlite3.Connection) -> None:
    """Two priorities that come after a thousand others: neither pushes the other out again and again."""
    with fair:
        fair.executemany("insert into qk_turn values ('q', ?, '', 'a', 7)", [[n] for n in range(10, 1010)])
        for priority, shares in ((2, "az"), (3, "by")):
            for share in shares:
                put(fair, 20, share=share, priority=priority)
        high = [served(fair) for _ in range(10)]
        put(fair, 5, share="c", priority=4)
        high += [served(fair) for _ in range(10)]
    assert high == ["b", "y"] * 5 + ["c"] * 5 + ["b", "y", "b", "y", "b"]


def test_the_turns_of_one_queue_are_not_those_of_another(fair: sqlite3.Connection) -> None:
    run(fair, "policy", queue="other", strategy="fair").fetchall()
    put(fair, 3, share="a")
    put(fair, 3, share="b")
    for share in "ab":
        run(fair, "put", queue="other", payload=share, share=share, now=NOW).fetchall()
    assert served(fair) == "a"
    assert [row["payload"] for row in rows(fair, "claim", queue="other", now=NOW)] == ["a"]
    assert served(fair) == "b"
