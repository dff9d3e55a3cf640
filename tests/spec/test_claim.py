from __future__ import annotations

import pytest
from begun import NOW, claimed, running
from clients import Client

from queuekit.errors import LeaseLost, NoTask, Usage


def test_an_empty_queue_gives_nothing(client: Client) -> None:
    assert client.claim(now=NOW) is None


def test_a_queue_nobody_has_heard_of_gives_nothing_and_is_not_made(client: Client) -> None:
    client.put("x", now=NOW)
    assert client.claim("unheard", now=NOW) is None
    assert client.claim(now=NOW) is not None


def test_a_claimed_task_is_not_claimed_again(client: Client) -> None:
    running(client)
    assert client.claim(now=NOW) is None


def test_a_paused_queue_gives_nothing_until_it_is_resumed(client: Client) -> None:
    client.put("x", queue="mail", now=NOW)
    client.pause("mail")
    assert client.stats("mail")["paused"] == 1
    assert client.claim("mail", now=NOW) is None
    client.resume("mail")
    assert client.stats("mail")["paused"] == 0
    assert client.claim("mail", now=NOW) is not None


def test_a_pause_leaves_other_queues_alone_and_what_runs_goes_on(client: Client) -> None:
    receipt = running(client)
    client.pause()
    client.put("other", queue="other", now=NOW)
    assert client.claim("other", now=NOW) is not None
    client.put("waits", now=NOW)
    assert client.extend(receipt, now=NOW)["lease_until"] == NOW + 60_000
    client.ack(receipt, now=NOW)
    assert client.show(1)["state"] == "done"


def test_a_claim_tells_who_took_the_task_and_when(client: Client) -> None:
    client.put("x", now=NOW)
    client.claim(worker="ann", now=NOW + 7)
    shown = client.show(1)
    assert (shown["state"], shown["worker"], shown["claimed_at"]) == ("running", "ann", NOW + 7)
    assert (shown["claims"], shown["attempt"], shown["ended_at"]) == (1, 1, None)


@pytest.mark.parametrize(
    ("of_claim", "of_task", "of_queue", "length"),
    [
        (1_000, 2_000, 3_000, 1_000),
        (None, 2_000, 3_000, 2_000),
        (None, None, 3_000, 3_000),
        (None, None, None, 60_000),
    ],
)
def test_a_lease_is_as_long_as_the_claim_says_else_the_task_else_the_queue_else_a_minute(
    client: Client, of_claim: int | None, of_task: int | None, of_queue: int | None, length: int
) -> None:
    if of_queue:
        client.policy(lease_ms=of_queue)
    client.put("x", lease_ms=of_task, now=NOW)
    task = client.claim(lease_ms=of_claim, now=NOW)
    assert task is not None
    assert task["lease_until"] == NOW + length


def test_extend_starts_the_lease_again_from_now(client: Client) -> None:
    receipt = running(client, lease_ms=10_000)
    assert client.extend(receipt, now=NOW + 9_000, lease_ms=10_000)["lease_until"] == NOW + 19_000
    client.tick(now=NOW + 18_999)
    assert client.show(1)["state"] == "running"
    client.tick(now=NOW + 19_000)
    assert client.show(1)["state"] == "scheduled"


def test_extend_without_a_length_takes_that_of_the_task(client: Client) -> None:
    client.put("x", lease_ms=7_000, now=NOW)
    receipt = claimed(client, lease_ms=1_000)
    assert client.extend(receipt, now=NOW + 500) == {"lease_until": NOW + 7_500, "cancel_asked": False}


def test_extend_without_a_length_takes_that_of_the_queue_if_the_task_has_none(client: Client) -> None:
    client.policy(lease_ms=9_000)
    receipt = running(client, lease_ms=1_000)
    assert client.extend(receipt, now=NOW + 500)["lease_until"] == NOW + 9_500


def test_an_expired_lease_is_a_crashed_run_and_the_task_is_tried_again(client: Client) -> None:
    client.put("x", now=NOW)
    client.claim(worker="ann", lease_ms=1_000, now=NOW)
    client.tick(now=NOW + 999)
    assert client.show(1)["state"] == "running"
    client.tick(now=NOW + 1_000)
    shown = client.show(1)
    assert (shown["state"], shown["failures"], shown["crashes"]) == ("scheduled", 1, 1)
    assert shown["error"] == "lease expired: worker ann gave no sign of life"
    assert [(run["claim"], run["outcome"], run["worker"]) for run in shown["runs"]] == [(1, "crashed", "ann")]


def test_claims_alone_find_an_expired_lease_and_then_the_task(client: Client) -> None:
    running(client, lease_ms=1_000, backoff_ms=0)
    assert client.claim(now=NOW + 999) is None
    client.claim(now=NOW + 1_000)
    assert client.show(1)["crashes"] == 1
    assert claimed(client, now=NOW + 1_000) == "1:2"


NOT_YOURS = (LeaseLost, NoTask, Usage)


def verbs_on(client: Client, receipt: str) -> None:
    """Every verb that asks for a receipt is refused."""
    for verb in (client.ack, client.nack, client.extend, client.release):
        with pytest.raises(NOT_YOURS):
            verb(receipt, now=NOW + 1)


def test_a_worker_that_lost_its_lease_to_another_cannot_touch_the_task(client: Client) -> None:
    lost = running(client, lease_ms=1_000, backoff_ms=0)
    client.tick(now=NOW + 1_000)
    held = claimed(client, now=NOW + 2_000)
    assert (lost, held) == ("1:1", "1:2")
    verbs_on(client, lost)
    client.ack(held, now=NOW + 2_001)
    assert client.show(1)["state"] == "done"


def test_a_worker_whose_lease_was_swept_cannot_touch_the_task_though_nobody_took_it(client: Client) -> None:
    lost = running(client, lease_ms=1_000)
    client.tick(now=NOW + 1_000)
    verbs_on(client, lost)
    assert client.show(1)["state"] == "scheduled"


def test_an_expired_lease_that_nobody_swept_still_counts(client: Client) -> None:
    receipt = running(client, lease_ms=1_000)
    client.ack(receipt, now=NOW + 5_000)
    assert client.show(1)["state"] == "done"


def test_a_receipt_counts_once(client: Client) -> None:
    receipt = running(client)
    client.ack(receipt, now=NOW)
    verbs_on(client, receipt)
    assert client.show(1)["state"] == "done"


@pytest.mark.parametrize(
    "malformed",
    [
        "42",
        "1",
        "1:1 ",
        " 1:1",
        "1:01",
        "01:1",
        "+1:1",
        "1e0:1",
        "1.0:1",
        "1:1:1",
        "1:2",
        "1:",
        ":1",
        "",
        "x",
    ],
)
def test_a_malformed_receipt_is_refused(client: Client, malformed: str) -> None:
    running(client)
    with pytest.raises(NOT_YOURS):
        client.ack(malformed, now=NOW)
    with pytest.raises(NOT_YOURS):
        client.extend(malformed, now=NOW)
    assert client.show(1)["state"] == "running"


def test_malformed_receipts_move_nothing(client: Client) -> None:
    receipt = running(client)
    verbs_on(client, f"{receipt} ")
    verbs_on(client, f"0{receipt}")
    assert client.show(1)["state"] == "running"
