"""No client can break the queue, whatever SQL it writes, and whatever pragmas it has set."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import permutations
from pathlib import Path

import pytest
from attacks import ATTACKS, EXTRA_ATTACKS
from begun import NOW, claimed, finished, running
from client_raw import Raw
from sqlite_shell import SQL, Fault, sqlite

EVERY = [
    pytest.param(code, sql, id=f"{code}-{n}") for code, many in ATTACKS.items() for n, sql in enumerate(many)
]
Attack = Callable[[Path, str, str], None]


def by_shell(db: Path, pragmas: str, sql: str) -> None:
    sqlite(db, f"{pragmas}\n.mode json\n{sql};")


def by_python(db: Path, pragmas: str, sql: str) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.executescript(pragmas)
        connection.execute(sql)


@pytest.fixture(params=[by_shell, by_python], ids=["shell", "python"])
def attack(request: pytest.FixtureRequest) -> Attack:
    """Run SQL on a file, after these pragmas; raises sqlite3.Error."""
    made: Attack = request.param
    return made


@pytest.fixture(params=["off", "on"])
def pragmas(request: pytest.FixtureRequest) -> str:
    return f"pragma recursive_triggers = {request.param}; pragma foreign_keys = {request.param};"


@pytest.fixture(scope="session")
def one_of_each(empty_queue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of attacks.py, to copy."""
    client = Raw(Path(shutil.copy(empty_queue, tmp_path_factory.mktemp("laws") / "queue.db")))
    client.put("ready", key="k", now=NOW)
    client.cancel(1, now=NOW)
    client.put("scheduled", delay_ms=9_000_000, now=NOW)
    running(client, key="r", lease_ms=9_000_000)
    for end in ("done", "dead", "cancelled"):
        finished(client, end)
    client.put("newest", now=NOW)
    client.retry(1, now=NOW)
    client.policy("limited", max_bytes=1)  # which brings the extra laws
    by_shell(client.db, "", f"insert into qk_event (at, task_id, event) values ({NOW}, 1, 'put')")
    return client.db


@pytest.fixture
def target(one_of_each: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(one_of_each, tmp_path / "target.db"))


def everything(db: Path) -> list[str]:
    with closing(sqlite3.connect(db)) as connection:
        connection.text_factory = bytes
        return [
            repr(row)
            for table in ("qk_task", "qk_run", "qk_queue", "qk_lease", "qk_event", "qk_meta", "qk_dependency")
            for row in connection.execute(f"select * from {table}")
        ]


@pytest.mark.parametrize(("code", "sql"), EVERY)
def test_the_attack_is_refused_by_its_law_and_changes_nothing(
    target: Path, attack: Attack, pragmas: str, code: str, sql: str
) -> None:
    before = everything(target)
    with pytest.raises(sqlite3.Error, match=code):
        attack(target, pragmas, sql)
    assert everything(target) == before


@pytest.mark.parametrize(
    "sql",
    [
        "delete from qk_dependency",
        "update qk_dependency set on_failure = 'run'",
        "insert into qk_dependency (needs_id, task_id) values (3, 8)",
        "insert into qk_dependency (needs_id, task_id) values (3, 9)",
        "insert or replace into qk_dependency (needs_id, task_id, on_failure) values (2, 8, 'run')",
    ],
)
def test_what_a_task_waits_for_never_changes(target: Path, attack: Attack, pragmas: str, sql: str) -> None:
    client = Raw(target)
    client.put("waits", after="[2]", now=NOW)
    client.put("newest", now=NOW)
    before = everything(target)
    with pytest.raises(sqlite3.Error, match="QK003"):
        attack(target, pragmas, sql)
    assert everything(target) == before


@pytest.mark.parametrize("sql", EXTRA_ATTACKS)
def test_without_the_extra_laws_their_work_is_refused(
    copied: Path, attack: Attack, pragmas: str, sql: str
) -> None:
    before = everything(copied)
    with pytest.raises(sqlite3.Error, match="QK028"):
        attack(copied, pragmas, sql)
    assert everything(copied) == before


LEGAL = {
    "ready": "running scheduled blocked cancelled",
    "scheduled": "ready blocked cancelled",
    "blocked": "ready scheduled cancelled",
    "running": "done dead cancelled ready scheduled",
    "done": "ready scheduled blocked",
    "dead": "ready scheduled blocked cancelled",
    "cancelled": "ready scheduled blocked",
}
SHAPE = {
    "ready": "due_at = null, needs = 0",
    "scheduled": "due_at = 5, needs = 0",
    "blocked": "due_at = null, needs = 1",
    "running": "due_at = 5, claimed_at = 1, ended_at = null",
    "done": "due_at = null, ended_at = 5",
    "dead": "due_at = null, ended_at = 5, failures = failures + (state = 'running')",
    "cancelled": "due_at = null, ended_at = 5",
}
TASKS = {"ready": 1, "scheduled": 2, "running": 3, "done": 4, "dead": 5, "cancelled": 6, "blocked": 7}


