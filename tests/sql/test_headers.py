"""The header of a verb file is its reference: it says what the statement takes and gives, and says all of it."""

from __future__ import annotations

import ast
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from headers import VERBS, Column, Parameter, parse
from verbs import NOW, Opener, connect, extend, rows, run

from queuekit import statements
from tests.conftest import ROOT, make_database

CLI_NAME = {"list": "ls", "schedule_add": "schedule"}
READY, RUNNING, DEAD, SCHEDULED, WAITING = 1, 2, 3, 200, 244  # ids in the scene
BATCH, FLOW = 1, 2

# What a call of each verb needs in the scene, so that it returns a row (or changes one).
CALLS: dict[str, dict[str, Any]] = {
    "ack": {"receipt": "2:1", "result": "fine"},
    "ack_many": {"receipts": '["2:1"]'},
    "batch": {"id": 1},
    "batch_close": {"id": 1},
    "batch_open": {"payload": "callback", "name": "all"},
    "cancel": {"id": READY},
    "extend": {"receipt": "2:1"},
    "flow_cancel": {"id": FLOW},
    "flow_retry": {"id": FLOW},
    "flow_show": {"id": FLOW},
    "flow_steps": {"flow": BATCH, "steps": '[{"name": "a", "payload": "x"}]'},
    "list": {"queue": "default"},
    "nack": {"receipt": "2:1", "error": "why"},
    "policy": dict(
        zip(
            "lease_ms max_attempts backoff_ms backoff_cap_ms retention_ms".split()
            + "max_running max_per_worker rate_us burst max_depth max_bytes".split(),
            range(1, 12),
            strict=True,
        ),
        strategy="fifo",
        on_full="coalesce",
        on_group="aside",
    ),
    "prefetch": {"consumer": "c", "receipts": '["2:1"]'},
    "purge": {"state": "dead", "older_ms": 0},
    "put": {"payload": "p", "key": "k"},
    "put_plain": {"payload": "p", "key": "k"},
    "put_many": {"payloads": '["a", "b"]'},
    "put_many_simple": {"payloads": '["a", "b"]'},
    "put_simple": {"payload": "p"},
    "queue_view": {"queue": "mail"},
    "reap": {"worker": "w"},
    "release": {"receipt": "2:1"},
    "results": {"id": WAITING},
    "retry": {"id": DEAD},
    "snooze": {"id": READY},
    "schedule_add": {"name": "new", "rule": "every 1m"},
    "schedule_fire": {
        "name": "s",
        "rule": "every 1m",
        "zone": "UTC",
        "expected": NOW,
        "next_at": NOW + 1,
        "fire": "[[1, null]]",
    },
    "schedule_pause": {"name": "s"},
    "schedule_remove": {"name": "s"},
    "schedule_run": {"name": "s"},
    "show": {"id": RUNNING},
    "take": {"ids": f"[{READY}]"},
    "worker_beat": {"name": "new", "host": "h", "pid": 1, "started_ms": 1},
    "worker_gone": {"name": "w", "pid": 1, "started_ms": 1},
}


