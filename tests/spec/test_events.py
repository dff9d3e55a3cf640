"""History events: a row for every put and every change of state, whoever makes it; none while they are off."""

from __future__ import annotations

import pytest
from begun import NOW, claimed, finished, running
from client_raw import Raw
from clients import Client
from sqlite_shell import sqlite

Event = tuple[int, str, str | None]


@pytest.fixture
def client(client: Client) -> Client:
    """Each client, on a file that writes events."""
    client.events(True)
    return client


def events(client: Client, id: int | None = None) -> list[Event]:
    """(ms since NOW, event, detail) of one task, or of all."""
    of_one = "" if id is None else f"where task_id = {id}"
    rows = sqlite(
        client.db, f".mode json\nselect at - {NOW} as at, event, detail from qk_event {of_one} order by id;"
    )
    return [(row["at"], row["event"], row["detail"]) for row in rows]


def words(client: Client, id: int | None = None) -> list[str]:
    return [event for _, event, _ in events(client, id)]


def test_a_life_from_put_to_done(client: Client) -> None:
    client.put("work", now=NOW)
    task = client.claim(worker="w", now=NOW + 1)
    assert task is not None
    client.ack(task["receipt"], result="fine", now=NOW + 2)
    assert events(client) == [(0, "put", None), (1, "claimed", "w"), (2, "done", "fine")]


def test_many_at_once_leave_an_event_each(client: Client) -> None:
    client.put_many(["a", "b"], now=NOW)
    client.claim_many(2, now=NOW + 1)
    assert words(client, 1) == words(client, 2) == ["put", "claimed"]


def test_a_failed_run_tells_its_error_and_the_last_one_that_the_task_is_dead(client: Client) -> None:
    receipt = running(client, max_attempts=2)
    client.nack(receipt, error="why", delay_ms=5, now=NOW + 1)
    client.nack(claimed(client, now=NOW + 6), error="why", now=NOW + 7)
    assert events(client)[2:] == [
        (1, "failed", "why"),
        (6, "ready", None),
        (6, "claimed", client.show(1)["worker"]),
        (7, "dead", "why"),
    ]


def test_an_expired_lease_is_a_crash(client: Client) -> None:
    running(client, lease_ms=10)
    client.tick(now=NOW + 20)
    at, event, detail = events(client)[-1]
    assert (at, event) == (20, "crashed")
    assert "lease expired" in str(detail)


def test_a_release(client: Client) -> None:
    client.release(running(client), now=NOW + 3)
    assert events(client)[-1] == (3, "released", None)


def test_extend_and_pause_are_no_events(client: Client) -> None:
    receipt = running(client)
    client.extend(receipt, now=NOW + 1)
    client.pause()
    assert words(client) == ["put", "claimed"]


def test_a_cancelled_task_by_hand_and_at_the_end_of_its_run(client: Client) -> None:
    client.put("waits", now=NOW)
    client.cancel(1, now=NOW + 4)
    assert events(client, 1)[-1] == (4, "cancelled", None)
    receipt = running(client)
    client.cancel(2, now=NOW + 5)
    assert words(client, 2) == ["put", "claimed"]
    client.release(receipt, now=NOW + 6)
    assert events(client, 2)[-1] == (6, "cancelled", None)


def test_what_waited_too_long_is_expired(client: Client) -> None:
    client.put("waits", within_ms=10, now=NOW)
    client.tick(now=NOW + 20)
    assert events(client)[-1] == (20, "expired", "expired: not run in time")


def test_a_retry_and_a_snooze(client: Client) -> None:
    finished(client, "done")
    client.retry(1, now=NOW + 9)
    client.snooze(1, delay_ms=50, now=NOW + 9)
    client.tick(now=NOW + 70)
    assert words(client)[-4:] == ["done", "retried", "scheduled", "ready"]
    assert [at for at, _, _ in events(client)[-3:]] == [0, 0, 59], "what the row tells: see events_on.sql"


def test_a_put_with_a_delay_is_ready_when_its_time_comes(client: Client) -> None:
    client.put("later", delay_ms=10, now=NOW)
    client.tick(now=NOW + 25)
    assert events(client) == [(0, "put", None), (10, "ready", None)]


def test_what_a_task_sets_off_has_its_moment_and_comes_after_it(client: Client) -> None:
    receipt = running(client)
    client.put("second", after="[1]", now=NOW + 1)
    client.ack(receipt, now=NOW + 2)
    assert events(client)[2:] == [
        (1, "put", None),
        (1, "blocked", None),
        (2, "done", None),
        (2, "ready", None),
    ]


