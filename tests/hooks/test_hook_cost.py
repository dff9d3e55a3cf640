"""What a hook costs that no load of the machine changes: the programs it starts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from scene import HOOKS, SHELLS, tasks

COUNTED = (
    "cat",
    "date",
    "getent",
    "git",
    "iconv",
    "id",
    "mkdir",
    "od",
    "readlink",
    "sed",
    "sqlite3",
    "timeout",
    "tr",
)
_STDIN = ["cat", "timeout"]


@pytest.fixture
def log(env: dict[str, str], tmp_path: Path) -> Path:
    """Where the name of every program that is started is written."""
    log = tmp_path / "started"
    log.touch()
    folder = tmp_path / "counting"
    folder.mkdir()
    for program in COUNTED:
        path = shutil.which(program, path=env["PATH"])
        counting = folder / program
        counting.write_text(f'#!/bin/sh\necho {program} >>"{log}"\nexec "{path}" "$@"\n')
        counting.chmod(0o755)
    env["PATH"] = f"{folder}:{os.environ['PATH']}"
    return log


@pytest.mark.parametrize(
    ("hook", "programs"),
    [
        ("cron-put", ["date", "sqlite3"]),
        ("agent-stop", [*_STDIN, "sqlite3"]),
        ("git-post-commit", ["git", "git", "git", "sqlite3"]),  # the first is the commit itself
        ("git-post-receive", [*_STDIN, "git", "sqlite3"]),
        ("on-fail", ["sqlite3"]),
    ],
)
def test_a_hook_starts_no_more_than_it_needs(
    db: Path, log: Path, produce: Callable[..., None], hook: str, programs: list[str]
) -> None:
    log.write_text("")
    produce(hook)
    assert sorted(log.read_text().split()) == sorted(programs)
    assert len(tasks(db)) == 1


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 499, 500, 501, 3000])
def test_a_payload_of_any_length_is_put_byte_for_byte(
    db: Path, silent: Callable[..., None], shell: str, length: int
) -> None:
    """A short one in ASCII the shell writes as hex itself; the others od does."""
    for letter in ("x", "'", "\n", "\x7f", "é"):
        silent(*shell.split(), HOOKS / "cron-put", f"job {letter}", f"{{{letter}}}" * length)
    assert [task["payload"] for task in tasks(db)] == [
        f"{{{letter}}}" * length for letter in ("x", "'", "\n", "\x7f", "é")
    ]
