"""What a put costs that no load of the machine changes: the programs it starts, and how much of qk it reads."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from shell_client import QK, ROOT, Qk

COUNTED = ("sqlite3", "od", "readlink", "mkdir", "sleep", "cat", "date", "tr", "sed")


@pytest.fixture
def log(qk: Qk, tmp_path: Path) -> Path:
    """Where a line is written for every program that is started: its name, and the process that started it."""
    log = tmp_path / "started"
    folder = tmp_path / "counting"
    folder.mkdir()
    for program in COUNTED:
        path = shutil.which(program)
        counting = folder / program
        counting.write_text(f'#!/bin/sh\necho "{program} $PPID" >>"{log}"\nexec "{path}" "$@"\n')
        counting.chmod(0o755)
    qk.env["PATH"] = f"{folder}:{os.environ['PATH']}"
    return log


def programs(log: Path) -> list[str]:
    return [line.split()[0] for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    ("args", "stdin"),
    [
        (["x"], None),
        (["x" * 600], None),
        (["--json", "x"], None),
        (["-q", "work", "--kind", "k", "--key", "a key", "--priority", "high", "--delay", "10m", "x"], None),
        ([], b"from stdin"),
        (["-"], b"x" * 599),
    ],
)
def test_a_put_starts_sqlite3_alone(qk: Qk, log: Path, args: list[str], stdin: bytes | None) -> None:
    qk.out("put", *args, stdin=stdin)
    assert programs(log) == ["sqlite3"]


def test_a_put_starts_it_itself_and_no_process_between(qk: Qk, log: Path) -> None:
    process = qk.start("put", "x")
    assert process.communicate(timeout=30) == (b"1\n", b"")
    assert log.read_text() == f"sqlite3 {process.pid}\n"


def test_a_payload_beyond_ascii_needs_od(qk: Qk, log: Path) -> None:
    qk.put("é")
    assert programs(log) == ["od", "sqlite3", "sqlite3"]


def test_a_long_payload_is_read_by_od(qk: Qk, log: Path) -> None:
    qk.put(stdin=b"x" * 5000)
    assert programs(log) == ["od", "od", "sqlite3"]


@pytest.mark.parametrize(
    ("verb", "needs"),
    [(["put", "x", "--key", "k"], "put"), (["claim"], "claim"), (["ls"], "ls"), (["show", "1"], "ls")],
)
def test_a_verb_reads_no_more_of_qk_than_its_part(
    qk: Qk, tmp_path: Path, verb: list[str], needs: str
) -> None:
    """What follows its part may be no bash at all: it is not looked at."""
    qk.put("x")
    lines = QK.read_text().splitlines(keepends=True)
    end = next(n for n, line in enumerate(lines) if line.startswith("begin ") and needs in line.split())
    (tmp_path / "bin").mkdir()
    (tmp_path / "sql").symlink_to(ROOT / "sql")
    part = tmp_path / "bin" / "qk"
    part.write_text("".join(lines[: end + 1]) + ")) fi; this is no bash (\n")
    done = subprocess.run(["bash", part, *verb], env=qk.env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


def test_what_a_put_reads_is_a_third_of_qk(qk: Qk) -> None:
    source = QK.read_text()
    assert source.index("\nbegin put\n") < len(source) / 3


def test_a_verb_that_only_looks_like_one_is_none(qk: Qk) -> None:
    for word in ("put_more", "put_failed", "put claim", "", "-x", "begin", "PUT"):
        assert "no such verb" in qk.refused(2, word)


def test_without_here_strings_in_pipes_a_put_needs_a_process_more_and_no_program(qk: Qk, log: Path) -> None:
    qk.out("put", "x", BASH_COMPAT="5.0")
    assert programs(log) == ["sqlite3"]
