"""qk init makes, completes or migrates a queue file, and leaves everything else alone."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

from shell_client import QK, ROOT, Qk


def schema(db: Path) -> str:
    query = "select type, name, tbl_name, sql from sqlite_master order by rowid; pragma page_size; pragma journal_mode"
    return subprocess.run(["sqlite3", db, query], capture_output=True, text=True, check=True).stdout


def test_init_makes_the_same_file_as_the_sqlite3_program(qk: Qk, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    assert qk.out("init", "--db", str(fresh)) == ""
    assert schema(fresh) == schema(qk.db)
    assert schema(fresh).endswith("2048\nwal\n")


def test_init_again_does_no_harm(qk: Qk) -> None:
    qk.put("p")
    before = schema(qk.db)
    assert qk.out("init") == ""
    assert (schema(qk.db), qk.show(1)["payload"]) == (before, "p")


def test_the_default_file_is_private_and_its_folder_is_made(qk: Qk, home: Path) -> None:
    del qk.env["QUEUEKIT_DB"]
    qk.out("init")
    db = home / ".local" / "state" / "queuekit" / "queue.db"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (db, db.parent)] == [0o600, 0o700]
    assert qk.put("p") == 1
    qk.out("init", XDG_STATE_HOME=str(home / "it's"))
    assert (home / "it's" / "queuekit" / "queue.db").exists()


def test_no_other_folder_is_made(qk: Qk, tmp_path: Path) -> None:
    qk.refused(66, "init", "--db", str(tmp_path / "missing" / "queue.db"))
    assert not (tmp_path / "missing").exists()


def test_an_application_file_takes_the_tables_in_and_keeps_its_ways(qk: Qk, tmp_path: Path) -> None:
    app = tmp_path / "app.db"
    subprocess.run(["sqlite3", app, "pragma user_version = 7; create table mine (a)"], check=True)
    qk.out("init", "--db", str(app))
    assert qk.put("p", "--db", str(app)) == 1
    assert schema(app).endswith("4096\ndelete\n")


def test_something_else_is_refused_and_unchanged(qk: Qk, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("just some text. " * 100)
    assert "not a SQLite database" in qk.refused(66, "init", "--db", str(text))
    assert text.read_text() == "just some text. " * 100


def test_init_of_many_at_once_makes_one_queue(qk: Qk, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    started = [qk.start("init", "-q", "it's", "--db", str(fresh), "--lock-wait", "30") for _ in range(8)]
    for process in started:
        _, message = process.communicate(timeout=60)
        assert process.returncode == 0 or b"taken" in message, message
    assert schema(fresh).endswith("2048\nwal\n")
    assert qk.put("p", "--db", str(fresh)) == 1


def test_init_with_a_queue_gives_a_view_of_its_name(qk: Qk) -> None:
    for name in ("notifications", 'it\'s "quoted"', "two\nlines", ".dot", "select"):
        assert qk.out("init", "-q", name) == ""
        assert qk.out("init", "-q", name) == ""
        quoted = name.replace('"', '""')
        qk.sql(f"""insert into "{quoted}"(data) values ('hello')""")
        assert qk.claim("-q", name)["payload"] == "hello"


def test_a_view_name_that_is_taken_is_refused_with_nothing_half_done(qk: Qk) -> None:
    before = schema(qk.db)
    for name in ("qk_task", "QK_TASK", "sqlite_master"):
        assert "taken" in qk.refused(1, "init", "-q", name)
    assert schema(qk.db) == before


def test_a_newer_file_is_refused(qk: Qk) -> None:
    qk.sql("update qk_meta set value = 99 where name = 'schema_version'")
    before = schema(qk.db)
    assert "newer queuekit" in qk.refused(1, "init")
    assert schema(qk.db) == before
    assert qk.sql("select value from qk_meta where name = 'schema_version'") == [["99"]]


def checkout_with_migrations(folder: Path, **migrations: str) -> Path:
    for source in ("bin", "sql"):
        shutil.copytree(ROOT / source, folder / source)
    newest = max([3, *(int(name[1:]) for name in migrations)])
    tables = folder / "sql" / "schema.sql"
    tables.write_text(tables.read_text().replace("('schema_version', 3)", f"('schema_version', {newest})"))
    for name, text in migrations.items():
        (folder / "sql" / "migrations" / f"{name.lstrip('m')}.sql").write_text(text)
    return folder / "bin" / "qk"


def test_an_older_file_is_migrated_in_order(qk: Qk, tmp_path: Path) -> None:
    newer = checkout_with_migrations(
        tmp_path / "newer",
        m0003="this is not run;",
        m0004="create table added (a); update qk_meta set value = 4 where name = 'schema_version';",
        m0010="alter table added add b; update qk_meta set value = 10 where name = 'schema_version';",
    )
    subprocess.run([newer, "init"], env=qk.env, check=True)
    assert qk.sql("select value from qk_meta where name = 'schema_version'") == [["10"]]
    assert qk.sql("select name from pragma_table_info('added')") == [["a"], ["b"]]


def test_a_migration_that_fails_leaves_the_file_as_it_was(qk: Qk, tmp_path: Path) -> None:
    newer = checkout_with_migrations(
        tmp_path / "newer", m0004="create table added (a);", m0005="create table added (a);"
    )
    before = schema(qk.db)
    done = subprocess.run([newer, "init"], env=qk.env, capture_output=True)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert schema(qk.db) == before


def test_qk_finds_its_sql_through_links_and_beside_an_installed_package(qk: Qk, tmp_path: Path) -> None:
    package = checkout_with_migrations(tmp_path / "site-packages" / "queuekit")
    (tmp_path / "one").symlink_to(package)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "two").symlink_to("../one")
    for command in (package, tmp_path / "links" / "two"):
        done = subprocess.run([command, "put", "p"], env=qk.env, capture_output=True, cwd="/", check=True)
        assert done.stderr == b""
    assert QK.exists()
