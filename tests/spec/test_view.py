from __future__ import annotations

import pytest
from begun import NOW
from clients import Client
from sqlite_shell import sqlite

from queuekit.errors import QueuekitError

NAMES = [
    "notifications",
    "o'brien",
    'say "hi"',
    "a b",
    "select",
    "a;drop view x;--",
    "[x]",
    "`x`",
    "%w",
    "größe",
]


def quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def test_an_insert_into_the_view_of_a_queue_is_a_put(client: Client) -> None:
    client.make_view("notifications")
    sqlite(client.db, """INSERT INTO notifications(data) VALUES ('{"a":1}');""")
    task = client.claim("notifications", now=NOW)
    assert task is not None
    assert (task["queue"], task["payload"], task["kind"], task["key"]) == (
        "notifications",
        '{"a":1}',
        "",
        None,
    )


def test_the_view_takes_kind_key_and_priority_too(client: Client) -> None:
    client.make_view("mail")
    put = "insert into mail (data, kind, key, priority) values ('{}', 'k', 'one', {});"
    sqlite(client.db, put.format("a", 0) + "insert into mail (data, priority) values ('b', 5);")
    first, second = client.claim("mail", now=NOW), client.claim("mail", now=NOW)
    assert first is not None
    assert second is not None
    assert [first["payload"], second["payload"]] == ["b", "a"]
    assert (second["kind"], second["key"]) == ("k", "one")


def test_a_held_key_makes_a_duplicate_through_the_view_as_well(client: Client) -> None:
    client.make_view("mail")
    sqlite(client.db, "insert into mail (data, key) values ('a', 'one'), ('b', 'one');")
    shown = client.show(1)
    assert (shown["payload"], shown["duplicates"]) == ("a", 1)
    assert client.put("c", queue="mail", key="one", now=NOW) == (1, 2)


def test_the_view_shows_the_tasks_of_its_queue_alone(client: Client) -> None:
    client.make_view("mail")
    client.put("mine", queue="mail", now=NOW)
    client.put("other", now=NOW)
    rows = sqlite(client.db, ".mode json\nselect id, state, data from mail;")
    assert rows == [{"id": 1, "state": "ready", "data": "mine"}]


def test_a_payload_with_nul_is_refused_through_the_view(client: Client) -> None:
    client.make_view("mail")
    with pytest.raises(Exception, match="QK015"):
        sqlite(client.db, "insert into mail (data) values (cast(x'610062' as text));")


@pytest.mark.parametrize("name", NAMES)
def test_a_queue_of_any_name_can_have_its_view(client: Client, name: str) -> None:
    client.make_view(name)
    client.make_view(name)
    sqlite(client.db, f"insert into {quoted(name)} (data) values ('x');")
    task = client.claim(name, now=NOW)
    assert task is not None
    assert task["queue"] == name


@pytest.mark.parametrize("taken", ["create table mail (x);", "create view mail as select 1 as x;"])
def test_a_name_that_is_taken_is_refused_and_what_has_it_stays(client: Client, taken: str) -> None:
    sqlite(client.db, taken)
    catalogue = ".mode json\nselect type, name, sql from sqlite_master order by name;"
    before = sqlite(client.db, catalogue)
    with pytest.raises(QueuekitError):
        client.make_view("mail")
    assert sqlite(client.db, catalogue) == before


@pytest.mark.parametrize("taken", ["qk_task", "qk_tasks", "sqlite_x"])
def test_a_queue_cannot_have_the_name_of_what_the_queue_is_made_of(client: Client, taken: str) -> None:
    with pytest.raises(QueuekitError):
        client.make_view(taken)
    assert client.put("x", now=NOW) == (1, 0)


def test_a_half_made_view_does_not_stay(client: Client) -> None:
    sqlite(
        client.db,
        "create table other (x); create trigger mail_put after insert on other begin select 1; end;",
    )
    with pytest.raises(QueuekitError):
        client.make_view("mail")
    assert sqlite(client.db, ".mode json\nselect name from sqlite_master where name = 'mail';") == []
