"""What each verb costs in steps of SQLite's machine, exactly: no load touches these numbers, so they may be asserted.

They belong to one version of SQLite. Another one compiles a little differently: there they must be near.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from cost import steps
from verbs import NOW, run

from queuekit import statements

VERSION = "3.40.1"
NEAR = 0.2  # elsewhere
TASK = {"payload": "x" * 200, "now": NOW}
WORKER = {"queue": "default", "worker": "host:12345", "now": NOW}

# The verb, what it is given, and its steps. Task 1 runs, with the receipt 1:1; 2 and 3 are ready; key k is held.
EXPECTED: list[tuple[str, dict[str, Any], int]] = [
    ("put_simple", TASK | {"queue": "default", "kind": "", "priority": 0}, 267),
    ("put_plain", TASK, 296),
    ("put_plain", TASK | {"key": "new"}, 471),
    ("put_plain", TASK | {"key": "k"}, 670),
    ("put", TASK, 719),
    ("put_many_simple", {"payloads": '["a"]', "now": NOW}, 308),
    ("put_many", {"payloads": '["a"]', "now": NOW}, 352),
    ("claim_simple", WORKER | {"lease_ms": 0}, 317),
    ("next", WORKER | {"lease_ms": 0, "limit": 2}, 105),
    ("take", WORKER | {"ids": "[2, 3]", "lease_ms": 0}, 517),
    ("claim", WORKER, 545),
    ("claim_many", WORKER | {"limit": 2}, 670),
    ("ack", {"receipt": "1:1", "now": NOW, "result": 0}, 226),
    ("ack_many", {"receipts": '["1:1"]', "now": NOW}, 238),
    ("extend", {"receipt": "1:1", "now": NOW}, 270),
    ("nack", {"receipt": "1:1", "now": NOW}, 576),
    ("release", {"receipt": "1:1", "now": NOW}, 447),
    ("cancel", {"id": 2, "now": NOW}, 343),
    ("tick", {"now": NOW}, 42),
    ("due", {"now": NOW}, 131),
]


# With history events on.
WITH_EVENTS: list[tuple[str, dict[str, Any], int]] = [
    ("put_simple", TASK | {"queue": "default", "kind": "", "priority": 0}, 318),
    ("put_plain", TASK | {"key": "k"}, 670),
    ("put_many_simple", {"payloads": '["a"]', "now": NOW}, 359),
    ("claim_simple", WORKER | {"lease_ms": 0}, 383),
    ("take", WORKER | {"ids": "[2, 3]", "lease_ms": 0}, 649),
    ("ack", {"receipt": "1:1", "now": NOW, "result": 0}, 301),
    ("extend", {"receipt": "1:1", "now": NOW}, 270),
    ("nack", {"receipt": "1:1", "now": NOW}, 673),
    ("tick", {"now": NOW}, 42),
]


@pytest.fixture
def lived_in(queue: sqlite3.Connection) -> sqlite3.Connection:
    return live(queue)


@pytest.fixture
def eventful(queue: sqlite3.Connection) -> sqlite3.Connection:
    queue.executescript(statements.source("events_on"))
    return live(queue)


def live(queue: sqlite3.Connection) -> sqlite3.Connection:
    for key in (None, None, "k"):
        run(queue, "put", payload="x" * 200, key=key, now=NOW).fetchall()
    run(queue, "claim", **WORKER).fetchall()
    return queue


def named(rows: list[tuple[str, dict[str, Any], int]]) -> list[Any]:
    return [
        pytest.param(*row, id=f"{row[0]} {' '.join(sorted(row[1].keys() - {'now', 'payload'}))}")
        for row in rows
    ]


def check(taken: int, expected: int) -> None:
    if sqlite3.sqlite_version == VERSION:
        assert taken == expected
    else:
        assert taken == pytest.approx(expected, rel=NEAR)


@pytest.mark.parametrize(("verb", "given", "expected"), named(EXPECTED))
def test_a_verb_takes_just_these_steps(
    verb: str, given: dict[str, Any], expected: int, lived_in: sqlite3.Connection
) -> None:
    check(steps(lived_in, verb, given), expected)


@pytest.mark.parametrize(("verb", "given", "expected"), named(WITH_EVENTS))
def test_so_it_does_with_events_on(
    verb: str, given: dict[str, Any], expected: int, eventful: sqlite3.Connection
) -> None:
    check(steps(eventful, verb, given), expected)


def test_a_tick_reads_no_list_of_what_is_claimed_ahead_while_no_lease_is_over(
    lived_in: sqlite3.Connection,
) -> None:
    run(lived_in, "put", payload="due", delay_ms=5, now=NOW)
    taken = []
    for count in (1, 100):
        receipts = json.dumps([f"{id}:1" for id in range(1, count + 1)])
        run(lived_in, "prefetch", consumer="c", receipts=receipts)
        taken.append(steps(lived_in, "tick", {"now": NOW + 5}))
    assert taken[0] == taken[1]
