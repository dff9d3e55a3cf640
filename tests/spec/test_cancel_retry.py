from __future__ import annotations

import pytest
from begun import NOW, claimed, finished, running
from client_raw import Raw
from clients import Client

from queuekit.errors import LeaseLost, NoTask, Refused

ENDS = ["done", "dead", "cancelled"]


@pytest.mark.parametrize("delay_ms", [None, 5_000])
def test_a_waiting_task_is_cancelled_at_once(client: Client, delay_ms: int | None) -> None:
    id, _ = client.put("x", delay_ms=delay_ms, now=NOW)
    assert client.cancel(id, now=NOW + 1) == "cancelled"
    shown = client.show(id)
    assert (shown["state"], shown["ended_at"], shown["due_at"], shown["runs"]) == (
        "cancelled",
        NOW + 1,
        None,
        [],
    )
    assert client.claim(now=NOW + 9_999) is None


def test_a_task_that_waits_for_its_next_attempt_is_cancelled_at_once(client: Client) -> None:
    client.nack(running(client), now=NOW)
    assert client.cancel(1, now=NOW) == "cancelled"
    assert client.show(1)["failures"] == 1


def test_of_a_running_task_the_stop_is_asked_and_its_worker_hears_it_at_the_next_extend(
    client: Client,
) -> None:
    receipt = running(client)
    assert client.cancel(1, now=NOW + 1) == "running"
    assert client.show(1)["state"] == "running"
    assert client.show(1)["cancel_at"] == NOW + 1
    assert client.extend(receipt, now=NOW + 2) == {"lease_until": NOW + 60_002, "cancel_asked": True}


def test_an_ack_after_a_cancel_still_makes_the_task_done(client: Client) -> None:
    receipt = running(client)
    client.cancel(1, now=NOW)
    client.ack(receipt, now=NOW)
    assert client.show(1)["state"] == "done"


def test_a_nack_after_a_cancel_makes_it_cancelled(client: Client) -> None:
    receipt = running(client)
    client.cancel(1, now=NOW)
    assert client.nack(receipt, error="stopped", now=NOW) == "cancelled"
    shown = client.show(1)
    assert (shown["state"], shown["due_at"], shown["ended_at"]) == ("cancelled", None, NOW)
    assert [run["outcome"] for run in shown["runs"]] == ["failed"]


@pytest.mark.parametrize("delay_ms", [None, 5_000])
def test_a_release_after_a_cancel_makes_it_cancelled(client: Client, delay_ms: int | None) -> None:
    receipt = running(client)
    client.cancel(1, now=NOW)
    assert client.release(receipt, delay_ms=delay_ms, now=NOW) == "cancelled"
    shown = client.show(1)
    assert (shown["state"], shown["failures"]) == ("cancelled", 0)
    assert [run["outcome"] for run in shown["runs"]] == ["cancelled"]


def test_the_end_of_the_lease_after_a_cancel_makes_it_cancelled(client: Client) -> None:
    running(client, lease_ms=1_000)
    client.cancel(1, now=NOW)
    client.tick(now=NOW + 1_000)
    shown = client.show(1)
    assert (shown["state"], shown["crashes"]) == ("cancelled", 1)
    assert [run["outcome"] for run in shown["runs"]] == ["crashed"]


@pytest.mark.parametrize("end", ENDS)
def test_a_finished_task_cannot_be_cancelled(client: Client, end: str) -> None:
    finished(client, end)
    before = client.show(1)
    with pytest.raises(Refused):
        client.cancel(1, now=NOW)
    assert client.show(1) == before


@pytest.mark.parametrize("end", ENDS)
def test_retry_makes_a_finished_task_ready_with_all_its_attempts(client: Client, end: str) -> None:
    finished(client, end, max_attempts=2)
    assert client.retry(1, now=NOW) == "ready"
    shown = client.show(1)
    assert (shown["state"], shown["failures"], shown["crashes"]) == ("ready", 0, 0)
    assert (shown["cancel_at"], shown["result"], shown["claims"]) == (None, None, 1)
    assert claimed(client) == "1:2"
    assert client.nack("1:2", now=NOW) == "scheduled"


@pytest.mark.parametrize("end", ENDS)
def test_retry_with_a_delay_waits_that_long(client: Client, end: str) -> None:
    finished(client, end)
    assert client.retry(1, delay_ms=5_000, now=NOW) == "scheduled"
    assert client.show(1)["due_at"] == NOW + 5_000


def test_a_task_that_was_never_run_can_be_retried_after_a_cancel(client: Client) -> None:
    client.put("x", now=NOW)
    client.cancel(1, now=NOW)
    assert client.retry(1, now=NOW) == "ready"
    assert claimed(client) == "1:1"


@pytest.mark.parametrize("state", ["ready", "scheduled", "running"])
def test_an_unfinished_task_cannot_be_retried(client: Client, state: str) -> None:
    client.put("x", delay_ms=9_000 if state == "scheduled" else None, now=NOW)
    if state == "running":
        claimed(client)
    with pytest.raises(Refused):
        client.retry(1, now=NOW)
    assert client.show(1)["state"] == state


def test_a_task_that_does_not_exist_is_not_there_for_any_verb(client: Client) -> None:
    client.put("x", now=NOW)
    for verb in (client.cancel, client.retry, client.show):
        with pytest.raises(NoTask):
            verb(7)


def test_retry_takes_the_key_back_if_it_is_free(client: Client) -> None:
    finished(client, "dead", key="k")
    client.retry(1, now=NOW)
    assert client.put("another", key="k", now=NOW) == (1, 1)


def test_retry_with_a_key_taken_meanwhile_runs_without_holding_it(client: Client) -> None:
    finished(client, "dead", key="k")
    holder, _ = client.put("another", key="k", now=NOW)
    assert client.retry(1, now=NOW) == "ready"
    assert client.show(1)["key"] == "k"
    assert client.put("third", key="k", now=NOW) == (holder, 1)
    client.ack(claimed(client), now=NOW)
    assert client.show(1)["state"] == "done"
    assert client.put("fourth", key="k", now=NOW) == (holder, 2)


def test_history_holds_every_run_that_the_task_itself_no_longer_tells(client: Client, raw: Raw) -> None:
    def counts() -> tuple[int, int]:
        shown = raw.show(1)
        return len(shown["runs"]), shown["claims"] - (shown["state"] in ("running", "done"))

    receipt = running(client)
    assert counts() == (0, 0)
    client.ack(receipt, result="first", now=NOW)
    assert counts() == (0, 0)
    client.retry(1, now=NOW)
    assert counts() == (1, 1)
    client.nack(claimed(client), error="second", delay_ms=0, now=NOW)
    assert counts() == (2, 2)
    claimed(client, lease_ms=1_000)
    client.tick(now=NOW + 1_000)
    assert counts() == (3, 3)
    client.release(claimed(client, now=NOW + 99_000), now=NOW)
    client.ack(claimed(client), result="last", now=NOW)
    assert counts() == (4, 4)
    runs = client.show(1)["runs"]
    assert [run["claim"] for run in runs] == [1, 2, 3, 4]
    assert [run["outcome"] for run in runs] == ["done", "failed", "crashed", "released"]
    assert [run["text"] for run in runs][:2] == ["first", "second"]


def test_the_receipt_of_a_run_before_the_retry_is_refused(client: Client) -> None:
    finished(client, "done")
    client.retry(1, now=NOW)
    assert claimed(client) == "1:2"
    with pytest.raises(LeaseLost):
        client.ack("1:1", now=NOW)
    assert client.show(1)["state"] == "running"
