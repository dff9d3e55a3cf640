"""What a queue lets its workers do: so many at once, so many a minute."""

from __future__ import annotations

import pytest
from begun import NOW
from clients import Client

from queuekit import QueuekitError

SECOND_US = 1_000_000
DAY = 86_400_000


def claims(client: Client, *, now: int = NOW, **options: object) -> list[str]:
    """The receipts of all that may be claimed now, one by one."""
    found = []
    while task := client.claim(now=now, **options):
        found.append(task["receipt"])
    return found


def put(client: Client, count: int, **options: object) -> list[int]:
    return client.put_many([f"payload {n}" for n in range(count)], now=NOW, **options)


# --- runs -----------------------------------------------------------------------------------------------------------


def test_no_more_than_max_running_run_at_once(client: Client) -> None:
    client.policy(max_running=2)
    put(client, 4)
    first, _ = claims(client)
    client.ack(first, now=NOW)
    assert len(claims(client)) == 1


def test_many_at_once_heed_the_limit(client: Client) -> None:
    client.policy(max_running=3)
    put(client, 5)
    assert len(client.claim_many(5, now=NOW)) == 3
    assert client.claim_many(5, now=NOW) == []


@pytest.mark.parametrize("end", ["nack", "release", "cancel", "crash"])
def test_every_end_of_a_run_makes_room(client: Client, end: str) -> None:
    client.policy(max_running=1)
    put(client, 2)
    (receipt,) = claims(client, lease_ms=1000)
    if end == "crash":
        client.tick(now=NOW + 1000)
    elif end == "cancel":
        client.cancel(1, now=NOW)
        client.release(receipt, now=NOW)
    else:
        getattr(client, end)(receipt, delay_ms=60_000, now=NOW)
    assert len(claims(client, now=NOW + 1000)) == 1


def test_the_limit_of_one_queue_is_not_that_of_another(client: Client) -> None:
    client.policy("a", max_running=1)
    put(client, 3, queue="a")
    put(client, 3, queue="b")
    assert (len(claims(client, queue="a")), len(claims(client, queue="b"))) == (1, 3)


@pytest.mark.parametrize("limit", ["max_running", "max_per_worker"])
def test_a_limit_set_later_counts_what_runs_and_0_lifts_it(client: Client, limit: str) -> None:
    put(client, 7)
    first, second = (client.claim(now=NOW, worker="w")["receipt"] for _ in range(2))
    client.policy(**{limit: 3})
    assert len(claims(client, worker="w")) == 1
    client.ack(first, now=NOW)
    client.policy(**{limit: 1})
    assert claims(client, worker="w") == []
    client.policy(**{limit: 0})
    assert client.claim(now=NOW, worker="w")
    client.policy(**{limit: 4})
    assert len(claims(client, worker="w")) == 1
    client.ack(second, now=NOW)
    assert len(claims(client, worker="w")) == 1


def test_no_worker_holds_more_than_max_per_worker(client: Client) -> None:
    client.policy(max_per_worker=2)
    put(client, 5)
    ours = claims(client, worker="w")
    assert (len(ours), len(claims(client, worker="v"))) == (2, 2)
    client.ack(ours[0], now=NOW)
    assert len(claims(client, worker="w")) == 1


# --- rate -----------------------------------------------------------------------------------------------------------


def test_a_rate_lets_one_go_each_time(client: Client) -> None:
    client.policy(rate_us=SECOND_US)
    put(client, 9)
    assert [len(claims(client, now=NOW + ms)) for ms in (0, 999, 1000, 1001, 1999, 2000)] == [
        1,
        0,
        1,
        0,
        0,
        1,
    ]


def test_a_burst_is_saved_up_in_a_rest_and_no_more_than_it(client: Client) -> None:
    client.policy(rate_us=SECOND_US, burst=3)
    put(client, 20)
    assert [len(claims(client, now=NOW + s * 1000)) for s in (0, 1, 3, 100, 101)] == [3, 1, 2, 3, 1]


