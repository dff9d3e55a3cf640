"""Fixtures for every folder: a queue file made by the sqlite3 shell alone, so that no test trusts Python for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SQL = ROOT / "sql"


def make_database(path: Path) -> Path:
    """A new queue file at path, made by the sqlite3 program from sql/ as README tells a raw user to."""
    files = "".join((SQL / f"{name}.sql").read_text() for name in ("schema", "laws", "views"))
    script = (SQL / "pragmas.sql").read_text() + "begin immediate;" + files + "commit;"
    shell = ["sqlite3", "-batch", "-bail", "-init", "/dev/null", "-cmd", ".timeout 30000", str(path)]
    subprocess.run(shell, input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    return path


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return make_database(tmp_path / "queue.db")
