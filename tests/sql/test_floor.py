"""The oldest SQLite that may touch a queue file: 3.31 makes one and inserts into it, 3.35 runs every verb.

bin/test installs both into .test/: PyPI has them for Python 3.8.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from verbs import NOW

from queuekit import statements
from tests.conftest import ROOT, SQL, sqlite3_program

TABLES = ["pragmas", *statements.SCHEMA, *statements.EXTRA]


class OldSQLite:
    """One connection to a new queue file, in a process of its own."""

    def __init__(self, version: str, db: Path) -> None:
        python = ROOT / ".test" / f"sqlite-{version}" / "bin" / "python"
        if not python.exists():
            pytest.skip(f"SQLite {version} is not installed: bin/test does it where there is a Python 3.8")
        self.process = subprocess.Popen(
            [python, Path(__file__).with_name("old_sqlite.py"), db],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer().startswith(version + ".")
        for name in TABLES:
            assert "error" not in self.run((SQL / f"{name}.sql").read_text())

    def answer(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def run(self, command: str | list[Any]) -> dict[str, Any]:
        assert self.process.stdin
        print(json.dumps(command), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = self.answer()
        return answer

    def rows(self, command: str) -> list[list[Any]]:
        return [[*row.values()] for row in self.run(command)["rows"]]

    def verb(self, verb: str, **given: Any) -> dict[str, Any]:
        answer = self.run([verb, {"now": NOW, **given}])
        assert "error" not in answer, f"{verb}: {answer}"
        return answer

    def row(self, verb: str, **given: Any) -> dict[str, Any]:
        (row,) = self.verb(verb, **given)["rows"]
        return dict(row)

    def close(self) -> None:
        self.process.communicate(timeout=30)


@pytest.fixture
def oldest(tmp_path: Path) -> Iterator[OldSQLite]:
    with closing(OldSQLite("3.31", tmp_path / "old.db")) as sqlite:
        yield sqlite


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[OldSQLite]:
    with closing(OldSQLite("3.35", tmp_path / "old.db")) as sqlite:
        yield sqlite


def test_3_31_makes_the_same_file(oldest: OldSQLite, db: Path) -> None:
    made = oldest.rows("select name, sql from sqlite_master order by rowid")
    for name in statements.EXTRA:
        sqlite3_program(db, statements.source(name))
    here = subprocess.run(
        [
            "sqlite3",
            db,
            "select json_group_array(json_array(name, sql)) from (select name, sql from sqlite_master order by rowid)",
        ],
        capture_output=True,
        check=True,
    )
    assert made == json.loads(here.stdout)
    assert oldest.rows("pragma page_size") + oldest.rows("pragma journal_mode") == [[2048], ["wal"]]


def test_3_31_puts_by_insert(oldest: OldSQLite) -> None:
    assert "error" not in oldest.run("insert into qk_task (queue, payload) values ('mail', 'hello')")
    (view, trigger) = oldest.verb("queue_view", queue="it's")["rows"]
    assert "error" not in oldest.run(view["ddl"])
    assert "error" not in oldest.run(trigger["ddl"])
    assert "error" not in oldest.run(
        """insert into "it's"(data, key) values ('{"a":1}', 'k'), ('again', 'k')"""
    )
    assert oldest.rows("select id, state, queue, payload, duplicates from qk_task") == [
        [1, "ready", "mail", "hello", None],
        [2, "ready", "it's", '{"a":1}', 1],
    ]
    assert oldest.verb("put_simple", payload="x")["changes"] == 1


@pytest.mark.parametrize(
    ("code", "attack"),
    [
        ("QK001", "insert into qk_task (id, payload) values (7, 'x')"),
        ("QK001", "replace into qk_task (id, payload) values (1, 'x')"),
        ("QK001", "insert or replace into qk_task (key, duplicates, payload) values ('k', 0, 'x')"),
        ("QK002", "insert into qk_task (state, due_at, payload) values ('running', 1, 'x')"),
        ("QK004", "insert into qk_task (key, payload) values ('k', 'x')"),
        ("QK005", "update qk_task set queue = 'other'"),
        ("QK008", "update qk_task set id = 9"),
        ("QK020", "update qk_task set state = 'done', ended_at = 1"),
        ("QK015", "insert into qk_task (payload) values (cast(x'6100' as text))"),
        ("QK021", "delete from qk_task"),
    ],
)
def test_3_31_keeps_the_laws(oldest: OldSQLite, code: str, attack: str) -> None:
    oldest.run("insert into qk_task (key, payload) values ('k', 'first')")
    before = oldest.rows("select * from qk_task")
    assert code in oldest.run(attack)["error"]
    assert oldest.rows("select * from qk_task") == before


def test_3_31_keeps_the_books_of_links(oldest: OldSQLite) -> None:
    oldest.run("insert into qk_batch (name, queue, payload) values ('b', 'after', 'callback')")
    for insert in (
        "(group_key, batch, payload) values ('g', 1, 'first'), ('g', 1, 'second')",
        "(after, payload) values ('[2, 3]', 'third')",
        "(after, on_failure, payload) values ('[4]', 'run', 'fourth')",
    ):
        assert "error" not in oldest.run(f"insert into qk_task {insert}")
    assert oldest.rows("select state, needs, turn from qk_task") == [
        ["blocked", 1, None],
        ["ready", 0, 1],
        ["blocked", 0, 0],
        ["blocked", 2, None],
        ["blocked", 1, None],
    ]
    assert "error" not in oldest.run(
        "update qk_task set state = 'cancelled', due_at = null, ended_at = 5 where id = 2"
    )
    assert oldest.rows("select state from qk_task") == [
        ["blocked"],
        ["cancelled"],
        ["ready"],
        ["cancelled"],
        ["ready"],
    ]


def test_3_31_lets_due_tasks_move(oldest: OldSQLite) -> None:
    oldest.run(f"insert into qk_task (state, due_at, payload) values ('scheduled', {NOW}, 'x')")
    oldest.verb("tick")
    assert oldest.rows("select state from qk_task") == [["ready"]]


def test_3_31_writes_events(oldest: OldSQLite) -> None:
    for _ in range(2):
        assert "error" not in oldest.run((SQL / "events_on.sql").read_text())
    oldest.run("insert into qk_task (payload) values ('x'), ('y')")
    oldest.run("update qk_task set state = 'cancelled', ended_at = 5 where id = 1")
    assert oldest.rows("select task_id, event from qk_event") == [[1, "put"], [2, "put"], [1, "cancelled"]]
    assert "error" not in oldest.run("delete from qk_task where id = 1")
    assert "error" not in oldest.run((SQL / "events_off.sql").read_text())
    oldest.run("insert into qk_task (payload) values ('z')")
    assert oldest.rows("select task_id, event from qk_event") == [[2, "put"]]


def test_3_35_takes_a_task_through_its_life(sqlite: OldSQLite) -> None:
    assert sqlite.row("put", payload="p", key="k", max_attempts=2)["id"] == 1
    assert sqlite.row("put", payload="p", key="k")["duplicates"] == 1
    task = sqlite.row("claim", worker="w", lease_ms=1000)
    assert (task["receipt"], task["payload"]) == ("1:1", "p")
    assert sqlite.row("extend", receipt="1:1", lease_ms=5000)["lease_until"] == NOW + 5000
    assert sqlite.row("nack", receipt="1:1", error="why", delay_ms=100)["state"] == "scheduled"
    assert sqlite.row("due")["due_at"] == NOW + 100
    assert sqlite.verb("claim", worker="w", now=NOW + 99)["rows"] == []
    assert sqlite.row("claim", worker="w", lease_ms=1000, now=NOW + 100)["receipt"] == "1:2"
    sqlite.verb("tick", now=NOW + 1100)
    assert sqlite.row("show", id=1)["state"] == "dead"
    assert sqlite.row("retry", id=1)["state"] == "ready"
    assert sqlite.row("claim", worker="w")["receipt"] == "1:3"
    assert sqlite.row("release", receipt="1:3")["state"] == "ready"
    assert sqlite.row("claim", worker="w")["receipt"] == "1:4"
    assert sqlite.verb("ack", receipt="1:4", result="r")["changes"] == 1
    assert sqlite.verb("ack", receipt="1:4")["changes"] == 0
    assert json.loads(sqlite.row("show", id=1)["runs"])[-1]["outcome"] == "released"


def test_3_35_does_the_rest(sqlite: OldSQLite) -> None:
    sqlite.verb("put_many", payloads='["a", "b", "c"]')
    assert len(sqlite.verb("claim_many", worker="w", limit=2)["rows"]) == 2
    assert sqlite.row("cancel", id=3)["state"] == "cancelled"
    assert sqlite.verb("ack", receipt="1:1")["changes"] == 1
    sqlite.verb("policy", queue="default", lease_ms=1000)
    sqlite.verb("pause")
    assert sqlite.row("stats")["paused"] == 1
    sqlite.verb("resume")
    assert len(sqlite.verb("list")["rows"]) == 3
    assert sqlite.row("count") == {"ready": 0}
    sqlite.verb("worker_beat", name="w", host="h", pid=1, started_ms=1)
    assert len(sqlite.verb("workers")["rows"]) == 1
    sqlite.verb("worker_gone", name="w")
    assert sqlite.verb("purge", **{"from": 0, "span": 100, "older_ms": 0})["changes"] > 0


def test_3_35_orders_limits_and_links(sqlite: OldSQLite) -> None:
    for strategy in ("priority", "fifo", "lifo", "random", "fair"):
        sqlite.row("policy", queue=strategy, strategy=strategy)
        for priority, share in ((1, "a"), ("high", "a"), (1, "b")):
            sqlite.row("put", queue=strategy, payload="x", priority=priority, share=share, require="gpu b")
        taken = [sqlite.row("claim", queue=strategy, capabilities="b gpu c")["id"] for _ in range(3)]
        assert len(set(taken)) == 3
    assert sqlite.row("put", payload="1", key="k", on_conflict="merge")["duplicates"] == 0
    merged = sqlite.row("put", payload="[2]", key="k", on_conflict="merge", within_ms=5)["id"]
    assert sqlite.row("show", id=merged)["payload"] == "[1,2]"
    assert sqlite.row("snooze", id=merged, delay_ms=7)["state"] == "scheduled"
    sqlite.row("policy", queue="r", max_running=2, rate_us=1000, burst=9, max_depth=3, on_full="drop_oldest")
    sqlite.verb("put_many", queue="r", payloads='["a", "b", "c", "d"]')
    assert len(sqlite.verb("claim_many", queue="r")["rows"]) == 2
    sqlite.verb("flow_open", name="f")
    sqlite.verb(
        "flow_steps",
        flow=1,
        steps='[{"name": "a", "payload": "x"}, {"name": "b", "payload": "y", "after": [0]}]',
    )
    first, second = (row["id"] for row in sqlite.verb("flow_show", id=1)["rows"])
    sqlite.verb("flow_cancel", id=1)
    assert sqlite.row("batch", id=1)["failed"] == 2
    sqlite.verb("flow_retry", id=1)
    assert sqlite.row("show", id=second)["state"] == "blocked"
    assert [row["id"] for row in sqlite.verb("results", id=second)["rows"]] == [first]
    sqlite.verb("schedule_add", name="s", rule="every 1m", next_at=NOW)
    assert sqlite.row("schedule_due")["name"] == "s"
    fire = {"rule": "every 1m", "zone": "UTC", "expected": NOW, "next_at": NOW + 1, "fire": "[[1, 2, 9]]"}
    sqlite.verb("schedule_fire", name="s", **fire)
    assert sqlite.row("list", key="s@1")["state"] == "scheduled"
    sqlite.verb("schedule_add", name="s", rule="every 2m", group="g", require="gpu b", within_ms=5)
    assert sqlite.row("schedule_run", name="s") == sqlite.row("schedule_run", name="s")