def move(old: str, new: str) -> str:
    """An UPDATE whose row is well shaped, so that only the state machine can refuse it."""
    begins = (old, new) == ("ready", "running")
    settled = f"claims + {int(begins)} - {int(new == 'running')}"
    return f"update qk_task set state = '{new}', claims = claims + {int(begins)}, settled = {settled}, {SHAPE[new]}"


@pytest.mark.parametrize(("old", "new"), list(permutations(SHAPE, 2)))
def test_a_move_between_two_states_is_legal_or_refused(
    target: Path, attack: Attack, pragmas: str, old: str, new: str
) -> None:
    task = f" where id = {TASKS[old]}"
    if old == "blocked":
        by_python(target, "", move("ready", "blocked") + task)
    if new in LEGAL[old].split():
        attack(target, pragmas, move(old, new) + task)
        assert sqlite(target, f".mode json\nselect state from qk_task {task};") == [{"state": new}]
    else:
        with pytest.raises(sqlite3.Error, match="QK020"):
            attack(target, pragmas, move(old, new) + task)


def test_a_payload_may_change_until_the_task_runs(target: Path, attack: Attack, pragmas: str) -> None:
    attack(target, pragmas, "update qk_task set payload = 'better' where state in ('ready', 'scheduled')")
    assert Raw(target).show(1)["payload"] == "better"


def test_a_finished_task_may_be_deleted_with_its_history(target: Path, attack: Attack, pragmas: str) -> None:
    attack(target, pragmas, "delete from qk_task where id = 5")
    assert sqlite(target, ".mode json\nselect count(*) as runs from qk_run where task_id = 5;") == [
        {"runs": 0}
    ]


def test_deleting_the_newest_is_no_error_and_does_nothing(target: Path, attack: Attack, pragmas: str) -> None:
    Raw(target).cancel(7, now=NOW)
    attack(target, pragmas, "delete from qk_task where id = 7")
    assert Raw(target).show(7)["state"] == "cancelled"


def test_an_insert_that_names_just_a_run_time_is_scheduled(
    target: Path, attack: Attack, pragmas: str
) -> None:
    attack(target, pragmas, f"insert into qk_task (payload, run_at) values ('x', {NOW + 5})")
    shown = Raw(target).show(8)
    assert (shown["state"], shown["due_at"]) == ("scheduled", NOW + 5)


def test_a_run_ended_by_hand_stands_in_the_history(target: Path, attack: Attack, pragmas: str) -> None:
    attack(target, pragmas, move("running", "ready") + " where id = 3")
    assert [run["outcome"] for run in Raw(target).show(3)["runs"]] == ["released"]


def test_a_key_is_freed_by_law_whoever_ends_the_task(target: Path, attack: Attack, pragmas: str) -> None:
    attack(target, pragmas, move("running", "done") + " where id = 3")
    attack(target, pragmas, "insert into qk_task (payload, key) values ('x', 'r')")
    assert Raw(target).show(8)["key"] == "r"


def test_a_lease_given_by_hand_is_swept_too(target: Path, attack: Attack, pragmas: str) -> None:
    attack(target, pragmas, move("ready", "running") + " where id = 1")
    Raw(target).tick(now=NOW)
    assert Raw(target).show(1)["crashes"] == 1


def test_an_older_schema_over_a_newer_file_is_refused(target: Path) -> None:
    by_python(target, "", "update qk_meta set value = 99 where name = 'schema_version'")
    with pytest.raises(Fault, match="QK030"):
        sqlite(target, f".read '{SQL / 'schema.sql'}'")


def test_the_schema_over_a_file_of_its_own_version_does_no_harm(target: Path) -> None:
    before = everything(target)
    sqlite(target, "".join(f".read '{SQL / name}.sql'\n" for name in ("schema", "laws", "views")))
    assert everything(target) == before
    assert claimed(Raw(target)) == "1:1"


EVERY_CODE = {
    *ATTACKS,
    "QK028",
    "QK031",
}  # QK031 is about the whole file: tests/sql/test_schema.py attacks it


def codes(text: str) -> set[str]:
    return set(re.findall(r"QK\d{3}", text))


def test_every_code_of_the_laws_stands_in_the_reference_and_is_attacked_here() -> None:
    written = codes(
        "".join(file.read_text() for name in ("schema", "laws*") for file in SQL.glob(f"{name}.sql"))
    )
    table = {line[2:7] for line in (SQL / "README.md").read_text().splitlines() if line.startswith("| QK")}
    assert written == table == EVERY_CODE


def test_no_file_speaks_of_a_code_that_does_not_exist() -> None:
    spoken = codes("".join(file.read_text() for file in SQL.rglob("*.sql")))
    assert spoken <= EVERY_CODE
