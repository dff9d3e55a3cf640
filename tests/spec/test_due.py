from __future__ import annotations

from begun import NOW, claimed, running
from clients import Client


def test_an_empty_file_waits_for_nothing(client: Client) -> None:
    assert client.due() is None


def test_a_ready_task_waits_for_nothing(client: Client) -> None:
    client.put("x", now=NOW)
    assert client.due() is None


def test_the_next_moment_is_that_of_the_earliest_scheduled_task(client: Client) -> None:
    client.put("later", delay_ms=9_000, now=NOW)
    client.put("sooner", delay_ms=3_000, queue="other", now=NOW)
    assert client.due() == NOW + 3_000


def test_the_next_moment_is_the_end_of_the_first_lease(client: Client) -> None:
    client.put("later", delay_ms=9_000, now=NOW)
    running(client, lease_ms=5_000)
    assert client.due() == NOW + 5_000


def test_the_next_moment_follows_an_extend(client: Client) -> None:
    receipt = running(client, lease_ms=5_000)
    client.extend(receipt, lease_ms=5_000, now=NOW + 4_000)
    due = client.due()
    assert due is not None
    client.tick(now=due)
    client.tick(now=NOW + 8_999)
    assert client.show(1)["state"] == "running"
    assert client.due() == NOW + 9_000


def test_the_next_moment_is_never_too_late(client: Client) -> None:
    receipts = [running(client, lease_ms=lease_ms) for lease_ms in (700, 1_500, 1_600)]
    client.extend(receipts[0], lease_ms=4_000, now=NOW + 100)
    ends = [NOW + 4_100, NOW + 1_500, NOW + 1_600]
    due = client.due()
    assert due is not None
    assert due <= min(ends)


def test_a_moment_too_early_passes_with_the_tick_that_finds_nothing(client: Client) -> None:
    client.ack(running(client, lease_ms=5_000), now=NOW)
    seen = set()
    while (due := client.due()) is not None:
        assert due not in seen
        seen.add(due)
        client.tick(now=due)
    assert client.show(1)["state"] == "done"


def test_all_that_is_due_moves_at_one_tick_however_much_it_is(client: Client) -> None:
    client.put("x", delay_ms=1_000, now=NOW)
    client.put("y", delay_ms=2_000, now=NOW)
    running(client, lease_ms=1_000)
    client.tick(now=NOW + 2_000)
    assert [client.show(id)["state"] for id in (1, 2, 3)] == ["ready", "ready", "scheduled"]


def test_a_tick_is_for_every_queue_of_the_file(client: Client) -> None:
    client.put("x", delay_ms=1_000, queue="other", now=NOW)
    client.tick(now=NOW + 1_000)
    assert client.show(1)["state"] == "ready"


def test_a_clock_that_jumps_back_moves_nothing(client: Client) -> None:
    client.put("x", delay_ms=1_000, now=NOW)
    client.tick(now=NOW - 86_400_000)
    assert client.show(1)["state"] == "scheduled"
    assert claimed(client, now=NOW + 1_000) == "1:1"
