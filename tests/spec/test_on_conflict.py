"""What becomes of a put that meets the holder of its key: debounce, and merge."""

from __future__ import annotations

import json

import pytest
from begun import NOW, claimed
from client_raw import Raw
from clients import Client
from test_unique import FOREVER, HOUR, done, payload

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
@pytest.mark.parametrize("held", [None, -1])
def test_however_the_holder_holds_its_key(client: Client, on_conflict: str, held: int | None) -> None:
    first, _ = client.put("old", key="k", unique_ms=held, now=NOW)
    claimed(client)
    assert client.put("new", key="k", on_conflict=on_conflict, now=NOW) == (first + 1, 0)
    assert client.put("newer", key="k", on_conflict=on_conflict, now=NOW) == (first + 1, 1)
    assert payload(client, first) == "old"


@pytest.mark.parametrize("on_conflict", ["replace", "merge"])
@pytest.mark.parametrize("held", [HOUR, FOREVER])
def test_but_not_if_it_holds_its_key_for_a_time(client: Client, on_conflict: str, held: int) -> None:
    first, _ = client.put("old", key="k", unique_ms=held, now=NOW)
    receipt = claimed(client)
    assert client.put("new", key="k", on_conflict=on_conflict, now=NOW) == (first, 1)
    client.ack(receipt, now=NOW)
    assert client.put("newer", key="k", on_conflict=on_conflict, now=NOW) == (first, 2)
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
