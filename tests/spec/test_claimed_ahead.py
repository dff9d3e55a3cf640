"""Claiming ahead, as the file sees it: a consumer that dies is charged for the run it was at, and for no other."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from begun import NOW
from books import wrong
from client_raw import Raw
from clients import Client
from sqlite_shell import sqlite

LEASE = 10_000  # ms
LATER = NOW + LEASE  # when the leases of a consumer that died are over


def claimed_ahead(
    client: Client, raw: Raw, count: int = 3, *, consumer: str = "c", **options: object
) -> list[str]:
    """Put so many tasks; one consumer claims them all, and tells the file in which order it runs them."""
    client.put_many(["x"] * count, now=NOW, **options)
    receipts = [task["receipt"] for task in client.claim_many(count, worker="w", now=NOW)]
    assert len(receipts) == count
    raw.run("prefetch", consumer=consumer, receipts=json.dumps(receipts))
    return receipts


def told(client: Client, ids: list[int]) -> list[tuple[str, int, int]]:
    """state, failures and crashes of each."""
    rows = [client.show(id) for id in ids]
    return [(row["state"], row["failures"], row["crashes"]) for row in rows]


def lists(db: Path) -> list[str]:
    """The consumers that the file knows of."""
    rows = sqlite(db, ".mode json\nselect consumer from qk_prefetch;")
    return [row["consumer"] for row in rows]


CRASHED, FREE, DONE = ("scheduled", 1, 1), ("ready", 0, 0), ("done", 0, 0)

# Whatever finds that the leases are over. (The queue called other is empty.)
FINDS: dict[str, Callable[[Client], object]] = {
    "tick": lambda client: client.tick(now=LATER),
    "claim": lambda client: client.claim("other", now=LATER),
    "claim_many": lambda client: client.claim_many(5, queue="other", now=LATER),
}


@pytest.mark.parametrize("finds", FINDS.values(), ids=list(FINDS))
def test_only_the_task_that_was_begun_has_crashed(
    finds: Callable[[Client], object], client: Client, raw: Raw
) -> None:
    claimed_ahead(client, raw, lease_ms=LEASE)
    finds(client)
    assert told(client, [1, 2, 3]) == [CRASHED, FREE, FREE]
    assert [run["outcome"] for id in (1, 2, 3) for run in client.show(id)["runs"]] == [
        "crashed",
        "released",
        "released",
    ]


def test_the_task_that_was_begun_is_the_first_that_has_not_ended(client: Client, raw: Raw) -> None:
    first, *_ = claimed_ahead(client, raw, lease_ms=LEASE)
    client.ack(first, now=NOW)
    client.tick(now=LATER)
    assert told(client, [1, 2, 3]) == [DONE, CRASHED, FREE]


@pytest.mark.parametrize("end", ["nack", "release", "cancel"])
def test_it_may_have_ended_in_any_way(end: str, client: Client, raw: Raw) -> None:
    first, *_ = claimed_ahead(client, raw, lease_ms=LEASE)
    if end == "cancel":
        client.cancel(1, now=NOW)
    (client.nack if end == "nack" else client.release)(first, delay_ms=2 * LEASE, now=NOW)
    before = told(client, [1])
    client.tick(now=LATER)
    assert told(client, [1, 2, 3]) == [*before, CRASHED, FREE]


def test_one_attempt_is_enough_for_what_waits_behind_a_task_that_kills_its_consumer(
    client: Client, raw: Raw
) -> None:
    claimed_ahead(client, raw, lease_ms=LEASE, max_attempts=1)
    client.tick(now=LATER)
    assert told(client, [1, 2, 3]) == [("dead", 1, 1), FREE, FREE]


def test_a_worker_that_is_known_to_be_dead_is_charged_for_one_task_alike(client: Client, raw: Raw) -> None:
    claimed_ahead(client, raw)
    raw.run("reap", worker="w", now=NOW + 5)
    client.tick(now=NOW + 5)
    assert told(client, [1, 2, 3]) == [CRASHED, FREE, FREE]


def test_what_was_asked_to_stop_meanwhile_is_cancelled(client: Client, raw: Raw) -> None:
    claimed_ahead(client, raw, lease_ms=LEASE)
    assert client.cancel(2, now=NOW + 1) == "running"
    client.tick(now=LATER)
    assert told(client, [1, 2, 3]) == [CRASHED, ("cancelled", 0, 0), FREE]


def test_what_was_not_begun_in_its_time_expires(client: Client, raw: Raw) -> None:
    claimed_ahead(client, raw, lease_ms=LEASE, until_at=LATER + 1)
    client.tick(now=LATER)
    assert told(client, [2, 3]) == [FREE, FREE]
    client.tick(now=LATER + 1)
    assert told(client, [2, 3]) == [("cancelled", 0, 0)] * 2


def test_the_others_go_back_with_the_lease_of_the_one_that_was_begun(client: Client, raw: Raw) -> None:
    """Else their own would end when nobody knows any more which one it was."""
    client.put("poison", lease_ms=LEASE, priority=1, now=NOW)
    claimed = [task["receipt"] for task in client.claim_many(1, now=NOW)]
    client.put_many(["x", "y"], lease_ms=9 * LEASE, now=NOW)
    claimed += [task["receipt"] for task in client.claim_many(2, now=NOW)]
    raw.run("prefetch", consumer="c", receipts=json.dumps(claimed))
    client.tick(now=LATER)
    client.tick(now=NOW + 20 * LEASE)
    assert told(client, [2, 3]) == [FREE, FREE]


def test_nothing_goes_back_before_a_lease_is_over(client: Client, raw: Raw) -> None:
    claimed_ahead(client, raw, lease_ms=LEASE)
    client.put("due", delay_ms=5, now=NOW)
    client.tick(now=LATER - 1)
    assert [client.show(id)["state"] for id in (1, 2, 3, 4)] == ["running"] * 3 + ["ready"]
    assert lists(client.db) == ["c"]


def test_a_consumer_that_prolongs_its_run_is_not_disturbed_by_what_goes_back(
    client: Client, raw: Raw
) -> None:
    first, *_ = claimed_ahead(client, raw, lease_ms=LEASE)
    client.extend(first, lease_ms=9 * LEASE, now=NOW)
    client.tick(now=LATER)
    assert told(client, [1, 2, 3]) == [("running", 0, 0), FREE, FREE]
    client.ack(first, now=LATER)
    assert client.show(1)["state"] == "done"


def test_a_list_speaks_of_its_own_runs_alone(client: Client, raw: Raw) -> None:
    """The second task was given back, and another has it now: who dies of it, too."""
    _, second, _ = claimed_ahead(client, raw, lease_ms=LEASE)
    client.release(second, now=NOW)
    taken = client.claim(worker="another", lease_ms=LEASE, now=NOW)
    assert taken is not None
    assert taken["receipt"] == "2:2"
    client.tick(now=LATER)
    assert told(client, [1, 2, 3]) == [CRASHED, CRASHED, FREE]


def test_each_consumer_has_its_own_list_and_the_next_takes_the_place_of_the_last(
    client: Client, raw: Raw
) -> None:
    claimed_ahead(client, raw, 2, lease_ms=LEASE, consumer="a")
    claimed_ahead(client, raw, 2, lease_ms=LEASE, consumer="b")
    assert lists(client.db) == ["a", "b"]
    client.tick(now=LATER)
    assert told(client, [1, 2, 3, 4]) == [CRASHED, FREE, CRASHED, FREE]
    last = claimed_ahead(client, raw, 1, consumer="b")
    raw.run("prefetch", consumer="b", receipts=json.dumps(last))
    assert sqlite(client.db, ".mode json\nselect receipts from qk_prefetch where consumer = 'b';") == [
        {"receipts": json.dumps(last)}
    ]


@pytest.mark.parametrize("batch", [1, 9, 10, 25])
def test_many_dead_consumers_are_tidied_up_in_bites_and_no_bite_charges_for_what_was_not_begun(
    batch: int, client: Client, raw: Raw
) -> None:
    """A list goes back as a whole: of what is left of half a list nobody could tell which task was begun."""
    for consumer in range(8):
        claimed_ahead(client, raw, 5, lease_ms=LEASE, consumer=f"c{consumer}", max_attempts=1)
    begun, bite = list(range(1, 41, 5)), 1 + batch // 10
    behind = sorted(set(range(1, 41)) - set(begun))
    for bites in range(1, 8 // bite + 1):
        raw.run("tick", now=LATER, batch=batch)
        states = [state for state, *_ in told(client, behind)]
        assert (states.count("ready"), states.count("running")) == (4 * bite * bites, 32 - 4 * bite * bites)
    for _ in range(40):  # (a book of leases is closed when its second is over)
        raw.run("tick", now=LATER + 2000, batch=batch)
    assert told(client, behind) == [FREE] * 32
    assert told(client, begun) == [("dead", 1, 1)] * 8


def test_a_consumer_that_is_not_dead_may_end_its_run_between_two_bites(client: Client, raw: Raw) -> None:
    for consumer in range(3):
        first, *_ = claimed_ahead(client, raw, 5, lease_ms=LEASE, consumer=f"c{consumer}", max_attempts=1)
    client.ack("1:1", now=LATER)
    raw.run("tick", now=LATER, batch=1)
    client.ack(first, now=LATER)
    for _ in range(9):
        raw.run("tick", now=LATER + 2000, batch=1)
    ended = [told(client, [id])[0][0] for id in range(1, 16)]
    assert ended == ["done", "dead", *["ready"] * 3, "dead", *["ready"] * 4, "done", "dead", *["ready"] * 3]


def test_the_list_of_a_consumer_that_is_gone_disappears(client: Client, raw: Raw) -> None:
    receipts = claimed_ahead(client, raw, 2, lease_ms=LEASE, consumer="done with it")
    for receipt in receipts:
        client.ack(receipt, now=NOW)
    claimed_ahead(client, raw, 2, lease_ms=LEASE, consumer="dead")
    for moment in (LATER, LATER + 10 * LEASE):  # the retry of what crashed is due then
        client.tick(now=moment)
    assert lists(client.db) == []


STRANGE = {
    "empty": "[]",
    "of every type": '[null, true, 1, 1.5, "", "x", {}, [], {"1:1": "1:1"}, ["1:1"]]',
    "no receipts": '["1", "1:", ":1", "1:1 ", " 1:1", "01:1", "1:01", "1:1:1", "99:1", "-1:1"]',
    "large numbers": '[1e999, -1e999, 9223372036854775808, "99999999999999999999:1"]',
    "NUL in it": '["\\u0000", "1:1\\u0000", "\\ud800"]',
    "nested": "[" * 100 + "]" * 100,
    "the same again and again": json.dumps(["1:1"] * 1000),
    "very long": json.dumps([f"{n}:1" for n in range(100, 30_000)]),
}


@pytest.mark.parametrize("receipts", STRANGE.values(), ids=list(STRANGE))
def test_no_list_however_strange_hinders_a_tick(receipts: str, client: Client, raw: Raw) -> None:
    client.put("x", lease_ms=LEASE, now=NOW)
    client.claim(now=NOW)
    client.put("due", delay_ms=5, now=NOW)
    with closing(sqlite3.connect(client.db)) as file:
        file.execute("insert into qk_prefetch values ('strange', ?)", (receipts,))
        file.execute("insert into qk_prefetch values ('no text', cast(x'5b22ff225d' as text))")
        file.commit()
    client.tick(now=LATER)
    assert told(client, [1, 2]) == [CRASHED, FREE]
    client.tick(now=LATER + 10 * LEASE)
    assert lists(client.db) == []


def test_what_goes_back_counts_no_more_for_the_limits_and_keeps_its_turn(client: Client, raw: Raw) -> None:
    client.policy(max_running=3, max_depth=100)
    client.put("g", group="g", lease_ms=LEASE, now=NOW)
    client.put("g", group="g", lease_ms=LEASE, now=NOW)
    receipts = [task["receipt"] for task in client.claim_many(1, now=NOW)]
    client.put_many(["x"] * 4, lease_ms=LEASE, now=NOW)
    receipts += [task["receipt"] for task in client.claim_many(9, now=NOW)]
    assert receipts == ["1:1", "3:1", "4:1"]
    raw.run("prefetch", consumer="c", receipts=json.dumps(receipts[1:] + receipts[:1]))
    client.tick(now=LATER)
    assert told(client, [3, 4, 1]) == [CRASHED, FREE, FREE]
    with closing(sqlite3.connect(client.db)) as file:
        assert [*wrong(file)] == []
    assert [task["id"] for task in client.claim_many(9, now=LATER)] == [1, 4, 5]
