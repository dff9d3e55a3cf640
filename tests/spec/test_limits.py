"""What a queue lets its workers and producers do: so many at once, so many a minute, so many waiting."""

from __future__ import annotations

import json

import pytest
from begun import NOW
from clients import Client

from queuekit import Full, QueuekitError, Refused

SECOND_US = 1_000_000


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


def test_a_claim_that_finds_nothing_uses_up_nothing(client: Client) -> None:
    client.policy(rate_us=SECOND_US)
    assert claims(client) == []
    put(client, 1)
    assert len(claims(client)) == 1


# --- depth ----------------------------------------------------------------------------------------------------------


def test_a_full_queue_refuses(client: Client) -> None:
    client.policy(max_depth=2)
    put(client, 2)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("one more", now=NOW)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("one more", key="k", priority="high", now=NOW)
    assert client.stats("default")["ready"] == 2


def test_of_many_none_is_put_when_not_all_have_room(client: Client) -> None:
    client.policy(max_depth=3)
    with pytest.raises((Full, Refused), match="QK027"):
        put(client, 4)
    assert client.listed() == []


def test_what_runs_or_is_finished_does_not_count(client: Client) -> None:
    client.policy(max_depth=1)
    put(client, 1)
    receipt = claims(client)[0]
    put(client, 1)
    client.ack(receipt, now=NOW)
    with pytest.raises((Full, Refused)):
        put(client, 1)


def test_what_comes_back_is_not_refused(client: Client) -> None:
    client.policy(max_depth=1)
    put(client, 1)
    receipt = claims(client)[0]
    put(client, 1)
    assert client.nack(receipt, now=NOW) == "scheduled"


def test_a_duplicate_needs_no_room(client: Client) -> None:
    client.policy(max_depth=1)
    first, _ = client.put("x", key="k", now=NOW)
    assert client.put("x", key="k", now=NOW) == (first, 1)


def test_bytes_are_counted_too(client: Client) -> None:
    client.policy(max_bytes=10)
    client.put("12345678", now=NOW)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("ü€", now=NOW)  # five bytes
    client.put("ü", now=NOW)


@pytest.mark.parametrize("limit", [{"max_depth": 4}, {"max_bytes": 36}])
def test_a_depth_set_later_counts_what_waits_and_0_lifts_it(client: Client, limit: dict[str, int]) -> None:
    first, *_ = put(client, 2)
    client.put("payload x", delay_ms=1000, now=NOW)
    client.put("payload y", after=f"[{first}]", now=NOW)
    put(client, 5, queue="another")
    client.policy(**limit)
    with pytest.raises((Full, Refused), match="QK027"):
        put(client, 1)
    receipt = claims(client)[0]
    put(client, 1)
    client.policy(**dict.fromkeys(limit, 0))
    put(client, 2)
    client.policy(**limit)
    client.ack(receipt, now=NOW)
    assert len(claims(client)) == 4
    with pytest.raises((Full, Refused), match="QK027"):
        put(client, 4)
    put(client, 3)


@pytest.mark.parametrize("on_conflict", ["replace", "merge"])
def test_a_payload_that_grows_needs_room_too(client: Client, on_conflict: str) -> None:
    client.policy(max_bytes=20)
    client.put("12345678", key="k", now=NOW)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("x" * 30, key="k", on_conflict=on_conflict, now=NOW)
    assert client.show(1)["payload"] == "12345678"
    client.put("12", key="k", on_conflict=on_conflict, now=NOW)
    client.policy(max_depth=1, max_bytes=40, on_full="drop_oldest")
    client.put("9" * 35, now=NOW)
    assert client.show(1)["state"] == "cancelled"


def test_what_others_wait_for_is_not_dropped(client: Client) -> None:
    client.policy(max_depth=2, on_full="drop_oldest")
    first, second = put(client, 2)
    third, _ = client.put("third", after=f"[{second}]", now=NOW)
    assert [client.show(id)["state"] for id in (first, second, third)] == ["cancelled", "ready", "blocked"]
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("fourth", after=f"[{third}]", now=NOW)


def test_a_full_queue_may_drop_its_oldest(client: Client) -> None:
    client.policy(max_depth=2, on_full="drop_oldest")
    client.put("old", priority="high", now=NOW)
    put(client, 2)
    dropped = client.show(1)
    assert (dropped["state"], dropped["error"]) == ("cancelled", "dropped: its queue was full")
    assert client.stats("default")["ready"] == 2


def test_as_many_bytes_are_dropped_as_it_takes(client: Client) -> None:
    client.policy(max_bytes=10, on_full="drop_oldest")
    for text in ("1234", "5678", "90"):
        client.put(text, now=NOW)
    client.put("123456", now=NOW)
    assert [row["state"] for row in client.listed()] == ["ready", "ready", "cancelled", "cancelled"]


def test_what_is_larger_than_the_queue_is_refused(client: Client) -> None:
    client.policy(max_bytes=10, on_full="drop_oldest")
    client.put("1234", now=NOW)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("12345678901", now=NOW)
    assert client.stats("default")["ready"] == 1


def test_a_full_queue_may_join_what_comes_into_one_task(client: Client) -> None:
    client.policy(max_depth=1, on_full="coalesce")
    client.put("first", now=NOW)
    ids = {client.put(text, now=NOW)[0] for text in ('{"n": 1}', "[2, 3]", "four")}
    assert len(ids) == 1
    assert json.loads(client.show(ids.pop())["payload"]) == [{"n": 1}, 2, 3, "four"]


def test_what_is_joined_is_of_one_kind_and_has_no_links(client: Client) -> None:
    client.policy(max_depth=1, on_full="coalesce")
    client.put("first", now=NOW)
    mails = {client.put(text, kind="mail", now=NOW)[0] for text in ("1", "2")}
    calls = {client.put(text, kind="call", now=NOW)[0] for text in ("3", "4")}
    assert [client.show(id)["payload"] for id in (*mails, *calls)] == ["[1,2]", "[3,4]"]
    for links in ({"group": "g"}, {"share": "s"}, {"require": "gpu"}, {"after": "[1]"}, {"key": "k"}):
        with pytest.raises((Full, Refused), match="QK027"):
            client.put("x", now=NOW, **links)


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
