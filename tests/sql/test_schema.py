"""Whoever makes a queue file makes the same one; older and newer files, and an application's, keep their rows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from makers import MAKERS, raw
from verbs import NOW, Opener, rows, run

from queuekit import Batch, Queue, SchemaMismatch, statements
from tests.cli.program import QK, QUEUEKIT
from tests.cli.program import run as run_program
from tests.conftest import ROOT, make_database, sqlite3_program
from tests.spec.books import wrong

FIRST_VERSION = Path(__file__).with_name("schema_1.sql")
Maker = Callable[..., None]
MAKER = pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))


def schema(path: Path) -> str:
    """Every byte of the schema in the order of its making, and what the pragmas left in the file."""
    return sqlite3_program(
        path, "select * from sqlite_schema order by rowid; pragma page_size; pragma journal_mode;"
    )


@MAKER
def test_every_client_makes_the_same_bytes(make: Maker, db: Path, tmp_path: Path) -> None:
    make(tmp_path / "made.db")
    assert schema(tmp_path / "made.db") == schema(db)
    assert schema(db).endswith("2048\nwal\n")


@MAKER
def test_making_it_again_by_any_client_changes_nothing(make: Maker, db: Path) -> None:
    sqlite3_program(db, "insert into qk_task (payload) values ('kept'); pragma wal_checkpoint(truncate);")
    before, bytes_before = schema(db), db.read_bytes()
    make(db)
    assert schema(db) == before
    assert db.read_bytes() == bytes_before


@MAKER
@pytest.mark.parametrize("name", ["notifications", "it's", 'two "quoted" words', "%s %w", "größe"])
def test_every_client_gives_a_queue_the_same_view(make: Maker, name: str, db: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.db"
    make(made, view=name)
    raw(db, view=name)
    assert schema(made) == schema(db)
    quoted = name.replace('"', '""')
    sqlite3_program(made, f"""insert into "{quoted}"(data) values ('{{"a":1}}');""")
    with Queue(made, name) as queue:
        task = queue.claim()
        assert task is not None
        assert task.data == {"a": 1}


@MAKER
def test_an_application_takes_the_tables_into_its_own_file(make: Maker, db: Path, tmp_path: Path) -> None:
    app = tmp_path / "app.db"
    sqlite3_program(
        app,
        "pragma page_size = 8192; pragma user_version = 7; pragma application_id = 99;"
        "create table mine (a unique); insert into mine values (1);",
    )
    make(app)
    assert objects(app)[2:] == objects(db)
    kept = "pragma page_size; pragma journal_mode; pragma user_version; pragma application_id; select * from mine;"
    assert sqlite3_program(app, kept).split() == ["8192", "delete", "7", "99", "1"]
    with Queue(app) as queue:
        queue.put("hello")
        task = queue.claim()
        assert task is not None
        task.ack()


@pytest.mark.parametrize("page_size", [1024, 2048, 8192])
def test_a_checkpoint_comes_after_as_many_bytes_whatever_the_page_size(
    page_size: int, tmp_path: Path
) -> None:
    path = tmp_path / "app.db"
    sqlite3_program(path, f"pragma page_size = {page_size}; create table mine (a);")
    with Queue(path) as queue:
        (pages,) = queue.database.connection().execute("pragma wal_autocheckpoint").fetchone()
    assert pages * page_size == 4 * 1024 * 1024


def objects(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("select name, sql from sqlite_schema order by rowid").fetchall()


def test_many_processes_make_one_file_at_once(tmp_path: Path, db: Path) -> None:
    path = tmp_path / "queue.db"
    makers = [
        make for make in MAKERS.values() if make is not raw
    ] * 4  # raw looks first whether there is a file
    with ThreadPoolExecutor(len(makers)) as pool:
        for made in [pool.submit(make, path) for make in makers]:
            made.result()
    assert schema(path) == schema(db)


# --- other versions -----------------------------------------------------------------------------------------------


def newer(path: Path) -> Path:
    sqlite3_program(path, "update qk_meta set value = 99 where name = 'schema_version';")
    return path


@pytest.mark.parametrize("program", [QUEUEKIT, QK], ids=["queuekit", "qk"])
@pytest.mark.parametrize("words", [["init"], ["put", "x"], ["claim"], ["ls"]], ids=" ".join)
def test_a_newer_file_is_refused_in_one_line(program: list[str], words: list[str], db: Path) -> None:
    before = schema(newer(db))
    done = run_program(program, *words, db=db)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert b"made by a newer queuekit" in done.stderr
    assert schema(db) == before
    assert sqlite3_program(db, "select count(*) from qk_task") == "0\n"


def test_a_newer_file_is_refused_by_the_package(db: Path) -> None:
    with pytest.raises(SchemaMismatch, match="newer queuekit"):
        Queue(newer(db)).put("x")


def test_the_laws_of_a_newer_file_refuse_an_older_schema(db: Path) -> None:
    newer(db)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        raw(db)
    assert "QK030" in refused.value.stderr


@pytest.mark.parametrize("program", [QUEUEKIT, QK], ids=["queuekit", "qk"])
@pytest.mark.parametrize("words", [["init"], ["put", "x"], ["claim"]], ids=" ".join)
@pytest.mark.parametrize("value", ["'1'", "'1;'", "null", "1.5", "99999999999999999999"])
def test_a_file_that_tells_no_version_is_refused_in_one_line(
    program: list[str], words: list[str], value: str, db: Path
) -> None:
    sqlite3_program(
        db, f"drop trigger qk_meta_version; update qk_meta set value = {value} where name = 'schema_version';"
    )
    before = schema(db)
    done = run_program(program, *words, db=db)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert b"does not tell the version of its schema" in done.stderr
    assert schema(db) == before


@MAKER
@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_a_database_that_is_not_utf_8_is_refused_and_left_alone(
    make: Maker, encoding: str, tmp_path: Path
) -> None:
    app = tmp_path / "app.db"
    sqlite3_program(app, f"pragma encoding = '{encoding}'; create table mine (a);")
    before = schema(app)
    with pytest.raises((SchemaMismatch, subprocess.CalledProcessError)) as refused:
        make(app)
    assert "QK031" in str(getattr(refused.value, "stderr", refused.value))
    assert schema(app) == before


@pytest.mark.parametrize("program", [QUEUEKIT, QK], ids=["queuekit", "qk"])
@pytest.mark.parametrize(
    ("name", "code"), [(b"", 2), (b"a\xff", 65), (b"a\r\nb", 65), (b"\x1b[2J", 65), (b"\x7f", 65)]
)
def test_a_name_that_no_view_can_have_is_refused_before_a_file_is_made(
    program: list[str], name: bytes, code: int, tmp_path: Path
) -> None:
    path = tmp_path / "made.db"
    done = run_program(program, "init", "-q", os.fsdecode(name), db=path)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (code, b"", 1)
    assert not path.exists()


@pytest.fixture
def next_version(tmp_path: Path) -> Path:
    """A checkout of the release to come: the same, and two migrations."""
    folder = tmp_path / "next"
    for part in ("bin", "sql", "queuekit"):
        shutil.copytree(ROOT / part, folder / part)
    schema_file = folder / "sql" / "schema.sql"
    schema_file.write_text(schema_file.read_text().replace("('schema_version', 3)", "('schema_version', 5)"))
    for version, change in ((4, "add column mood text"), (5, "rename column mood to temper")):
        (folder / "sql" / "migrations" / f"{version:04}.sql").write_text(
            f"alter table qk_worker {change};\nupdate qk_meta set value = {version} where name = 'schema_version';\n"
        )
    return folder


def init_command(folder: Path, program: str) -> list[str]:
    start = f"import sys; sys.path.insert(0, {str(folder)!r}); import queuekit.cli; queuekit.cli.main()"
    return [str(folder / "bin" / "qk")] if program == "qk" else [sys.executable, "-c", start]


@pytest.mark.parametrize("program", ["queuekit", "qk"])
def test_init_migrates_an_older_file_and_keeps_its_tasks(program: str, next_version: Path, db: Path) -> None:
    sqlite3_program(db, "insert into qk_task (payload) values ('kept');")
    command = init_command(next_version, program)
    refused = run_program(command, "put", "x", db=db)
    assert (refused.returncode, b"init" in refused.stderr) == (1, True)
    for _ in range(2):
        done = run_program(command, "init", db=db)
        assert (done.returncode, done.stderr) == (0, b"")
    assert (
        sqlite3_program(
            db, "select value from qk_meta where name = 'schema_version'; select payload from qk_task;"
        )
        == "5\nkept\n"
    )
    assert "temper" in sqlite3_program(db, "select name from pragma_table_info('qk_worker');")


@pytest.mark.parametrize("program", [QUEUEKIT, QK], ids=["queuekit", "qk"])
def test_events_stay_on_through_a_migration_and_the_coming_of_the_extra_laws(
    program: list[str], next_version: Path, db: Path
) -> None:
    assert run_program(program, "init", "--events", "on", db=db).returncode == 0
    assert run_program(program, "put", "x", "--group", "g", db=db).returncode == 0
    assert run_program(program, "put", "y", "--group", "g", db=db).returncode == 0
    command = init_command(next_version, "qk" if program is QK else "queuekit")
    (next_version / "sql" / "migrations" / "0004.sql").write_text(
        "drop trigger qk_event_put; drop trigger qk_event_moved; alter table qk_worker add column mood text;"
    )
    assert run_program(command, "init", db=db).returncode == 0
    assert run_program(command, "put", "z", db=db).returncode == 0
    told = "select task_id || event from qk_event order by id;"
    assert sqlite3_program(db, told).split() == ["1put", "1blocked", "1ready", "2put", "2blocked", "3put"]


@pytest.mark.parametrize("program", [QUEUEKIT, QK], ids=["queuekit", "qk"])
def test_a_switch_of_events_that_is_neither_on_nor_off_is_refused_before_a_file_is_made(
    program: list[str], tmp_path: Path
) -> None:
    done = run_program(program, "init", "--events", "maybe", db=tmp_path / "new.db")
    assert (done.returncode, done.stdout) == (2, b"")
    assert not (tmp_path / "new.db").exists()


@MAKER
def test_a_file_that_is_made_again_with_other_events_is_as_it_was(make: Maker, db: Path) -> None:
    for on in (True, False):
        with Queue(db) as queue:
            queue.database.events(on)
        before = schema(db)
        make(db)
        assert schema(db) == before


def test_many_that_migrate_at_once_migrate_once(next_version: Path, db: Path) -> None:
    commands = [init_command(next_version, program) for program in ("queuekit", "qk")] * 4
    with ThreadPoolExecutor(len(commands)) as pool:
        begun = [
            pool.submit(run_program, command, "init", "--lock-wait", "30", db=db) for command in commands
        ]
        done = [process.result() for process in begun]
    assert [process.stderr for process in done if process.returncode] == []
    assert sqlite3_program(db, "select value from qk_meta where name = 'schema_version';") == "5\n"


@pytest.mark.parametrize("program", ["queuekit", "qk"])
def test_a_migration_that_fails_changes_nothing(program: str, next_version: Path, db: Path) -> None:
    (next_version / "sql" / "migrations" / "0005.sql").write_text("alter table nobody add column a;\n")
    before = schema(db)
    done = run_program(init_command(next_version, program), "init", db=db)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert schema(db) == before
    assert sqlite3_program(db, "select value from qk_meta where name = 'schema_version';") == "3\n"


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    """A file that schema 1 made: a task in each of its states, a policy, a pause, a view of a queue's name."""
    path = tmp_path / "first.db"
    sqlite3_program(path, "pragma page_size = 2048; pragma journal_mode = wal;" + FIRST_VERSION.read_text())
    return path


