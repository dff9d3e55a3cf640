"""When a task runs: not before a moment, not after another, and later if it is put off."""

from __future__ import annotations

import pytest
from begun import NOW, running
from clients import Client

from queuekit import NoTask, Refused


def state(client: Client, id: int) -> str:
    return str(client.show(id)["state"])


def test_a_task_expires_if_it_still_waits_at_its_time(client: Client) -> None:
    id, _ = client.put("x", until_at=NOW + 1000, now=NOW)
    client.tick(now=NOW + 999)
    assert state(client, id) == "ready"
    client.tick(now=NOW + 1000)
    task = client.show(id)
    assert (task["state"], task["ended_at"], task["error"]) == (
        "cancelled",
        NOW + 1000,
        "expired: not run in time",
    )


def test_a_claim_lets_a_thousand_go_that_have_expired_and_makes_a_hundred_ready(client: Client) -> None:
    client.put_many(["expires"] * 1200, within_ms=1000, now=NOW)
    client.put_many(["waits"] * 200, delay_ms=1500, now=NOW)
    for _ in range(2):
        client.claim(now=NOW + 2000)
    stats = client.stats("default")
    assert (stats["cancelled"], stats["ready"] + stats["running"]) == (1200, 100)


def test_a_claim_does_not_take_what_has_expired(client: Client) -> None:
    client.put("x", within_ms=1000, now=NOW)
    assert client.claim(now=NOW + 1000) is None
    assert client.claim_many(5, now=NOW + 1000) == []


def test_a_claim_looks_behind_many_that_have_expired(client: Client) -> None:
    client.put_many(["x"] * 250, until_at=NOW + 1, priority=5, now=NOW)
    client.put("good", now=NOW)
    task = client.claim(now=NOW + 1)
    assert task is not None
    assert task["payload"] == "good"


def test_what_runs_in_time_is_let_run(client: Client) -> None:
    id, _ = client.put("x", within_ms=1000, now=NOW)
    task = client.claim(now=NOW + 500)
    assert task is not None
    client.tick(now=NOW + 5000)
    client.ack(task["receipt"], now=NOW + 6000)
    assert state(client, id) == "done"


def test_a_scheduled_task_expires_too(client: Client) -> None:
    id, _ = client.put("x", delay_ms=5000, within_ms=1000, now=NOW)
    client.tick(now=NOW + 1000)
    assert state(client, id) == "cancelled"


def test_a_retry_that_comes_too_late_is_not_tried(client: Client) -> None:
    receipt = running(client, within_ms=1000)
    client.nack(receipt, delay_ms=60_000, now=NOW)
    client.tick(now=NOW + 1000)
    assert state(client, 1) == "cancelled"


def test_its_end_is_something_that_is_due(client: Client) -> None:
    client.put("x", within_ms=1000, now=NOW)
    assert client.due(now=NOW) == NOW + 1000


def test_an_expired_key_is_free_again(client: Client) -> None:
    first, _ = client.put("x", key="k", within_ms=1000, now=NOW)
    client.tick(now=NOW + 1000)
    assert client.put("y", key="k", now=NOW + 1001) == (first + 1, 0)


def test_retry_of_an_expired_task_has_no_end_of_time(client: Client) -> None:
    id, _ = client.put("x", within_ms=1000, now=NOW)
    client.tick(now=NOW + 1000)
    client.retry(id, now=NOW + 2000)
    assert client.claim(now=NOW + 10_000) is not None


def test_snooze_puts_a_ready_task_off(client: Client) -> None:
    id, _ = client.put("x", now=NOW)
    assert client.snooze(id, delay_ms=5000, now=NOW) == "scheduled"
    assert client.claim(now=NOW + 4999) is None
    assert client.claim(now=NOW + 5000) is not None


def test_snooze_may_bring_a_scheduled_task_forward(client: Client) -> None:
    id, _ = client.put("x", delay_ms=9_000_000, now=NOW)
    client.snooze(id, run_at=NOW + 10, now=NOW)
    assert client.claim(now=NOW + 10) is not None


def test_a_running_or_finished_task_is_not_snoozed(client: Client) -> None:
    receipt = running(client)
    with pytest.raises(Refused):
        client.snooze(1, delay_ms=1, now=NOW)
    client.ack(receipt, now=NOW)
    with pytest.raises(Refused):
        client.snooze(1, delay_ms=1, now=NOW)
    with pytest.raises(NoTask):
        client.snooze(99, delay_ms=1, now=NOW)


def test_release_with_a_delay_puts_a_running_task_off(client: Client) -> None:
    receipt = running(client)
    assert client.release(receipt, delay_ms=1000, now=NOW) == "scheduled"
    assert client.show(1)["failures"] == 0
