"""One holder of a key: while it is unfinished, for a time, or for ever; and what becomes of a put that meets it."""

from __future__ import annotations

import json

import pytest
from begun import NOW, claimed
from client_raw import Raw
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


# --- debounce -------------------------------------------------------------------------------------------------------


def test_keep_leaves_the_holder_as_it_is(client: Client) -> None:
    first, _ = client.put("old", key="k", now=NOW)
    client.put("new", key="k", priority=9, delay_ms=5, now=NOW)
    task = client.show(first)
    assert (task["payload"], task["priority"], task["state"], task["duplicates"]) == ("old", 0, "ready", 1)


def test_replace_gives_the_waiting_holder_payload_priority_and_time(client: Client) -> None:
    first, _ = client.put("old", key="k", on_conflict="replace", now=NOW)
    assert client.put("new", key="k", on_conflict="replace", priority=9, delay_ms=500, now=NOW) == (first, 1)
    task = client.show(first)
    assert (task["payload"], task["priority"], task["state"], task["due_at"]) == (
        "new",
        9,
        "scheduled",
        NOW + 500,
    )


def test_a_burst_becomes_one_task_that_runs_when_it_is_quiet(client: Client) -> None:
    for n in range(5):
        client.put(f"change {n}", key="k", on_conflict="replace", delay_ms=1000, now=NOW + n * 100)
    assert client.claim(now=NOW + 1399) is None
    task = client.claim(now=NOW + 1400)
    assert task is not None
    assert task["payload"] == "change 4"


def test_an_update_while_the_task_runs_is_a_new_task(client: Client) -> None:
    first, _ = client.put("old", key="k", on_conflict="replace", now=NOW)
    claimed(client)
    assert client.put("new", key="k", on_conflict="replace", now=NOW) == (first + 1, 0)
    assert payload(client, first) == "old"


@pytest.mark.parametrize("on_conflict", ["replace", "merge"])
@pytest.mark.parametrize("held", [None, -1, HOUR, FOREVER])
def test_however_the_holder_holds_its_key(client: Client, on_conflict: str, held: int | None) -> None:
    first, _ = client.put("old", key="k", unique_ms=held, now=NOW)
    claimed(client)
    assert client.put("new", key="k", on_conflict=on_conflict, now=NOW) == (first + 1, 0)
    assert client.put("newer", key="k", on_conflict=on_conflict, now=NOW) == (first + 1, 1)
    assert payload(client, first) == "old"


@pytest.mark.parametrize("on_conflict", ["replace", "merge"])
def test_and_when_it_runs_again(client: Client, on_conflict: str) -> None:
    first, _ = client.put("[1]", key="k", on_conflict=on_conflict, now=NOW)
    client.nack(claimed(client), dead=True, now=NOW)
    client.retry(first, now=NOW)
    claimed(client)
    second, _ = client.put("[2]", key="k", on_conflict=on_conflict, now=NOW)
    assert (second, payload(client, second)) == (first + 1, "[2]")


def test_and_when_the_task_that_it_waits_for_was_tried_again(client: Client) -> None:
    root, _ = client.put("root", priority=9, now=NOW)
    id, _ = client.put("[1]", key="k", on_conflict="merge", after=f"[{root}]", now=NOW)
    client.nack(claimed(client), dead=True, now=NOW)
    assert client.show(id)["state"] == "cancelled"
    client.retry(root, now=NOW)
    client.ack(claimed(client), now=NOW)
    claimed(client)
    second, _ = client.put("[2]", key="k", on_conflict="merge", now=NOW)
    assert payload(client, second) == "[2]"


def test_a_put_that_keeps_is_a_duplicate_while_the_task_runs(client: Client) -> None:
    first, _ = client.put("old", key="k", now=NOW)
    claimed(client)
    assert client.put("new", key="k", now=NOW) == (first, 1)


def test_a_finished_holder_takes_on_nothing(client: Client) -> None:
    first, _ = client.put("old", key="k", unique_ms=HOUR, now=NOW)
    done(client, now=NOW)
    assert client.put("new", key="k", on_conflict="merge", now=NOW) == (first, 1)
    assert (payload(client, first), client.show(first)["state"]) == ("old", "done")


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


# --- coalesce -------------------------------------------------------------------------------------------------------

MERGES = [
    (["[1]", "[2]"], [1, 2]),
    (["[]", "[]"], []),
    (["[]", "[1]"], [1]),
    (["[1]", " [ ] "], [1]),
    (['["a, b", [1]]', ' [\n{"x": [1, 2]} ]'], ["a, b", [1], {"x": [1, 2]}]),
    (["[1.0, 12345678901234567890]", "[null, true]"], [1.0, 12345678901234567890, None, True]),
    (['{"path": "/a"}', '{"path": "/b"}'], [{"path": "/a"}, {"path": "/b"}]),
    (["plain text", '"json text"', "7"], ["plain text", "json text", 7]),
    (['["ü ]["]', "[€]"], ["ü ][", "[€]"]),
]


@pytest.mark.parametrize(("payloads", "merged"), MERGES)
def test_merge_joins_the_lists_in_order(client: Client, payloads: list[str], merged: list[object]) -> None:
    ids = {client.put(text, key="k", on_conflict="merge", now=NOW)[0] for text in payloads}
    assert len(ids) == 1
    assert json.loads(payload(client, ids.pop())) == merged


def test_a_put_without_a_key_meets_none(raw: Raw) -> None:
    """(qk and Python refuse the words without a key.)"""
    for text in ("1", "2"):
        for on_conflict in ("replace", "merge"):
            raw.put(text, on_conflict=on_conflict, now=NOW)
    assert [payload(raw, row["id"]) for row in raw.listed()] == ["2", "2", "1", "1"]


def test_one_put_alone_is_a_list_too(client: Client) -> None:
    id, _ = client.put('{"path": "/a"}', key="k", on_conflict="merge", now=NOW)
    assert json.loads(payload(client, id)) == [{"path": "/a"}]


def test_merge_into_what_was_put_otherwise(client: Client) -> None:
    id, _ = client.put("first", key="k", unique_ms=-1, now=NOW)
    client.put("second", key="k", on_conflict="merge", now=NOW)
    assert json.loads(payload(client, id)) == ["first", "second"]


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
