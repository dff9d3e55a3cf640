"""Whatever is wrong with the queue: the host goes on, hears nothing; the task is not lost, not doubled."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from scene import HOOKS, LIMIT, PRODUCERS, SHELLS, Result, drained, spooled, tasks

Produce = Callable[..., None]
Silent = Callable[..., None]
QUEUES = {
    "agent-stop": ("agent", "agent.stop"),
    "cron-put": ("cron", "backup"),
    "git-post-commit": ("git", "git.post-commit"),
    "git-post-receive": ("git", "git.post-receive"),
    "on-fail": ("failures", "command.failed"),
}


def missing(db: Path) -> None:
    db.unlink()


def empty(db: Path) -> None:
    db.write_bytes(b"")


def damaged(db: Path) -> None:
    db.write_bytes(b"this is no database" * 100)


def without_our_tables(db: Path) -> None:
    db.unlink()
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("create table mine (x)")


def of_another_schema(db: Path) -> None:
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("alter table qk_task rename column kind to sort")


@pytest.mark.parametrize("hook", PRODUCERS)
@pytest.mark.parametrize("trouble", [missing, empty, damaged, without_our_tables, of_another_schema])
def test_a_queue_that_takes_no_task_leaves_it_in_the_spool(
    db: Path, tmp_path: Path, produce: Produce, hook: str, trouble: Callable[[Path], None]
) -> None:
    shutil.copy(db, tmp_path / "sound.db")
    trouble(db)
    before = db.read_bytes() if db.exists() else None
    produce(hook)
    assert (db.read_bytes() if db.exists() else None) == before
    assert len(spooled(db)) == 1
    assert list(Path(f"{db}.spool/tmp").iterdir()) == []
    shutil.copy(tmp_path / "sound.db", db)
    assert [(task["queue"], task["kind"]) for task in drained(db)] == [QUEUES[hook]]


@pytest.mark.parametrize("hook", PRODUCERS)
def test_a_spooled_task_is_the_task_that_would_have_been_put(
    db: Path, locked: sqlite3.Connection, produce: Produce, hook: str
) -> None:
    produce(hook)
    assert len(spooled(db)) == 1
    locked.close()
    (spool_task,) = drained(db)
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("update qk_task set state = 'cancelled', ended_at = 1")
    produce(hook)
    put_task = tasks(db)[-1]
    same = (
        ("queue", "kind", "priority")
        if hook in ("git-post-commit", "cron-put")
        else ("queue", "kind", "priority", "payload")
    )
    assert [spool_task[column] for column in same] == [put_task[column] for column in same]
    assert put_task["key"] is not None or spool_task["key"].startswith("spool:")


def test_the_spool_file_is_exact(db: Path, silent: Silent) -> None:
    db.unlink()
    payload = b'{"session_id": "s1",\n\n"x": "\xc3\xa9 \\n it\'s"}\r\n\n'
    silent(HOOKS / "agent-stop", stdin=payload)
    (file,) = spooled(db)
    assert file.read_bytes() == b"queue=agent\nkind=agent.stop\nkey=s1\n\n" + payload


def test_a_task_without_key_is_spooled_under_the_name_of_its_file(db: Path, produce: Produce) -> None:
    db.unlink()
    produce("git-post-receive")
    (file,) = spooled(db)
    assert f"key=spool:{file.name}\n" in file.read_text()


def test_a_spool_file_that_is_drained_twice_is_one_task(
    db: Path, tmp_path: Path, locked: sqlite3.Connection, produce: Produce
) -> None:
    produce("git-post-receive")
    locked.close()
    shutil.copytree(f"{db}.spool", tmp_path / "again")
    drained(db)
    shutil.copytree(tmp_path / "again", f"{db}.spool", dirs_exist_ok=True)
    assert [task["duplicates"] for task in drained(db)] == [1]


def test_a_newline_in_a_name_starts_no_line_of_its_own(db: Path, silent: Silent) -> None:
    shutil.copy(db, f"{db}.sound")
    db.unlink()
    silent(HOOKS / "cron-put", "job\nqueue=other\n\nevil", QUEUEKIT_QUEUE="a\nb")
    shutil.copy(f"{db}.sound", db)
    (task,) = drained(db)
    assert (task["queue"], task["kind"]) == ("a b", "job queue=other  evil")


def test_the_spool_of_a_link_is_beside_the_file_that_it_leads_to(
    db: Path, tmp_path: Path, locked: sqlite3.Connection, produce: Produce
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere/link.db"
    link.symlink_to(db)
    produce("cron-put", QUEUEKIT_DB=str(link))
    assert len(spooled(db)) == 1
    assert list((tmp_path / "elsewhere").iterdir()) == [link]
    locked.close()
    assert len(drained(link)) == 1


@pytest.mark.parametrize("hook", PRODUCERS)
def test_a_spool_that_cannot_be_written_breaks_no_host(db: Path, produce: Produce, hook: str) -> None:
    db.unlink()
    Path(f"{db}.spool").write_text("in the way")
    produce(hook)


@pytest.mark.parametrize("hook", PRODUCERS)
def test_a_sqlite3_that_does_not_work_leaves_the_task_in_the_spool(
    db: Path, tmp_path: Path, env: dict[str, str], produce: Produce, hook: str
) -> None:
    broken = tmp_path / "bin/sqlite3"
    broken.parent.mkdir()
    broken.write_text("this runs nowhere\n")
    broken.chmod(0o755)
    produce(hook, PATH=f"{broken.parent}:{env['PATH']}")
    assert tasks(db) == []
    assert [(task["queue"], task["kind"]) for task in drained(db)] == [QUEUES[hook]]


@pytest.mark.parametrize(
    ("program", "job"), [("sqlite3", "backup"), ("od", "caf\u00e9"), ("tr", "caf\u00e9")]
)
def test_a_machine_without_a_program_leaves_the_task_in_the_spool(
    db: Path, env: dict[str, str], program: str, job: str
) -> None:
    """Really without: in a mount namespace where the program is an empty file."""
    inside = ["unshare", "--map-root-user", "--mount", "/bin/sh", "-c"]
    if subprocess.run(
        [*inside, "mount --bind /dev/null /dev/null"], capture_output=True, check=False
    ).returncode:
        pytest.skip("no mount namespaces here")
    hide = f'mount --bind /dev/null "{shutil.which(program)}" && exec "{HOOKS / "cron-put"}" {job}'
    done = subprocess.run([*inside, hide], env=env, capture_output=True, timeout=LIMIT)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert tasks(db) == []
    assert [task["kind"] for task in drained(db)] == [job]


@pytest.mark.parametrize("path", ["", "/nowhere"])
@pytest.mark.parametrize("hook", ["agent-stop", "cron-put", "git-post-receive"])
def test_a_path_that_leads_nowhere_stops_no_hook(db: Path, produce: Produce, hook: str, path: str) -> None:
    produce(hook, PATH=path)
    assert len(tasks(db)) == 1


def test_without_a_home_the_state_folder_alone_will_do(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("/usr/bin/env", "-i", f"XDG_STATE_HOME={tmp_path}", HOOKS / "cron-put", "backup")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert len(spooled(tmp_path / "queuekit/queue.db")) == 1


def test_without_a_home_that_of_the_user_is_looked_up(run: Callable[..., Result]) -> None:
    done = run("/usr/bin/env", "-i", "/bin/sh", "-c", f'here="{HOOKS}"; . "$here/drop"; home')
    assert done.stdout.decode() == pwd.getpwuid(os.getuid()).pw_dir


def test_a_hostile_sqliterc_is_not_read(db: Path, env: dict[str, str], produce: Produce) -> None:
    Path(env["HOME"], ".sqliterc").write_text(".bail off\n.output /dev/null\n.quit\n")
    produce("cron-put")
    assert len(tasks(db)) == 1


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("hook", ["agent-stop", "git-post-receive"])
def test_every_posix_shell_puts_and_spools_the_same(db: Path, silent: Silent, shell: str, hook: str) -> None:
    refs = '0 1 refs/heads/it\'s-"\u00e9"\n'
    stdin = (
        refs if hook == "git-post-receive" else json.dumps({"session_id": refs, "x": 1}, indent=1)
    ).encode()
    silent(*shell.split(), HOOKS / hook, stdin=stdin)
    (put,) = tasks(db)
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        silent(*shell.split(), HOOKS / hook, stdin=stdin)
    (file,) = spooled(db)
    head, payload = file.read_text().split("\n\n", 1)
    given = dict(line.split("=", 1) for line in head.split("\n"))
    assert (payload, given["queue"], given["kind"]) == (put["payload"], put["queue"], put["kind"])
    assert given["key"] == put["key"] or put["key"] is None


@pytest.mark.parametrize("shell", SHELLS)
def test_stdin_is_bounded_where_there_is_no_timeout_program(env: dict[str, str], shell: str) -> None:
    script = 'here=$0; . "$0/drop"; command() { false; }; read_stdin; printf "%s" "$input"'
    with subprocess.Popen(
        [*shell.split(), "-c", script, HOOKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
    ) as hook:
        assert hook.stdin
        assert hook.stdout
        hook.stdin.write(b"what came\n")
        hook.stdin.flush()
        assert hook.stdout.read() == b"what came\n"
        assert hook.wait(LIMIT) == 0


@pytest.mark.parametrize("shell", SHELLS)
def test_json_of_every_byte(env: dict[str, str], shell: str) -> None:
    script = 'here=$0; . "$0/drop"; utf8 "$1"; json "$text"; printf "%s" "$json"'
    every = "".join(map(chr, range(1, 128))) + "é✓\n\n"
    done = subprocess.run(
        [*shell.split(), "-c", script, HOOKS, every], capture_output=True, env=env, check=True
    )
    assert json.loads(done.stdout) == every
    latin = subprocess.run(
        [*shell.split(), "-c", script, HOOKS, os.fsdecode(b"caf\xe9")],
        capture_output=True,
        env=env,
        check=True,
    )
    assert json.loads(latin.stdout) == "café"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("end", ["exit", "task q k '' two; exit", "hex() { exit; }; sql two"])
def test_what_breaks_off_on_its_way_to_the_queue_is_in_the_spool_and_not_in_the_file(
    db: Path, run: Callable[..., Result], shell: str, end: str
) -> None:
    tasks_then = f'tasks() {{ task q k "" one; [ "$way" = spool ] || {{ {end}; }}; }}'
    script = f'here=$0; . "$0/drop"; {tasks_then}; {{ drop; }} >/dev/null 2>&1'
    run(*shell.split(), "-c", script, HOOKS)
    assert tasks(db) == []
    assert [task["payload"] for task in drained(db)] == ["one"]
