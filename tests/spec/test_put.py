from __future__ import annotations

from typing import Any

import pytest
from begun import claimed
from clients import Client
from sqlite_shell import sqlite

from queuekit.errors import BadPayload, Refused

NOW = 2_000_000_000_000


def claimed_payloads(client: Client, now: int = NOW) -> list[str]:
    found = []
    while task := client.claim(now=now):
        found.append(task["payload"])
    return found


def test_a_task_that_is_put_is_ready_in_the_default_queue_with_nothing_done(client: Client) -> None:
    id, duplicates = client.put("hello", now=NOW)
    expected: dict[str, Any] = {
        "state": "ready",
        "queue": "default",
        "kind": "",
        "key": None,
        "priority": 0,
        "payload": "hello",
    }
    expected |= {"created_at": NOW, "due_at": None, "claims": 0, "failures": 0, "attempt": 0, "runs": []}
    shown = client.show(id)
    assert (id, duplicates) == (1, 0)
    assert {name: shown[name] for name in expected} == expected


def test_first_put_is_first_claimed(client: Client) -> None:
    for payload in "abc":
        client.put(payload, now=NOW)
    assert claimed_payloads(client) == ["a", "b", "c"]


def test_higher_priority_is_claimed_first_and_older_among_equals(client: Client) -> None:
    for payload, priority in (("low", -1), ("a", 5), ("plain", 0), ("b", 5)):
        client.put(payload, priority=priority, now=NOW)
    assert claimed_payloads(client) == ["a", "b", "plain", "low"]


def test_a_delayed_task_is_claimed_when_its_time_has_come_and_not_a_millisecond_before(
    client: Client,
) -> None:
    id, _ = client.put("later", delay_ms=5_000, now=NOW)
    assert (client.show(id)["state"], client.show(id)["due_at"]) == ("scheduled", NOW + 5_000)
    assert client.claim(now=NOW + 4_999) is None
    task = client.claim(now=NOW + 5_000)
    assert task is not None
    assert task["id"] == id


def test_a_task_put_at_a_moment_is_claimed_at_that_moment(client: Client) -> None:
    id, _ = client.put("at", run_at=NOW + 12_345, now=NOW)
    assert client.show(id)["due_at"] == NOW + 12_345
    assert client.claim(now=NOW + 12_344) is None
    assert client.claim(now=NOW + 12_345) is not None


def test_a_moment_in_the_past_means_at_once(client: Client) -> None:
    client.put("late", run_at=NOW - 60_000, now=NOW)
    assert claimed_payloads(client) == ["late"]


def test_tasks_that_become_ready_keep_the_order_in_which_they_were_put(client: Client) -> None:
    client.put("waits longer", delay_ms=2_000, now=NOW)
    client.put("waits", delay_ms=1_000, now=NOW)
    assert claimed_payloads(client, NOW + 9_000) == ["waits longer", "waits"]


@pytest.mark.parametrize("state", ["ready", "scheduled", "running"])
def test_a_key_that_an_unfinished_task_holds_makes_a_duplicate_that_adds_nothing(
    client: Client, state: str
) -> None:
    holder, _ = client.put("first", key="k", delay_ms=1_000 if state == "scheduled" else None, now=NOW)
    if state == "running":
        client.claim(now=NOW)
    assert client.put("second", key="k", now=NOW) == (holder, 1)
    assert client.put("third", key="k", now=NOW) == (holder, 2)
    shown = client.show(holder)
    assert (shown["state"], shown["payload"], shown["duplicates"]) == (state, "first", 2)


def test_a_key_is_held_in_its_own_queue_only(client: Client) -> None:
    assert client.put("a", key="k", queue="one", now=NOW) == (1, 0)
    assert client.put("b", key="k", queue="two", now=NOW) == (2, 0)


@pytest.mark.parametrize("end", ["done", "dead", "cancelled"])
def test_a_key_is_free_when_its_task_is_finished(client: Client, end: str) -> None:
    id, _ = client.put("first", key="k", now=NOW)
    if end == "cancelled":
        client.cancel(id, now=NOW)
    else:
        task = client.claim(now=NOW)
        assert task is not None
        if end == "done":
            client.ack(task["receipt"], now=NOW)
        else:
            client.nack(task["receipt"], dead=True, now=NOW)
    assert client.show(id)["state"] == end
    assert client.put("second", key="k", now=NOW) == (2, 0)


def test_a_key_that_is_held_till_claimed_is_free_when_its_task_runs(client: Client) -> None:
    sqlite(client.db, "insert into qk_task (payload, key, key_until) values ('first', 'k', -1);")
    assert client.put("second", key="k", now=NOW) == (1, 1)
    claimed(client)
    assert client.put("third", key="k", now=NOW) == (2, 0)


def test_a_key_stays_held_while_a_failed_task_waits_for_its_next_attempt(client: Client) -> None:
    client.put("first", key="k", now=NOW)
    task = client.claim(now=NOW)
    assert task is not None
    client.nack(task["receipt"], now=NOW)
    assert client.put("second", key="k", now=NOW) == (1, 1)


def test_what_was_put_comes_with_the_claim(client: Client) -> None:
    client.put("body", queue="q", kind="mail", key="k", now=NOW)
    task = client.claim("q", now=NOW)
    expected = {"id": 1, "receipt": "1:1", "queue": "q", "kind": "mail", "key": "k", "payload": "body"}
    assert task == expected | {"attempt": 1, "lease_until": NOW + 60_000}


@pytest.mark.parametrize("bad", [{"max_attempts": 0}, {"lease_ms": 0}, {"backoff_ms": 1_000_000_001}])
def test_a_policy_number_out_of_range_is_refused_and_nothing_is_put(
    client: Client, bad: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refused:
        client.put("x", now=NOW, **bad)
    assert refused.value.code == "QK019"
    assert client.put("y", now=NOW) == (1, 0)


@pytest.mark.parametrize("bad", [{"payload": "a\0b"}, {"payload": "x", "key": "a\0b"}])
def test_text_with_a_nul_is_refused_and_nothing_is_put(client: Client, bad: dict[str, Any]) -> None:
    with pytest.raises(BadPayload):
        client.put(**bad, now=NOW)
    assert client.claim(now=NOW) is None


def test_a_queue_needs_a_name(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.put("x", queue="", now=NOW)
    assert refused.value.code == "QK013"
