"""One holder of a key: while it is unfinished, for a time, or for ever."""

from __future__ import annotations

import pytest
from begun import NOW, claimed
from clients import Client

from queuekit import BadPayload, Refused

FOREVER = 9007199254740991
HOUR = 3_600_000


def payload(client: Client, id: int) -> str:
    return str(client.show(id)["payload"])


def done(client: Client, *, now: int) -> None:
    client.ack(claimed(client, now=now), now=now)


def test_a_key_for_a_time_is_held_by_the_finished_task_too(client: Client) -> None:
    first, _ = client.put("x", key="k", unique_ms=HOUR, now=NOW)
    done(client, now=NOW)
    assert client.put("y", key="k", now=NOW + HOUR - 1) == (first, 1)
    assert client.put("y", key="k", now=NOW + HOUR) == (first + 1, 0)


def test_a_key_for_a_time_is_held_at_least_until_the_task_is_finished(client: Client) -> None:
    first, _ = client.put("x", key="k", unique_ms=1000, now=NOW)
    assert client.put("y", key="k", now=NOW + HOUR) == (first, 1)
    done(client, now=NOW + HOUR)
    assert client.put("y", key="k", now=NOW + HOUR) == (first + 1, 0)


def test_a_key_for_ever_is_never_free_and_its_task_is_never_purged(client: Client) -> None:
    first, _ = client.put("mail", key="k", unique_ms=FOREVER, now=NOW)
    done(client, now=NOW)
    client.put("newest", now=NOW)
    assert client.purge(older_ms=0, now=NOW + 10**12) == 0
    assert client.put("mail", key="k", unique_ms=FOREVER, now=NOW + 10**12) == (first, 1)


def test_a_task_that_held_its_key_for_a_time_is_purged_afterwards(client: Client) -> None:
    client.put("x", key="k", unique_ms=HOUR, now=NOW)
    done(client, now=NOW)
    client.put("newest", now=NOW)
    assert client.purge(older_ms=0, now=NOW + HOUR - 1) == 0
    assert client.purge(older_ms=0, now=NOW + HOUR) == 1


def test_a_key_till_claimed_is_free_once_the_task_runs(client: Client) -> None:
    first, _ = client.put("x", key="k", unique_ms=-1, now=NOW)
    assert client.put("x", key="k", unique_ms=-1, now=NOW) == (first, 1)
    claimed(client)
    assert client.put("y", key="k", unique_ms=-1, now=NOW) == (first + 1, 0)


def test_a_task_with_a_key_for_a_time_keeps_it_through_a_retry(client: Client) -> None:
    first, _ = client.put("x", key="k", unique_ms=HOUR, now=NOW)
    done(client, now=NOW)
    client.retry(first, now=NOW)
    assert client.put("y", key="k", now=NOW) == (first, 1)


def test_a_retry_whose_key_another_holds_goes_without_it(client: Client) -> None:
    """A conflict never keeps a task from becoming ready."""
    first, _ = client.put("x", key="k", now=NOW)
    done(client, now=NOW)
    second, _ = client.put("y", key="k", now=NOW)
    assert client.retry(first, now=NOW) == "ready"
    assert client.put("z", key="k", now=NOW) == (second, 1)


def test_a_plain_insert_that_meets_a_key_held_for_a_time_is_refused(client: Client) -> None:
    from sqlite_shell import Fault, sqlite

    client.put("x", key="k", unique_ms=FOREVER, now=NOW)
    done(client, now=NOW)
    with pytest.raises((Fault, Refused), match="QK004"):
        sqlite(client.db, ".mode json\ninsert into qk_task (key, payload) values ('k', 'y');")


# --- a holder whose time is over ------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_conflict", ["keep", "replace", "merge"])
@pytest.mark.parametrize("waits", [{}, {"delay_ms": 5000}, {"after": "[1]"}])
def test_a_holder_that_has_expired_is_none(
    client: Client, on_conflict: str, waits: dict[str, object]
) -> None:
    client.put("root", now=NOW)
    first, _ = client.put("old", key="k", within_ms=1000, now=NOW, **waits)
    assert client.put("met", key="k", now=NOW + 999) == (first, 1)
    assert client.put("[1]", key="k", on_conflict=on_conflict, now=NOW + 1000) == (first + 1, 0)
    client.tick(now=NOW + 1000)
    assert [client.show(id)["state"] for id in (first, first + 1)] == ["cancelled", "ready"]


def test_what_runs_has_not_expired(client: Client) -> None:
    first, _ = client.put("old", key="k", within_ms=1000, now=NOW)
    claimed(client)
    assert client.put("new", key="k", now=NOW + 1000) == (first, 1)


# --- keys of the queue itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["qk:", "qk:overflow", "qk:x"])
@pytest.mark.parametrize("how", [{}, {"on_conflict": "merge"}, {"unique_ms": -1}])
def test_a_key_that_is_the_queues_own_is_refused(client: Client, key: str, how: dict[str, object]) -> None:
    for _ in range(2):
        with pytest.raises(BadPayload, match="QK014 keys that begin with qk: are the queue's own"):
            client.put("x", key=key, now=NOW, **how)
        client.policy(max_depth=1, on_full="coalesce")
        client.put("fills it", now=NOW)
    client.put("joined", now=NOW)
    with pytest.raises(BadPayload, match="QK014"):
        client.put("x", key=key, now=NOW, **how)
