"""What is in the queue: show, list, stats and the views for people."""

from __future__ import annotations

import pytest
from begun import NOW, claimed, finished, running
from client_raw import Raw
from clients import Client, Row
from sqlite_shell import sqlite

from queuekit.errors import NoTask

SECOND = 1000


def ids(rows: list[Row]) -> list[int]:
    return [row["id"] for row in rows]


def test_a_list_has_the_newest_first(client: Client) -> None:
    for _ in range(3):
        client.put("x", now=NOW)
    assert ids(client.listed()) == [3, 2, 1]
    assert ids(client.listed(limit=2)) == [3, 2]


def test_a_list_is_of_one_queue(client: Client) -> None:
    client.put("x", now=NOW)
    client.put("x", queue="mail", now=NOW)
    assert ids(client.listed("mail")) == [2]
    assert client.listed("nothing here") == []


@pytest.mark.parametrize("chosen", [{"state": "done"}, {"kind": "note"}, {"key": "k"}], ids=str)
def test_a_list_chooses(client: Client, chosen: Row) -> None:
    client.put("x", kind="note", key="k", now=NOW)
    client.ack(claimed(client), now=NOW)
    client.put("x", now=NOW)
    assert ids(client.listed(**chosen)) == [1]


def test_a_list_tells_of_a_task_what_show_tells(client: Client) -> None:
    client.put("x", kind="note", key="k", priority=3, now=NOW)
    client.nack(claimed(client), error="no route", now=NOW)
    (row,) = client.listed()
    shown = client.show(1)
    assert row == {column: shown[column] for column in row}
    assert (row["state"], row["error"]) == ("scheduled", "no route")


def test_there_is_nothing_to_show_of_a_task_that_never_was(client: Client) -> None:
    with pytest.raises(NoTask):
        client.show(1)


def test_who_looks_sees_how_many_attempts_were_made(client: Client, raw: Raw) -> None:
    def seen() -> set[int]:
        (listed,) = client.listed()
        viewed = sqlite(raw.db, ".mode json\nselect attempt from qk_tasks;")[0]["attempt"]
        return {client.show(1)["attempt"], listed["attempt"], viewed}

    client.put("x", now=NOW)
    assert seen() == {0}
    first = claimed(client, now=NOW)
    assert seen() == {1}
    client.nack(first, delay_ms=0, now=NOW)
    assert seen() == {1}
    second = claimed(client, now=NOW)
    assert seen() == {2}
    client.ack(second, now=NOW)
    assert seen() == {2}


@pytest.mark.parametrize("end", ["done", "dead", "cancelled"])
def test_stats_count_what_a_queue_has_in_each_state(client: Client, end: str) -> None:
    finished(client, end)
    running(client)
    client.put("x", now=NOW)
    client.put("x", delay_ms=SECOND, now=NOW)
    counts = dict.fromkeys(("ready", "scheduled", "blocked", "running", "done", "dead", "cancelled"), 0)
    counts |= {end: 1, "running": 1, "ready": 1, "scheduled": 1}
    stats = client.stats("default")
    assert {state: stats[state] for state in counts} == counts