@pytest.mark.parametrize("program", [QUEUEKIT, QK], ids=["queuekit", "qk"])
def test_a_file_of_schema_1_becomes_one_of_today(program: list[str], first_version: Path, db: Path) -> None:
    kept = "select id, state, claims, key, payload from qk_task; select * from qk_run;"
    kept += "select name, paused, max_attempts from qk_queue;"
    before = sqlite3_program(first_version, kept)
    refused = run_program(program, "put", "x", db=first_version)
    assert (refused.returncode, b"init" in refused.stderr) == (1, True)
    done = run_program(program, "init", db=first_version)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sqlite3_program(first_version, kept) == before
    made = {name for name, _ in objects(first_version)} - {"mail", "mail_put"}
    assert made == {name for name, _ in objects(db)}
    with Queue(first_version, "mail") as queue:
        first = queue.put("first")
        assert queue.show(queue.put("second", after=first))["state"] == "blocked"
        assert sqlite3_program(first_version, "insert into mail (data) values ('by its view');") == ""
        assert queue.qsize() == 3


@pytest.fixture(params=[False, True], ids=["events off", "events on"])
def events(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def second_version(db: Path, events: bool) -> Path:
    """A file of schema 2 that has the extra laws, with linked work in it, and whose laws and views are not today's."""
    with Queue(db) as queue:
        queue.database.events(events)
        batch = Batch.open(queue.database, "all over")
        first = queue.put("first", group="g", batch=batch.id)
        queue.put("second of the group", group="g", batch=batch.id)
        queue.put("after the first", after=first, share="s")
        batch.close()
        queue.policy(max_running=2, max_depth=9)
        assert queue.claim() is not None
    stale = "".join(
        f"drop trigger {name}; create trigger {name} before delete on qk_worker when 0 begin select 1; end;"
        for name in named(db, "trigger")
    ) + "".join(f"drop view {name}; create view {name} as select 1;" for name in named(db, "view"))
    sqlite3_program(
        db, f"{stale} drop table qk_prefetch; update qk_meta set value = 2 where name = 'schema_version';"
    )
    return db


def named(path: Path, type: str) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return [name for (name,) in file.execute("select name from sqlite_schema where type = ?", (type,))]


@pytest.mark.parametrize("program", [QUEUEKIT, QK], ids=["queuekit", "qk"])
def test_a_file_of_schema_2_gets_the_laws_of_today_and_the_work_in_it_goes_on(
    program: list[str], second_version: Path, events: bool, tmp_path: Path
) -> None:
    with Queue(make_database(tmp_path / "fresh.db")) as queue:
        queue.policy(max_running=2)  # with the extra laws
        queue.database.events(events)
    done = run_program(program, "init", db=second_version)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(objects(second_version)) == sorted(objects(tmp_path / "fresh.db"))
    with Queue(second_version) as queue:
        queue.ack("2:1")
        tasks = queue.claim_many(9)
        assert [task.payload for task in tasks] == ["second of the group", "after the first"]
        assert queue.ack_many(tasks) == []
        last = queue.claim()
        assert last is not None
        assert last.payload == "all over"
        told = queue.database.connection().execute("select event from qk_event order by id").fetchall()
        assert told[-1:] == [(b"claimed",)] * events
        assert list(wrong(queue.database.connection())) == []


def extra_laws_of_schema_2() -> str:
    """As a program that has had the file open since then reads them in: the mark first, and no indexes."""
    lines = "".join(statements.source(name) for name in statements.EXTRA).splitlines()
    made = [
        line for line in lines if not line.startswith(("create index", "create unique index", "insert or"))
    ]
    return "\n".join(["insert or ignore into qk_meta (name) values ('extra');", *made])


def test_the_extra_laws_of_schema_2_are_refused_and_leave_no_trace(db: Path) -> None:
    """Their triggers name indexes: nobody could put or claim any more."""
    before = schema(db)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        sqlite3_program(db, f"begin immediate; {extra_laws_of_schema_2()} commit;")
    assert "QK030 this file was made by a newer queuekit" in refused.value.stderr
    assert schema(db) == before
    with Queue(db) as queue:
        queue.put("first", group="g")
        queue.put("second", group="g")
        assert [task.payload for task in queue.claim_many(9)] == ["first"]


@pytest.mark.parametrize("program", [QUEUEKIT, QK], ids=["queuekit", "qk"])
def test_init_makes_again_what_a_file_has_lost(program: list[str], db: Path) -> None:
    with Queue(db) as queue:
        queue.put("first", group="g")
        queue.put("second", group="g")
    whole = sorted(objects(db))
    laws = [name for name in named(db, "trigger") if name != "qk_meta_kept"]
    for name in ("qk_task_turn", "qk_task_oldest", "qk_task_line_timed"):
        sqlite3_program(db, f"drop index {name};")
    sqlite3_program(db, "".join(f"drop trigger {name};" for name in laws[::5]))
    done = run_program(program, "init", db=db)
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(objects(db)) == whole
    with Queue(db) as queue:
        for payload in ("first", "second"):
            task = queue.claim()
            assert task is not None
            assert task.payload == payload
            task.ack()


# --- what a file holds ----------------------------------------------------------------------------------------------


def test_the_bookkeeping_of_the_schema_is_its_version(queue: sqlite3.Connection) -> None:
    assert rows(queue, "version") == [
        {"schema_version": statements.schema_version(), "extra": 0, "events": 0}
    ]


def test_the_row_of_a_task_has_one_size_in_every_state(db: Path, opened: Opener) -> None:
    """Read from the pages of the file: a claim and an ack overwrite in place."""
    queue = opened(db)
    run(queue, "put", payload="x" * 300, now=NOW)
    sizes = {size(queue)}
    run(queue, "claim", worker="host:12345", now=NOW).fetchall()
    sizes.add(size(queue))
    run(queue, "ack", receipt="1:1", now=NOW)
    sizes.add(size(queue))
    assert len(sizes) == 1


def size(connection: sqlite3.Connection) -> int:
    query = "select sum(payload) from dbstat where name = 'qk_task'"
    return int(connection.execute(query).fetchone()[0])
