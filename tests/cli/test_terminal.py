"""What people see: tables on a terminal, one line for a mistake, never a traceback."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import QUEUEKIT, run


def on_a_terminal(*words: str, db: Path, **environment: str) -> str:
    """What the command writes to a terminal."""
    here, there = pty.openpty()
    settings = {
        **os.environ,
        "QUEUEKIT_DB": str(db),
        "TERM": "xterm-256color",
        "COLUMNS": "200",
        **environment,
    }
    settings = {name: value for name, value in settings.items() if value != "unset"}
    with subprocess.Popen(
        [*QUEUEKIT, *words], stdin=there, stdout=there, stderr=there, env=settings
    ) as process:
        os.close(there)
        seen = b""
        while block := read(here):
            seen += block
    os.close(here)
    assert process.returncode == 0, seen
    return seen.decode()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux: the other side is closed
        return b""


def test_a_terminal_gets_a_table_and_a_pipe_plain_columns(db: Path) -> None:
    run(QUEUEKIT, "put", "x", "--kind", "note", db=db)
    drawn = on_a_terminal("ls", db=db, NO_COLOR="1")
    assert "─" in drawn
    assert "note" in drawn
    piped = run(QUEUEKIT, "ls", db=db).stdout.decode()
    assert "─" not in piped
    assert piped.splitlines()[0].split()[:4] == ["id", "state", "queue", "kind"]


@pytest.mark.parametrize(("no_color", "styled"), [("1", False), ("", True), ("unset", True)])
def test_no_color_is_heard_when_it_is_not_empty(db: Path, no_color: str, styled: bool) -> None:
    run(QUEUEKIT, "put", "x", db=db)
    drawn = on_a_terminal("ls", db=db, NO_COLOR=no_color)
    assert ("\x1b[1;3" in drawn or "\x1b[3" in drawn) is False  # a table of ours has no colours, styles only
    assert ("\x1b[1m" in drawn) >= styled


def test_text_of_a_task_is_neither_markup_nor_a_command_to_the_terminal(db: Path) -> None:
    run(QUEUEKIT, "put", "x", "--kind", "[red]a[/red]\x1b[2J\x07", db=db)
    drawn = on_a_terminal("ls", db=db)
    assert "[red]a[/red] [2J" in drawn
    assert "\x1b[2J" not in drawn
    assert "\x07" not in drawn


def test_without_a_verb_it_prints_its_help(db: Path) -> None:
    done = run(QUEUEKIT, db=db)
    assert done.returncode == 0
    assert b"Exit codes" in done.stdout


def mistake(done: subprocess.CompletedProcess[bytes], code: int) -> str:
    told = done.stderr.decode()
    assert (done.returncode, told.count("\n")) == (code, 1), told
    assert told.startswith("queuekit: ")
    return told


def test_a_full_disk_under_stdout_is_one_line(db: Path) -> None:
    run(QUEUEKIT, "put", "x", db=db)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*QUEUEKIT, "ls", "--db", db], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert "space" in mistake(done, 1)


def test_init_makes_the_folder_of_the_default_path_alone(tmp_path: Path) -> None:
    deep = tmp_path / "deep" / "queue.db"
    assert "folder" in mistake(run(QUEUEKIT, "init", "--db", str(deep), db=tmp_path / "q.db"), 66)
    assert not deep.parent.exists()
    home = {"HOME": str(tmp_path), "QUEUEKIT_DB": ""}
    assert run(QUEUEKIT, "init", db=tmp_path / "q.db", **home).returncode == 0
    assert (tmp_path / ".local/state/queuekit").stat().st_mode & 0o777 == 0o700
    home["XDG_STATE_HOME"] = "/proc/none"
    assert "cannot be made" in mistake(run(QUEUEKIT, "init", db=tmp_path / "q.db", **home), 66)


@pytest.mark.parametrize(
    "words",
    [
        ["work", "q", "--exec", "true", "--later", "abc"],
        ["work", "q", "--exec", ""],
        ["work", "q", "--app", ""],
        ["work", "q", "--exec", "true", "--lease", "0"],
        ["ls", "--state", "lost"],
        ["put", "x", "--priority", "9" * 20],
        ["put", "x", "--at", "0001-01-01"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_one_line_and_2(words: list[str], db: Path) -> None:
    mistake(run(QUEUEKIT, *words, db=db), 2)


def test_a_home_that_is_none_in_the_configuration_is_one_line(db: Path, tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text('database = "~nobody-of-this-name/q.db"\n')
    assert "no such home" in mistake(run(QUEUEKIT, "daemon", str(tmp_path / "d.toml"), db=db), 2)