def test_a_failure_that_is_passed_on(client: Client) -> None:
    receipt = running(client)
    client.put("second", after="[1]", now=NOW)
    client.nack(receipt, dead=True, now=NOW + 3)
    why = "task 1, which it waited for, failed or was cancelled"
    assert events(client)[-2:] == [(3, "dead", None), (3, "cancelled", why)]
    client.retry(1, now=NOW + 4)
    assert words(client, 1)[-1] == words(client, 2)[-1] == "retried"


def test_the_next_of_a_group(client: Client) -> None:
    receipt = running(client, group="g")
    client.put("second", group="g", now=NOW)
    client.ack(receipt, now=NOW + 7)
    assert events(client, 2) == [(0, "put", None), (0, "blocked", None), (7, "ready", None)]


def test_a_put_that_meets_its_key_is_none(client: Client) -> None:
    for _ in range(2):
        client.put("once", key="k", now=NOW)
    assert words(client) == ["put"]


def test_a_plain_insert_is_a_put(client: Client) -> None:
    sqlite(client.db, "insert into qk_task (payload) values ('by hand');")
    sqlite(client.db, "insert into qk_task (payload, run_at) values ('later', 4102444800000);")
    assert (words(client, 1), words(client, 2)) == (["put"], ["put", "scheduled"])


@pytest.mark.parametrize("on", [True, False])
def test_a_verb_answers_as_it_does_without(client: Client, on: bool) -> None:
    client.events(on)
    assert client.put("first", now=NOW) == (1, 0)
    assert client.put("second", key="k", now=NOW) == (2, 0)
    assert client.put("third", key="k", now=NOW) == (2, 1)
    assert client.put_many(["a", "b"], now=NOW) == [3, 4]
    client.ack(claimed(client), now=NOW)
    assert client.nack(claimed(client), delay_ms=1, now=NOW) == "scheduled"
    assert client.purge(older_ms=0, now=NOW) == 1


def test_an_insert_by_hand_is_told_its_own_id_and_count(client: Client) -> None:
    told = "select last_insert_rowid() as id, changes() as changes;"
    insert = "insert into qk_task (payload) values ('x'), ('y');"
    update = "update qk_task set priority = 1, state = 'scheduled', due_at = 5;"
    assert sqlite(client.db, f".mode json\n{insert}{told}{update}{told}") == [
        {"id": 2, "changes": 2},
        {"id": 2, "changes": 2},
    ]


def test_off_and_on_again(client: Client) -> None:
    client.put("first", now=NOW)
    for on in (False, False):
        client.events(on)
    finished(client, "done")
    assert words(client) == ["put"]
    for on in (True, True):
        client.events(on)
    client.put("third", now=NOW)
    assert [words(client, id) for id in (1, 2, 3)] == [["put"], [], ["put"]]


def test_they_are_off_in_a_new_file(raw: Raw) -> None:
    finished(raw, "done")
    assert events(raw) == []


def test_a_purge_takes_them_along(client: Client) -> None:
    for _ in range(3):
        finished(client, "done")
    client.put("newest", now=NOW)
    client.purge(older_ms=0, now=NOW)
    assert (words(client), rows(client)) == (["put"], 1)


def test_they_do_not_grow_for_ever(raw: Raw) -> None:
    raw.events(True)
    for _ in range(4):
        raw.put_many(["x"] * 100, now=NOW)
        for task in raw.claim_many(100, now=NOW):
            raw.ack(task["receipt"], now=NOW)
        raw.purge(older_ms=0, now=NOW)
        assert words(raw) == ["put", "claimed", "done"]  # of the newest task, which stays
        assert rows(raw) < 16


def rows(client: Client) -> int:
    return int(sqlite(client.db, ".mode json\nselect count(*) as n from qk_event_book;")[0]["n"])


ATTACKS = [
    "update qk_event set detail = 'never was';",
    "delete from qk_event;",
    "insert or replace into qk_event (id, at, task_id, event) values (1, 1, 1, 'forged');",
    "insert into qk_event (id, at, task_id, event) values (-1, 1, 1, 'forged');",
    "delete from qk_event_book;",
    "update qk_event_book set page = 7;",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_they_are_written_by_the_queue_alone(raw: Raw, attack: str) -> None:
    raw.events(True)
    raw.put("work", now=NOW)
    with pytest.raises(Exception, match="QK022"):
        sqlite(raw.db, attack)
    assert events(raw) == [(0, "put", None)]