def test_a_rate_of_thousands_a_second_is_met(client: Client) -> None:
    client.policy(rate_us=200)
    put(client, 30)
    assert [len(claims(client, now=NOW + ms)) for ms in (0, 1, 3)] == [5, 5, 5]
    assert [len(client.claim_many(10, now=NOW + ms)) for ms in (4, 5)] == [5, 5]


def test_many_at_once_heed_the_rate(client: Client) -> None:
    client.policy(rate_us=SECOND_US, burst=4)
    put(client, 20)
    assert [len(client.claim_many(10, now=NOW + s * 1000)) for s in (0, 1, 3)] == [4, 1, 2]


def test_it_is_known_when_the_next_may_go(client: Client) -> None:
    client.policy(rate_us=SECOND_US, burst=2)
    put(client, 9)
    claims(client, lease_ms=10**9)
    assert client.due(now=NOW) == NOW + 1000
    assert client.due(now=NOW + 1000) != NOW + 1000


def test_a_new_rate_forgets_the_old_one(client: Client) -> None:
    client.policy(rate_us=86_400 * SECOND_US)
    put(client, 3)
    assert len(claims(client)) == 1
    client.policy(rate_us=SECOND_US)
    assert len(claims(client, now=NOW + 1)) == 1
    client.policy(rate_us=SECOND_US, burst=1)
    assert claims(client, now=NOW + 2) == []


def test_another_burst_leaves_as_many_as_there_were_or_as_it_allows(client: Client) -> None:
    client.policy(rate_us=3600 * SECOND_US, burst=30)
    put(client, 50)
    assert len(claims(client)) == 30
    for burst in (2, 1, 30):
        client.policy(burst=burst)
        assert claims(client) == []
    assert len(claims(client, now=NOW + 2 * 3_600_000)) == 2
    client.policy(rate_us=SECOND_US, burst=5)
    client.policy(burst=3)
    assert len(claims(client, now=NOW + DAY)) == 3


@pytest.mark.parametrize("burst", [1, 3])
def test_a_clock_that_jumps_ahead_and_back_stops_nothing(client: Client, burst: int) -> None:
    client.policy(rate_us=SECOND_US, burst=burst)
    put(client, 40)
    assert len(claims(client, now=NOW + DAY)) == burst
    assert [len(claims(client, now=NOW + ms)) for ms in (0, 999, 1000, 2000)] == [burst, 0, 1, 1]
    assert len(claims(client, now=NOW + DAY)) == burst
    assert [len(client.claim_many(10, now=NOW + ms)) for ms in (5000, 5999, 6000)] == [burst, 0, 1]


def test_a_claim_that_waited_for_the_lock_is_no_clock_set_back(client: Client) -> None:
    """Its moment is that of the call, and another was faster."""
    client.policy(rate_us=SECOND_US)
    put(client, 9)
    moments = (0, -1, -500, -59_000, 0, 999, 1000)
    assert [len(claims(client, now=NOW + ms)) for ms in moments] == [1, 0, 0, 0, 0, 0, 1]
    assert client.claim_many(9, now=NOW - 30_000) == []


def test_a_claim_that_finds_nothing_uses_up_nothing(client: Client) -> None:
    client.policy(rate_us=SECOND_US)
    assert claims(client) == []
    put(client, 1)
    assert len(claims(client)) == 1


def test_pause_and_resume_stand_beside_the_limits(client: Client) -> None:
    client.policy(max_running=2)
    put(client, 3)
    client.pause()
    assert claims(client) == []
    client.resume()
    assert len(claims(client)) == 2


@pytest.mark.parametrize("limit", ["max_running", "max_per_worker", "max_depth", "max_bytes", "burst"])
def test_a_limit_is_a_whole_number(client: Client, limit: str) -> None:
    with pytest.raises(QueuekitError):
        client.policy(**{limit: -1})
