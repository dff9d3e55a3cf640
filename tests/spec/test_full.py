"""So many may wait in a queue, and so many bytes; and what becomes of a put that finds it full."""

from __future__ import annotations

import pytest
from begun import NOW
from client_raw import Raw
from clients import Client
from test_limits import claims, put

from queuekit import BadPayload, Full, Refused


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


@pytest.mark.parametrize("on_full", ["reject", "drop_oldest", "coalesce"])
def test_what_is_larger_than_the_queue_is_refused(client: Client, on_full: str) -> None:
    client.policy(max_bytes=10, on_full=on_full)
    client.put("1234", now=NOW)
    with pytest.raises(BadPayload, match="QK032"):
        client.put("12345678901", now=NOW)
    assert client.stats("default")["ready"] == 1


# --- what is there too long -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [{"max_depth": 2}, {"max_bytes": 18}])
def test_what_has_expired_takes_no_room(client: Client, limit: dict[str, int]) -> None:
    """(raw SQL: tick, and put again)"""
    client.policy(**limit)
    put(client, 2, within_ms=1000)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("early", now=NOW + 999)
    if type(client) is Raw:
        client.tick(now=NOW + 1000)
    client.put("in time", now=NOW + 1000)
    client.put_many(["many"], now=NOW + 1000)
    assert client.stats("default")["cancelled"] == 2


def test_many_at_once_take_the_room_of_what_has_expired(client: Client) -> None:
    client.policy(max_depth=2)
    put(client, 2, within_ms=1000)
    if type(client) is Raw:
        client.tick(now=NOW + 1000)
    client.put_many(["many"], batch=client.batch_open(now=NOW), now=NOW + 1000)
    assert client.stats("default")["cancelled"] == 2


# --- a limit that was lowered ---------------------------------------------------------------------------------------


def test_a_queue_that_is_far_too_full_shrinks_put_by_put(client: Client) -> None:
    put(client, 250)
    client.policy(max_depth=10, on_full="drop_oldest")
    left = []
    for n in range(3):
        client.put(f"new {n}", now=NOW)
        left.append(client.stats("default")["ready"])
    assert left == [151, 52, 10]


def test_it_is_refused_when_nothing_is_left_to_drop(client: Client) -> None:
    ids = put(client, 3)
    client.put("waits", after=str(ids), now=NOW)
    client.policy(max_depth=2, on_full="drop_oldest")
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("new", now=NOW)
    assert len(client.listed()) == 4
