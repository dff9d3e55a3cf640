from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from begun import NOW, claimed, running
from client_python import Python
from clients import Client
from every_client import CLIENTS

from queuekit.errors import BadPayload

HOSTILE = {
    "empty": "",
    "space": " ",
    "newline": "\n",
    "ends in newlines": "a\n\n",
    "crlf": "a\r\nb\r",
    "tab and every control character": "".join(map(chr, range(1, 32))) + "\x7f",
    "quotes": "'\"`'' \"\" ;",
    "sql": "'); drop table qk_task; --",
    "parameter": ":payload ?1 @a $b",
    "dot command": ".quit",
    "dot command after a newline": "x\n.shell false\n",
    "comment": "-- not a comment /* nor this */",
    "shell": "$(false) `false` ${HOME} $HOME !! \\",
    "backslashes": "\\n \\\\ \\0 \\x00 \\' \\033[31m",
    "glob": "* ? [a-z] ~ {a,b}",
    "format": "%s %d %n %% %b",
    "option": "--json",
    "dash": "-",
    "two dashes": "--",
    "number": "0042",
    "real": "1e3",
    "blob literal": "x'00ff'",
    "null": "NULL",
    "json": '{"a": [1, 2.50, "ü", null], "a": 1}\n',
    "umlauts and emoji": "grüße 🦄 e\u0301 \u202e\u200b\ufeff\u2028",
    "escape sequences": "\x1b[2J\x1b]0;title\x07",
    "last of each length": "\x7f\u07ff\uffff\U0010ffff",
    "long": "ab'\n" * 50_000,
}


def clients(db: Path, name: str) -> Client:
    return CLIENTS[name](db)


@pytest.fixture(params=[(putter, claimer) for putter in CLIENTS for claimer in CLIENTS], ids="-".join)
def pair(request: pytest.FixtureRequest, copied: Path) -> Iterator[tuple[Client, Client]]:
    """One client that puts and one that claims."""
    both = clients(copied, request.param[0]), clients(copied, request.param[1])
    yield both
    for one in both:
        one.close()


def test_a_payload_is_claimed_byte_for_byte_by_any_client_whoever_put_it(pair: tuple[Client, Client]) -> None:
    putter, claimer = pair
    for payload in HOSTILE.values():
        putter.put(payload, now=NOW)
    found = {}
    for name in HOSTILE:
        task = claimer.claim(now=NOW)
        assert task is not None
        found[name] = task["payload"]
    assert {name: text for name, text in found.items() if text != HOSTILE[name]} == {}


SHORT = "".join(text for name, text in HOSTILE.items() if name not in ("long", "empty"))


def test_key_kind_and_queue_are_text_as_hostile_as_a_payload(pair: tuple[Client, Client]) -> None:
    putter, claimer = pair
    names = {"queue": f"q{SHORT}", "kind": f"k{SHORT}", "key": f"y{SHORT}"}
    putter.put("x", now=NOW, **names)
    assert claimer.put("x", now=NOW, **names) == (1, 1)
    task = claimer.claim(names["queue"], now=NOW)
    assert task is not None
    assert {name: task[name] for name in names} == names


def test_a_result_is_kept_byte_for_byte(pair: tuple[Client, Client]) -> None:
    worker, reader = pair
    worker.ack(running(worker), result=SHORT, now=NOW)
    assert reader.show(1)["result"] == SHORT


def test_an_error_is_kept_byte_for_byte_and_in_the_history(pair: tuple[Client, Client]) -> None:
    worker, reader = pair
    worker.nack(running(worker), error=SHORT, delay_ms=0, now=NOW)
    claimed(worker)
    shown = reader.show(1)
    assert (shown["error"], shown["runs"][0]["text"]) == (SHORT, SHORT)


@pytest.mark.parametrize("bad", ["\udcff", "a\udcc3", "\udced\udca0\udc80", "a\0b", "\0"])
def test_what_is_no_text_is_refused_and_nothing_is_put(client: Client, bad: str) -> None:
    with pytest.raises(BadPayload):
        client.put(bad, now=NOW)
    assert client.claim(now=NOW) is None
    assert client.put("good", now=NOW) == (1, 0)


def test_a_python_worker_marks_dead_what_it_cannot_read_and_goes_on(copied: Path) -> None:
    with closing(sqlite3.connect(copied, isolation_level=None)) as connection:
        connection.execute("insert into qk_task (payload) values (cast(x'ff' as text)), ('good')")
    client = Python(copied)
    task = client.claim(now=NOW)
    assert task is not None
    assert task["payload"] == "good"
    assert client.show(1)["state"] == "dead"
    client.close()
