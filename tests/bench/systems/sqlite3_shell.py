"""The floor of the shell: a bare sqlite3 program a verb, on the floor's table."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from .floor import MAKE
from .system import System

_CLAIM = """
update task set state = 'running', claimed_at = 1
 where id = (select id from task where state = 'ready' and queue = 'bench' order by priority desc, id limit 1)
returning id, payload
"""


def sqlite3(database: Path, sql: str) -> str:
    """What the sqlite3 program prints of the SQL."""
    done = subprocess.run(["sqlite3", str(database), sql], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


class Sqlite3Shell(System):
    """sqlite3 FILE "INSERT …", "UPDATE … RETURNING", "DELETE …"."""

    title = "sqlite3 program"
    ack = "yes: DELETE"
    lease = "no"
    history = "no"
    note = "a process a verb; payloads are quoted into SQL by hand"
    pace = 0.005
    only = ("put", "claim+ack")

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "floor.db"
        sqlite3(self.database, "pragma journal_mode = wal;" + MAKE)

    @classmethod
    def missing(cls) -> str:
        """The sqlite3 program, where it is not there."""
        return "" if shutil.which("sqlite3") else "not installed: sqlite3"

    def query(self, sql: str) -> list[Any]:
        return [sqlite3(self.database, sql).split("|")]

    def put(self, payload: str) -> object:
        return sqlite3(
            self.database,
            f"insert into task (queue, state, priority, payload) values ('bench', 'ready', 0, '{payload}')",
        )

    def claim(self) -> Any:
        row = sqlite3(self.database, _CLAIM)
        return row.split("|", 1) if row else None

    def done(self, message: Any) -> None:
        sqlite3(self.database, f"delete from task where id = {message[0]}")

    def payload(self, message: Any) -> str:
        return str(message[1])
