"""Fixtures for every folder: a queue file made by the sqlite3 shell alone, so that no test trusts Python for it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SQL = ROOT / "sql"

# A test run in the background or under nohup is deaf to these, and so would be every process that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in {"SIGHUP", "SIGQUIT"} & set(dir(signal)):
    signal.signal(getattr(signal, name), signal.SIG_DFL)


def unmeasured() -> dict[str, str]:
    """The environment without what measures the coverage of a child: it loads modules, and takes no interrupts."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def sqlite3_program(path: Path, script: str) -> str:
    """What the sqlite3 program prints of the script, in a file at path. Raises CalledProcessError."""
    shell = ["sqlite3", "-batch", "-bail", "-init", "/dev/null", "-cmd", ".timeout 30000", str(path)]
    return subprocess.run(shell, input=script, text=True, check=True, capture_output=True).stdout


def make_database(path: Path) -> Path:
    """A new queue file at path, made by the sqlite3 program from sql/ as README tells a raw user to."""
    files = "".join((SQL / f"{name}.sql").read_text() for name in ("schema", "laws", "views"))
    sqlite3_program(path, (SQL / "pragmas.sql").read_text() + "begin immediate;" + files + "commit;")
    return path


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return make_database(tmp_path / "queue.db")
