from __future__ import annotations

import pytest
from begun import NOW
from clients import Client
from test_payloads import HOSTILE


def test_many_are_put_in_order_with_ids_in_a_row(client: Client) -> None:
    client.put("before", now=NOW)
    assert client.put_many(["a", "b", "c"], now=NOW) == [2, 3, 4]
    assert [client.show(id)["payload"] for id in (2, 3, 4)] == ["a", "b", "c"]


def test_every_payload_of_many_is_kept_byte_for_byte(client: Client) -> None:
    ids = client.put_many(list(HOSTILE.values()), now=NOW)
    assert [client.show(id)["payload"] for id in ids] == list(HOSTILE.values())


def test_the_options_of_many_hold_for_each(client: Client) -> None:
    options = {"kind": "mail", "priority": 3, "max_attempts": 2, "lease_ms": 7_000, "delay_ms": 5_000}
    ids = client.put_many(["a", "b"], queue="q", backoff_ms=80, now=NOW, **options)
    assert client.claim_many(2, queue="q", now=NOW + 4_999) == []
    tasks = client.claim_many(2, queue="q", now=NOW + 5_000)
    assert [task["id"] for task in tasks] == ids
    assert {(task["kind"], task["lease_until"]) for task in tasks} == {("mail", NOW + 12_000)}
    assert [client.nack(task["receipt"], delay_ms=0, now=NOW) for task in tasks] == ["scheduled"] * 2
    again = client.claim_many(2, queue="q", now=NOW + 5_000)
    assert [client.nack(task["receipt"], now=NOW) for task in again] == ["dead"] * 2


def test_many_may_be_due_at_a_moment(client: Client) -> None:
    client.put_many(["a", "b"], run_at=NOW + 5_000, now=NOW)
    assert client.claim_many(9, now=NOW + 4_999) == []
    assert len(client.claim_many(9, now=NOW + 5_000)) == 2


def test_a_claim_of_many_takes_so_many_at_most_the_best_first(client: Client) -> None:
    for priority in (0, 5, 0, 9):
        client.put("x", priority=priority, now=NOW)
    first = client.claim_many(3, worker="ann", now=NOW)
    assert [task["id"] for task in first] == [4, 2, 1]
    assert [task["receipt"] for task in first] == ["4:1", "2:1", "1:1"]
    assert client.show(2)["worker"] == "ann"
    assert [task["id"] for task in client.claim_many(3, now=NOW)] == [3]
    assert client.claim_many(3, now=NOW) == []


def test_a_claim_of_many_moves_what_is_due_first(client: Client) -> None:
    client.put("x", delay_ms=1_000, now=NOW)
    assert [task["attempt"] for task in client.claim_many(2, now=NOW + 1_000)] == [1]


def test_a_claim_of_many_finds_nothing_in_a_queue_that_is_paused(client: Client) -> None:
    client.put("x", now=NOW)
    client.pause()
    assert client.claim_many(2, now=NOW) == []
    client.resume()
    assert len(client.claim_many(2, now=NOW)) == 1


@pytest.mark.parametrize(
    ("of_claim", "ends"), [(1_000, [1_000, 1_000]), (None, [2_000, 3_000])], ids=["its own", "none"]
)
def test_each_lease_of_a_claim_of_many_is_as_long_as_the_claim_says_else_the_task_else_the_queue(
    client: Client, of_claim: int | None, ends: list[int]
) -> None:
    client.policy(lease_ms=3_000)
    client.put("x", lease_ms=2_000, now=NOW)
    client.put("y", now=NOW)
    tasks = client.claim_many(2, lease_ms=of_claim, now=NOW)
    assert [task["lease_until"] - NOW for task in tasks] == ends
