from __future__ import annotations

import pytest
from begun import NOW, finished
from clients import Client
from sqlite_shell import sqlite

from queuekit.errors import NoTask

DAY = 86_400_000


def left(client: Client, *ids: int) -> list[int]:
    found = []
    for id in ids:
        try:
            found.append(client.show(id)["id"])
        except NoTask:
            continue
    return found


def with_newest(client: Client, *ends: str) -> None:
    """Tasks 1, 2, ... of these ends, and a newest one that waits."""
    for end in ends:
        finished(client, end)
    client.put("newest", delay_ms=99 * DAY, now=NOW)


def test_what_is_done_or_cancelled_is_forgotten_after_seven_days_and_not_a_millisecond_before(
    client: Client,
) -> None:
    with_newest(client, "done", "cancelled")
    assert client.purge(now=NOW + 7 * DAY - 1) == 0
    assert client.purge(now=NOW + 7 * DAY) == 2
    assert left(client, 1, 2, 3) == [3]


def test_the_dead_stay_until_they_are_named(client: Client) -> None:
    with_newest(client, "dead", "done")
    assert client.purge(older_ms=0, now=NOW + 99 * DAY) == 1
    assert left(client, 1, 2) == [1]
    assert client.purge(older_ms=0, state="dead", now=NOW + 99 * DAY) == 1
    assert left(client, 1, 2) == []


@pytest.mark.parametrize(("state", "stays"), [("done", 2), ("cancelled", 1)])
def test_a_state_that_is_named_goes_alone(client: Client, state: str, stays: int) -> None:
    with_newest(client, "done", "cancelled")
    assert client.purge(older_ms=0, state=state, now=NOW) == 1
    assert left(client, 1, 2) == [stays]


def test_the_retention_of_the_queue_counts(client: Client) -> None:
    client.policy(retention_ms=DAY)
    with_newest(client, "done")
    assert client.purge(now=NOW + DAY - 1) == 0
    assert client.purge(now=NOW + DAY) == 1


def test_an_age_that_is_given_wins_over_the_retention(client: Client) -> None:
    client.policy(retention_ms=DAY)
    with_newest(client, "done")
    assert client.purge(older_ms=1_000, now=NOW + 999) == 0
    assert client.purge(older_ms=1_000, now=NOW + 1_000) == 1


def test_unfinished_tasks_stay_whatever_their_age(client: Client) -> None:
    client.put("ready", now=NOW)
    client.put("running", now=NOW)
    client.claim(now=NOW)
    client.put("scheduled", delay_ms=999 * DAY, now=NOW)
    assert client.purge(older_ms=0, now=NOW + 900 * DAY) == 0
    assert left(client, 1, 2, 3) == [1, 2, 3]


def test_history_goes_with_its_task(client: Client) -> None:
    with_newest(client, "dead")
    sqlite(client.db, "insert into qk_log (task_id, claim, stream, text) values (1, 1, 'stdout', 'words');")
    history = (
        ".mode json\nselect (select count(*) from qk_run) as runs, (select count(*) from qk_log) as logs;"
    )
    assert sqlite(client.db, history) == [{"runs": 1, "logs": 1}]
    client.purge(older_ms=0, state="dead", now=NOW)
    assert sqlite(client.db, history) == [{"runs": 0, "logs": 0}]


def test_the_newest_task_stays_so_no_id_is_used_twice(client: Client) -> None:
    finished(client, "done")
    finished(client, "done")
    assert client.purge(older_ms=0, now=NOW) == 1
    assert left(client, 1, 2) == [2]
    assert client.put("next", now=NOW) == (3, 0)


def test_a_receipt_of_a_task_that_was_forgotten_never_fits_another(client: Client) -> None:
    finished(client, "done")
    client.purge(older_ms=0, now=NOW)
    client.put("next", now=NOW)
    task = client.claim(now=NOW)
    assert task is not None
    assert task["receipt"] == "2:1"
