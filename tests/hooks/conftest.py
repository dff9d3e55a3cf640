"""Hooks run as their hosts run them: real programs, a scratch HOME, nothing of the tests' environment."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from scene import HOOKS, LIMIT, ROOT, Result


@pytest.fixture
def env(tmp_path: Path, db: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "queuekit").symlink_to(ROOT)  # where the how-to has its checkout
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "QUEUEKIT_DB": str(db),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{who}_{what}": "me@example.org"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }


@pytest.fixture
def run(env: dict[str, str], tmp_path: Path) -> Callable[..., Result]:
    """Run a command in the scratch environment (changed by **more) and folder."""

    def run(*command: str | Path, stdin: bytes = b"", cwd: Path = tmp_path, **more: str) -> Result:
        return subprocess.run(
            command, input=stdin, capture_output=True, env=env | more, cwd=cwd, timeout=LIMIT
        )

    return run


@pytest.fixture
def silent(run: Callable[..., Result]) -> Callable[..., None]:
    """Run a command, which must say nothing and succeed."""

    def silent(*command: str | Path, **how: Any) -> None:
        result = run(*command, **how)
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")

    return silent


@pytest.fixture
def repository(tmp_path: Path, silent: Callable[..., None]) -> Path:
    folder = tmp_path / "notes"
    silent("git", "init", "-q", "-b", "main", folder)
    return folder


@pytest.fixture
def produce(silent: Callable[..., None], run: Callable[..., Result], repository: Path) -> Callable[..., None]:
    """Have a producer make one task, as its host would, from its file in hooks/."""

    def produce(hook: str, **how: Any) -> None:
        program = HOOKS / hook
        if hook == "on-fail":
            assert run(program, "false", **how).returncode == 1
        elif hook == "cron-put":
            silent(program, "backup", **how)
        elif hook == "agent-stop":
            silent(program, stdin=b'{"session_id": "s1"}\n', **how)
        elif hook == "git-post-receive":
            silent(
                program,
                stdin=b"%s %s refs/heads/main\n" % (b"0" * 40, b"1" * 40),
                cwd=repository / ".git",
                **how,
            )
        else:
            run("git", "commit", "-q", "--allow-empty", "-m", "x", cwd=repository)
            silent(program, cwd=repository, **how)

    return produce


@pytest.fixture
def locked(db: Path) -> Iterator[sqlite3.Connection]:
    """The queue file while somebody writes; close() ends that."""
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        yield connection
