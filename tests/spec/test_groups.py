"""Tasks of a group run one at a time, in the order of their puts; groups run side by side."""

from __future__ import annotations

import pytest
from begun import NOW
from clients import Client

from tests.conftest import sqlite3_program


def put(client: Client, *payloads: str, **options: object) -> list[int]:
    """Put tasks whose group is their first letter."""
    return [client.put(text, group=text[0], now=NOW, **options)[0] for text in payloads]


def claim(client: Client, *, now: int = NOW, **options: object) -> dict[str, object]:
    return client.claim(now=now, **options) or {}


def payloads(client: Client, *, now: int = NOW) -> list[object]:
    found = []
    while task := client.claim(now=now):
        found.append(task["payload"])
    return found


def states(client: Client) -> list[str]:
    return [row["state"] for row in reversed(client.listed())]


def test_one_of_each_group_runs(client: Client) -> None:
    put(client, "a1", "a2", "b1", "b2", "a3")
    assert payloads(client) == ["a1", "b1"]
    assert states(client) == ["running", "blocked", "running", "blocked", "blocked"]


def test_the_next_in_the_order_of_puts_follows_whatever_its_priority(client: Client) -> None:
    put(client, "a1", "a2")
    put(client, "a3", priority="critical")
    order = []
    while task := client.claim(now=NOW):
        order.append(task["payload"])
        client.ack(task["receipt"], now=NOW)
    assert order == ["a1", "a2", "a3"]


def test_groups_of_two_queues_have_nothing_to_do_with_each_other(client: Client) -> None:
    put(client, "a1", queue="x")
    put(client, "a2", queue="y")
    assert (claim(client, queue="x")["payload"], claim(client, queue="y")["payload"]) == ("a1", "a2")


def test_a_released_task_keeps_its_turn(client: Client) -> None:
    put(client, "a1", "a2")
    client.release(str(claim(client)["receipt"]), now=NOW)
    assert claim(client)["payload"] == "a1"


def test_a_task_that_failed_keeps_its_group_waiting(client: Client) -> None:
    put(client, "a1", "a2")
    client.nack(str(claim(client)["receipt"]), delay_ms=1000, now=NOW)
    assert claim(client, now=NOW + 999) == {}
    assert claim(client, now=NOW + 1000)["payload"] == "a1"


def test_a_dead_task_keeps_its_group_waiting_until_it_is_retried_or_cancelled(client: Client) -> None:
    put(client, "a1", "a2", "b1", "b2")
    for _ in range(2):
        client.nack(str(claim(client)["receipt"]), dead=True, now=NOW)
    assert claim(client) == {}
    assert client.cancel(1, now=NOW) == "cancelled"
    assert claim(client)["payload"] == "a2"
    client.retry(3, now=NOW)
    assert claim(client)["payload"] == "b1"


def test_by_policy_a_task_that_failed_steps_aside(client: Client) -> None:
    client.policy(on_group="aside")
    put(client, "a1", "a2", "a3")
    client.nack(str(claim(client)["receipt"]), delay_ms=1000, now=NOW)
    second = claim(client)
    assert second["payload"] == "a2"
    client.ack(str(second["receipt"]), now=NOW + 1000)
    assert claim(client, now=NOW + 1000)["payload"] == "a3"
    client.ack("3:1", now=NOW + 1000)
    assert claim(client, now=NOW + 1000)["payload"] == "a1"


def test_by_policy_a_dead_task_steps_aside(client: Client) -> None:
    client.policy(on_group="aside")
    put(client, "a1", "a2")
    client.nack(str(claim(client)["receipt"]), dead=True, now=NOW)
    assert claim(client)["payload"] == "a2"


def test_a_group_that_stands_still_goes_on_when_the_policy_changes(client: Client) -> None:
    put(client, "a1", "a2")
    client.nack(str(claim(client)["receipt"]), dead=True, now=NOW)
    client.policy(on_group="aside")
    assert claim(client)["payload"] == "a2"


def test_a_crash_keeps_the_turn_and_is_tried_again(client: Client) -> None:
    put(client, "a1", "a2", backoff_ms=0)
    claim(client, lease_ms=1000)
    client.tick(now=NOW + 1000)
    assert claim(client, now=NOW + 1000)["payload"] == "a1"


def test_a_cancelled_or_expired_task_leaves_the_line(client: Client) -> None:
    put(client, "a1", within_ms=1000)
    put(client, "a2", "a3", "a4")
    client.cancel(3, now=NOW)
    client.tick(now=NOW + 1000)
    assert payloads(client, now=NOW + 1000) == ["a2"]
    client.ack("2:1", now=NOW + 1000)
    assert payloads(client, now=NOW + 1000) == ["a4"]


def test_a_delayed_task_holds_its_place(client: Client) -> None:
    put(client, "a1", delay_ms=1000)
    put(client, "a2")
    assert payloads(client) == []
    assert payloads(client, now=NOW + 1000) == ["a1"]


def test_a_purged_head_passes_its_turn_on(client: Client) -> None:
    put(client, "a1", "a2", "b1")
    client.nack(str(claim(client)["receipt"]), dead=True, now=NOW)
    client.purge(state="dead", older_ms=0, now=NOW)
    assert claim(client)["payload"] == "a2"


def test_a_retried_task_gets_in_line_again(client: Client) -> None:
    put(client, "a1", "a2", "a3")
    client.ack(str(claim(client)["receipt"]), now=NOW)
    assert claim(client)["payload"] == "a2"
    client.retry(1, now=NOW)
    assert claim(client) == {}
    client.ack("2:1", now=NOW)
    assert claim(client)["payload"] == "a1"


@pytest.mark.parametrize("on_group", ["block", "aside"])
def test_who_is_made_ready_by_hand_stays_in_line(client: Client, on_group: str) -> None:
    client.policy(on_group=on_group)
    for payload in "abc":
        client.put(payload, group="g", now=NOW)
    client.claim(now=NOW, lease_ms=500)
    sqlite3_program(client.db, "update qk_task set state = 'ready' where id = 2;")
    assert client.claim(now=NOW) is None
    client.tick(now=NOW + 1000)
    if on_group == "block":
        client.tick(now=NOW + 60_000)
    second = client.claim(now=NOW + 60_000)
    assert second is not None
    assert second["payload"] == ("a" if on_group == "block" else "b")
    client.ack(second["receipt"], now=NOW + 60_000)


def test_many_put_at_once_line_up(client: Client) -> None:
    client.put_many([f"a{n}" for n in range(4)], group="a", now=NOW)
    assert states(client) == ["ready", "blocked", "blocked", "blocked"]
