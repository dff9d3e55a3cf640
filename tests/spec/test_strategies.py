"""Which ready task is next: by priority, first in first out, last in first out, by lot, or each share in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from begun import NOW
from client_python import Python
from client_raw import Raw
from clients import Client
from sqlite_shell import sqlite

from queuekit import Refused, Usage


def put_all(client: Client, **by_payload: int) -> None:
    for payload, priority in by_payload.items():
        client.put(payload, priority=priority, now=NOW)


def order(client: Client, **choice: object) -> list[str]:
    """The payloads in the order of claims, to the last."""
    found = []
    while task := client.claim(now=NOW, **choice):
        found.append(task["payload"])
    return found


ORDERS = {
    "priority": ["c", "e", "b", "d", "a"],
    "fifo": ["a", "b", "c", "d", "e"],
    "lifo": ["e", "d", "c", "b", "a"],
}


@pytest.mark.parametrize("strategy", ORDERS)
def test_a_claim_names_its_strategy(client: Client, strategy: str) -> None:
    put_all(client, a=-1, b=3, c=9, d=3, e=9)
    assert order(client, strategy=strategy) == ORDERS[strategy]


@pytest.mark.parametrize("strategy", ORDERS)
def test_a_queue_names_the_strategy_of_its_claims(client: Client, strategy: str) -> None:
    client.policy(strategy=strategy)
    put_all(client, a=-1, b=3, c=9, d=3, e=9)
    assert order(client) == ORDERS[strategy]


@pytest.mark.parametrize("strategy", ORDERS)
def test_many_claimed_at_once_are_the_first_by_the_strategy(client: Client, strategy: str) -> None:
    client.policy(strategy=strategy)
    put_all(client, a=-1, b=3, c=9, d=3, e=9)
    taken = client.claim_many(3, now=NOW)
    assert [task["payload"] for task in taken] == ORDERS[strategy][:3]


def test_the_claim_wins_over_the_queue(client: Client) -> None:
    client.policy(strategy="lifo")
    put_all(client, a=0, b=0)
    assert order(client, strategy="fifo") == ["a", "b"]


def test_what_is_no_strategy_leaves_the_choice_to_the_queue(raw: Raw) -> None:
    """(qk and Python refuse it.)"""
    raw.policy(strategy="lifo")
    put_all(raw, a=0, b=0)
    assert order(raw, strategy="best") == ["b", "a"]


def test_a_change_of_strategy_reaches_the_tasks_that_wait(client: Client) -> None:
    client.policy(strategy="lifo")
    put_all(client, a=0, b=5, c=0, d=0)
    assert (client.claim(now=NOW) or {})["payload"] == "d"
    client.policy(strategy="priority")
    assert order(client) == ["b", "a", "c"]


def test_priorities_may_be_as_far_apart_as_integers_are(client: Client) -> None:
    put_all(client, a=-(10**17), b=10**17, c=0)
    assert order(client) == ["b", "c", "a"]


def test_what_is_no_strategy_is_refused(client: Client) -> None:
    with pytest.raises((Usage, Refused)):
        client.policy(strategy="best")


@pytest.mark.parametrize(("name", "value"), [("low", -10), ("normal", 0), ("high", 10), ("critical", 20)])
def test_a_priority_may_have_a_name(client: Client, name: str, value: int) -> None:
    id, _ = client.put("x", priority=name)
    (many,) = client.put_many(["y"], priority=name)
    client.make_view("mail")
    sqlite(client.db, f".mode json\ninsert into mail (priority, data) values ('{name}', 'z');")
    assert [client.show(made)["priority"] for made in (id, many, many + 1)] == [value] * 3


@pytest.mark.parametrize("verb", ["put_simple", "put_plain"])
def test_the_lean_puts_know_the_names_too(raw: Raw, verb: str) -> None:
    for priority in ("low", "critical", 5, "5", None):
        raw.run(verb, payload=str(priority), priority=priority, now=NOW)
    assert order(raw) == ["critical", "5", "5", "None", "low"]
    with pytest.raises(Refused, match="QK018"):
        raw.run(verb, payload="x", priority="urgent", now=NOW)


def test_another_name_is_no_priority(client: Client) -> None:
    with pytest.raises((Usage, Refused)):
        client.put("x", priority="urgent")
    assert client.listed() == []


# --- by lot ---------------------------------------------------------------------------------------------------------

DRAWS = 1600


@pytest.fixture
def python(raw: Raw) -> Iterator[Python]:
    with closing(Python(raw.db)) as client:
        yield client


def test_the_chance_grows_with_the_priority_1_3_5_7(python: Python) -> None:
    queue = python.queue(strategy="random")
    payloads = [str(priority) for priority in range(4) for _ in range(DRAWS)]
    with queue.database.transaction():
        for payload in payloads:
            queue.put(payload, priority=int(payload), now=NOW)
        drawn = Counter(task.payload for _ in range(DRAWS) if (task := queue.claim(now=NOW)))
    expected = {str(n): DRAWS * (2 * n + 1) / 16 for n in range(4)}
    chi_square = sum((drawn[n] - expected[n]) ** 2 / expected[n] for n in expected)
    assert chi_square < 30  # of 3 degrees of freedom: once in a million runs


def test_nobody_starves_however_much_of_higher_priority_comes(python: Python) -> None:
    queue = python.queue(strategy="random")
    with queue.database.transaction():
        poor = queue.put("poor", priority="low", now=NOW)
        for _ in range(1000):  # not served in 1000 draws of 1 in 4: never
            queue.put("rich", priority="critical", now=NOW)
            queue.put("rich", priority="critical", now=NOW)
            queue.claim(now=NOW)
    assert queue.show(poor)["state"] == "running"


def test_of_one_priority_the_oldest_is_drawn(client: Client) -> None:
    put_all(client, a=1, b=1, c=1)
    assert order(client, strategy="random") == ["a", "b", "c"]
