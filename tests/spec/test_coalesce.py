"""A full queue that coalesces: what comes is joined into one task, if it is like the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from begun import NOW
from clients import Client

from queuekit import Full, Refused

FOREVER = 9007199254740991


def test_a_full_queue_may_join_what_comes_into_one_task(client: Client) -> None:
    client.policy(max_depth=1, on_full="coalesce")
    client.put("first", now=NOW)
    ids = {client.put(text, now=NOW)[0] for text in ('{"n": 1}', "[2, 3]", "four")}
    assert len(ids) == 1
    assert json.loads(client.show(ids.pop())["payload"]) == [{"n": 1}, 2, 3, "four"]


def test_what_is_joined_is_of_one_kind_and_priority(client: Client) -> None:
    client.policy(max_depth=1, on_full="coalesce")
    client.put("first", now=NOW)
    alike: list[dict[str, Any]] = [{}, {"kind": "mail"}, {"kind": "/10"}, {"priority": 10}, {"priority": -10}]
    alike += [{"kind": "mail", "priority": "high"}]
    ids = [client.put(text, now=NOW, **one)[0] for text in ("1", "2") for one in alike]
    assert ids[:6] == ids[6:]
    assert len(set(ids)) == 6
    assert [client.show(id)["payload"] for id in ids[:6]] == ["[1,2]"] * 6
    assert [client.show(id)["priority"] for id in ids[:6]] == [0, 0, 0, 10, -10, 10]


UNLIKE: list[dict[str, Any]] = [
    {"key": "k"},
    {"key": "k", "unique_ms": FOREVER},
    {"key": "k", "on_conflict": "merge"},
    {"unique_ms": FOREVER},
    {"delay_ms": 5000},
    {"run_at": NOW + 5000},
    {"within_ms": 5000},
    {"until_at": NOW + 5000},
    {"require": "gpu"},
    {"share": "s"},
    {"group": "g"},
    {"after": "[1]"},
    {"max_attempts": 1},
    {"lease_ms": 5000},
    {"backoff_ms": 5000},
]


@pytest.mark.parametrize("option", UNLIKE, ids=lambda option: " ".join(option))
def test_what_is_unlike_the_others_is_not_joined_but_refused(client: Client, option: dict[str, Any]) -> None:
    client.policy(max_depth=1, on_full="coalesce")
    client.put("first", now=NOW)
    joined, _ = client.put("second", now=NOW)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("x", now=NOW, **option)
    assert client.show(joined)["payload"] == '["second"]'


def test_many_at_once_are_not_joined(client: Client) -> None:
    client.policy(max_depth=1, on_full="coalesce")
    with pytest.raises((Full, Refused), match="QK027"):
        client.put_many(["1", "2"], now=NOW)
    assert client.listed() == []


def test_what_comes_while_the_joined_task_runs_is_another(client: Client) -> None:
    client.policy(max_depth=1, on_full="coalesce")
    client.put("first", priority=-1, now=NOW)
    joined, _ = client.put("1", now=NOW)
    for end in ("retry", "leave"):
        receipt = client.claim(now=NOW)["receipt"]
        assert receipt.startswith(f"{joined}:")
        if end == "retry":
            client.nack(receipt, dead=True, now=NOW)
            client.retry(joined, now=NOW)
    another, _ = client.put("2", now=NOW)
    assert [client.show(id)["payload"] for id in (joined, another)] == ["[1]", "[2]"]


def test_bytes_are_not_joined_away(client: Client) -> None:
    client.policy(max_depth=1, max_bytes=20, on_full="coalesce")
    client.put("12345", now=NOW)
    client.put("678", now=NOW)
    client.put("901", now=NOW)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("234567", now=NOW)
    client.policy(max_depth=0)
    with pytest.raises((Full, Refused), match="QK027"):
        client.put("2345678", now=NOW)