@pytest.fixture(scope="module")
def scene_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One task that waits, one that runs, one dead; 120 ready and 120 scheduled, more than any default limit."""
    path = make_database(tmp_path_factory.mktemp("headers") / "scene.db")
    connection = connect(path)
    extend(connection)
    for payload in ("ready", "running", "dead"):
        run(connection, "put", payload=payload, key=payload, kind="k", backoff_ms=0, now=NOW)
    connection.execute("update qk_task set priority = case id when 1 then 0 else 9 end")
    for _ in (RUNNING, DEAD):
        run(connection, "claim", worker="w", now=NOW).fetchall()
    run(connection, "nack", receipt="3:1", error="why", dead=1, now=NOW).fetchall()
    texts = str(["x"] * 120).replace("'", '"')
    run(connection, "put_many", payloads=texts, now=NOW)
    run(connection, "put_many", payloads=texts, delay_ms=1000, backoff_ms=0, now=NOW)
    run(connection, "worker_beat", name="w", host="h", pid=1, started_ms=1, now=NOW)
    run(connection, "put", payload="waits", after="[2, 3]", on_failure="run", now=NOW).fetchall()
    run(connection, "schedule_add", name="s", rule="every 1m", next_at=NOW)
    run(connection, "batch_open", name="some", payload="callback", now=NOW)
    run(connection, "flow_open", name="flow", now=NOW)
    steps = '[{"name": "a", "payload": "x"}, {"name": "b", "payload": "y", "after": [0]}]'
    run(connection, "flow_steps", flow=FLOW, steps=steps, now=NOW)
    run(connection, "policy", queue="kept", retention_ms=1)
    connection.close()
    return path


@pytest.fixture
def scene(scene_file: Path, tmp_path: Path, opened: Opener) -> sqlite3.Connection:
    return opened(Path(shutil.copy(scene_file, tmp_path / "scene.db")))


def contents(connection: sqlite3.Connection) -> dict[str, list[Any]]:
    tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
    return {name: connection.execute(f'select * from "{name}"').fetchall() for name in tables}


@pytest.mark.parametrize("verb", VERBS)
def test_the_parameters_of_a_header_are_those_that_the_statement_binds(verb: str) -> None:
    bound = {name for statement in statements.load(verb) for name in statement.names}
    assert sorted(bound) == sorted(parameter.name for parameter in parse(verb).parameters)


@pytest.mark.parametrize("verb", VERBS)
def test_the_row_of_a_header_is_the_row_of_the_statement(verb: str, scene: sqlite3.Connection) -> None:
    cursor = run(scene, verb, now=NOW + 1, **CALLS.get(verb, {}))
    found = cursor.fetchall()
    columns = parse(verb).columns
    assert [column.name for column in columns] == [column[0] for column in cursor.description or ()]
    assert bool(found) == bool(columns), "a scene that shows the row"
    for row in found:
        for column, value in zip(columns, row, strict=True):
            assert fits(column, value), (column, value)


def fits(column: Column, value: Any) -> bool:
    return column.nullable if value is None else type(value) is {"text": str, "integer": int}[column.type]


@pytest.mark.parametrize("verb", VERBS)
def test_a_header_says_when_there_is_no_row(verb: str) -> None:
    header = parse(verb)
    assert header.no_row
    assert header.no_row.startswith("always") == (not header.columns)


def verbs_without_row(when: str) -> list[str]:
    return [verb for verb in VERBS if (parse(verb).no_row or "").startswith(when)]


@pytest.mark.parametrize("verb", verbs_without_row("never"))
def test_a_row_that_never_fails_to_come_comes_from_an_empty_file_too(
    verb: str, queue: sqlite3.Connection
) -> None:
    extend(queue)
    assert len(run(queue, verb, **CALLS.get(verb, {})).fetchall()) == 1


@pytest.mark.parametrize(
    "verb", sorted(set(VERBS) - {*verbs_without_row("never"), *verbs_without_row("always")})
)
def test_where_there_is_nothing_there_is_no_row_and_nothing_changes(
    verb: str, queue: sqlite3.Connection
) -> None:
    if verb == "queue_view":
        for ddl in rows(queue, verb, queue="mail"):
            queue.execute(ddl["ddl"])
    before = contents(queue)
    assert run(queue, verb, **CALLS.get(verb, {})).fetchall() == []
    assert contents(queue) == before


DEFAULTS = [
    pytest.param(verb, parameter, id=f"{verb}-{parameter.name}")
    for verb in VERBS
    for parameter in parse(verb).parameters
    if parameter.default not in (None, "NULL", "the clock") and (verb, parameter.name) != ("tick", "jitter")
]


@pytest.mark.parametrize(("verb", "parameter"), DEFAULTS)
def test_a_parameter_left_out_is_the_default_of_the_header(
    verb: str, parameter: Parameter, scene_file: Path, tmp_path: Path, opened: Opener
) -> None:
    assert parameter.default is not None
    effects = []
    for value in (None, ast.literal_eval(parameter.default)):
        connection = opened(Path(shutil.copy(scene_file, tmp_path / f"{len(effects)}.db")))
        given = {**CALLS.get(verb, {}), "now": NOW + 2000, parameter.name: value}
        effects.append((run(connection, verb, **given).fetchall(), contents(connection)))
    assert effects[0] == effects[1]


@pytest.mark.parametrize(
    "verb", [verb for verb in VERBS for name in parse(verb).parameters if name.name == "now"]
)
def test_without_now_it_is_the_clock_of_the_machine(verb: str, scene: sqlite3.Connection) -> None:
    assert {parameter.default for parameter in parse(verb).parameters if parameter.name == "now"} == {
        "the clock"
    }
    scene.execute("update qk_worker set beat_at = 0")
    (before,) = scene.execute("select now from qk_clock").fetchone()
    run(scene, verb, **{**CALLS.get(verb, {}), "delay_ms": 5000}).fetchall()
    (after,) = scene.execute("select now from qk_clock").fetchone()
    written = [
        value for table in contents(scene).values() for row in table for value in row if type(value) is int
    ]
    recent = [value for value in written if before <= value <= after + 65_000]
    quiet = {"due", "next", "purge", "schedule_due", "tick"}  # the scene lies in the future of the clock
    assert bool(recent) != (verb in quiet)


def test_the_two_jitters_are_at_most_25_percent(queue: sqlite3.Connection) -> None:
    run(queue, "put_many", payloads=str(["x"] * 40).replace("'", '"'), backoff_ms=1000, lease_ms=1, now=NOW)
    claimed = rows(queue, "claim_many", limit=20, now=NOW)
    waits = [rows(queue, "nack", receipt=task["receipt"], now=NOW)[0]["due_at"] - NOW for task in claimed]
    rows(queue, "claim_many", now=NOW)
    run(queue, "tick", now=NOW + 5000)
    crashed = queue.execute("select due_at - ended_at from qk_task where crashes = 1").fetchall()
    waits += [wait for (wait,) in crashed]
    assert len(waits) == 40
    assert all(1000 <= wait <= 1250 for wait in waits), waits
    assert len(set(waits)) > 1


def cli_verbs() -> set[str]:
    done = subprocess.run([ROOT / "bin" / "qk", "help"], capture_output=True, text=True, check=True)
    verbs = re.findall(r"^  ([a-z]+)((?:, [a-z]+)*)", done.stdout, re.MULTILINE)
    return {name for first, more in verbs for name in (first, *more.split(", ")) if name}


def test_every_verb_of_the_commands_has_a_usage_line_and_no_other_has() -> None:
    usages = {CLI_NAME.get(verb, verb): parse(verb).usage for verb in VERBS if parse(verb).usage}
    assert set(usages) == cli_verbs() - {"init", "work", "help"}
    for verb, usage in usages.items():
        assert usage is not None
        assert usage.split()[0] == verb


def test_the_codes_in_readme_are_those_of_the_laws_and_checks() -> None:
    spoken = set(
        re.findall(r"QK\d{3}", "".join(map(statements.source, ("schema", "laws", *statements.EXTRA))))
    )
    told = re.findall(r"^\| (QK\d{3}) \|", (statements.folder() / "README.md").read_text(), re.MULTILINE)
    assert sorted(spoken) == told
