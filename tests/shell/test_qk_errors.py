"""Every mistake is one line on stderr and an exit code of the contract; nothing is half-done, no file is made."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from shell_client import QK, ROOT, Qk

VERBS = [
    ["put", "p"],
    ["put", "--lines"],
    ["claim"],
    ["claim", "-n", "3"],
    ["ack", "1:1"],
    ["nack", "1:1"],
    ["extend", "1:1"],
    ["release", "1:1"],
    ["cancel", "1"],
    ["retry", "1"],
    ["tick"],
    ["purge"],
    ["ls"],
    ["show", "1"],
    ["stats"],
    ["pause"],
    ["resume"],
    ["work", "q", "--burst", "--", "true"],
]
WRITERS = [verb for verb in VERBS if verb[0] not in ("ls", "show", "stats", "work")]

every_verb = pytest.mark.parametrize("verb", VERBS, ids=" ".join)


@every_verb
def test_a_missing_file_is_66_and_is_not_made(qk: Qk, tmp_path: Path, verb: list[str]) -> None:
    for path in (tmp_path / "missing.db", tmp_path / "no folder" / "missing.db"):
        assert "qk init" in qk.refused(66, *verb, stdin=b"p\n", QUEUEKIT_DB=str(path))
        assert not path.exists()
        assert not path.parent.joinpath("missing.db-wal").exists()


@every_verb
def test_an_empty_file_stays_empty(qk: Qk, tmp_path: Path, verb: list[str]) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    assert "qk init" in qk.refused(66, *verb, "--db", str(empty), stdin=b"p\n") if "--" not in verb else True
    assert empty.stat().st_size == 0


@pytest.mark.parametrize("verb", VERBS[:-1], ids=" ".join)
def test_a_file_without_a_queue_is_66_and_unchanged(qk: Qk, tmp_path: Path, verb: list[str]) -> None:
    text, application, folder = tmp_path / "notes.txt", tmp_path / "app.db", tmp_path / "folder"
    text.write_text("this is not a database, just some text. " * 100)
    folder.mkdir()
    subprocess.run(["sqlite3", application, "create table t (a)"], check=True)
    before = application.read_bytes()
    assert "not a SQLite database" in qk.refused(66, *verb, "--db", str(text), stdin=b"p\n")
    assert "no queue" in qk.refused(66, *verb, "--db", str(application), stdin=b"p\n")
    assert "no queue" in qk.refused(66, *verb, "--db", str(folder), stdin=b"p\n")
    assert application.read_bytes() == before
    assert text.read_text().startswith("this is not")


@pytest.mark.parametrize("verb", WRITERS, ids=" ".join)
def test_a_locked_file_is_75_after_the_wait_and_nothing_is_written(qk: Qk, verb: list[str]) -> None:
    qk.put("p")
    qk.claim()
    qk.put("p", "--delay", "1h")
    qk.sql("update qk_task set due_at = 1000 where state = 'scheduled'")
    before = qk.sql("select * from qk_task")
    holder = subprocess.Popen(["sqlite3", qk.db], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    holder.stdin.write(b"begin immediate; select 'locked';\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == b"locked\n"
    if verb[0] not in ("retry", "purge"):  # these find nothing to write here
        assert "locked" in qk.refused(75, *verb, "--lock-wait", "50ms", stdin=b"p\n")
    holder.communicate(b"rollback;\n")
    assert qk.sql("select * from qk_task") == before


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that another user may enter."""
    path = Path(tempfile.mkdtemp(prefix="qk-"))
    path.chmod(0o755)
    yield path
    path.chmod(0o755)
    shutil.rmtree(path)


def as_anybody(*command: str | Path) -> subprocess.CompletedProcess[bytes]:
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, cwd="/", **user)  # type: ignore[call-overload,no-any-return]


def test_a_read_only_file_is_exit_1(public_folder: Path) -> None:
    for source in ("bin", "sql"):
        shutil.copytree(ROOT / source, public_folder / source)
    db, command = public_folder / "queue.db", public_folder / "bin" / "qk"
    subprocess.run([command, "init", "--db", db], check=True)
    db.chmod(0o444)
    public_folder.chmod(0o555)
    done = as_anybody(command, "put", "--db", db, "p")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert b"read-only" in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["put", "--colour", "p"],
        ["put", "-x", "p"],
        ["put", "--queue kind", "v", "p"],
        ["put", "--null lines"],
        ["put", "a", "b"],
        ["put", "p", "--priority"],
        ["put", "p", "--json=1"],
        ["put", "p", "--priority", "urgent"],
        ["put", "p", "--on-conflict", "drop", "--key", "k"],
        ["put", "p", "--on-conflict", "merge"],
        ["put", "p", "--unique", "soon", "--key", "k"],
        ["put", "p", "--after", "1;2"],
        ["put", "p", "--after", ""],
        ["put", "p", "--until", "tomorrow"],
        ["claim", "--strategy", "best"],
        ["policy", "--rate", "many/1m"],
        ["policy", "--max-running", "few"],
        ["snooze", "1"],
        ["snooze", "1", "--delay", "1", "--at", "2030-01-01"],
        ["batch"],
        ["batch", "close"],
        ["batch", "show", "x"],
        ["results"],
        ["put", "p", "--priority", "1;2"],
        ["put", "p", "--priority", "1.5"],
        ["put", "p", "--attempts", "x"],
        ["put", "p", "--delay", "1", "--at", "1"],
        ["ack"],
        ["ack", "1:1", "2:1"],
        ["ack", "1:1", "--priority", "1"],
        ["claim", "x"],
        ["claim", "-n", "x"],
        ["cancel"],
        ["cancel", "x"],
        ["cancel", "1.5"],
        ["show"],
        ["show", "x"],
        ["show", "1", "2"],
        ["ls", "x"],
        ["help", "nonsense"],
        ["help", "../README"],
        ["work"],
        ["work", "q"],
        ["work", "q", "--"],
        ["work", "--", "true"],
        ["work", "q", "--", "no-such-program"],
        ["init", "x"],
        ["pause", "x"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_2(qk: Qk, args: list[str]) -> None:
    qk.refused(2, *args)


def test_put_without_a_payload_on_a_terminal_or_a_closed_stdin_is_2(qk: Qk) -> None:
    _, terminal = pty.openpty()
    for stdin in (f"</dev/fd/{terminal}", "<&-"):
        done = subprocess.run(
            ["bash", "-c", f'"$0" put {stdin}', QK], env=qk.env, pass_fds=[terminal], capture_output=True
        )
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    os.close(terminal)


def test_stdin_is_left_alone_unless_it_is_the_payload(qk: Qk) -> None:
    qk.put("p")
    script = '{ "$0" put x; "$0" claim; "$0" ls; "$0" ack 1:1; } >/dev/null; read -r line; echo "$line"'
    done = subprocess.run(
        ["bash", "-c", script, QK], env=qk.env, input=b"still here\n", capture_output=True, check=True
    )
    assert done.stdout == b"still here\n"


def test_laws_speak_through_qk(qk: Qk) -> None:
    assert "QK013" in qk.refused(4, "put", "-q", "", "p")
    assert qk.refused(4, "put", "--attempts", "0", "p").endswith("out of range\n")


def test_a_failed_call_prints_no_id(qk: Qk) -> None:
    qk.sql("create trigger late after insert on qk_task begin select raise(abort, 'QK999 too late'); end")
    assert "QK999 too late" in qk.refused(4, "put", "p")
    qk.refused(4, "put", "--lines", stdin=b"a\nb\n")
