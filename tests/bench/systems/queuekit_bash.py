"""queuekit from bash: qk put, qk claim and qk ack, each a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from queuekit import statements

from .sqlite3_shell import sqlite3
from .system import System


class QueuekitBash(System):
    """bin/qk, which needs bash, sqlite3 and od."""

    title = "qk (bash)"
    ack = "yes"
    lease = "yes, fenced by a receipt"
    history = "yes: finished tasks and their runs are kept"
    note = "a process a verb, with the sqlite3 program's own synchronous"
    pace = 0.005
    only = ("put", "claim+ack")

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "queue.db"
        self._lease = [] if lease is None else ["--lease", str(lease)]
        root = statements.folder().parent
        self._program = str(root / "bin" / "qk")
        self._run("init")

    @classmethod
    def missing(cls) -> str:
        """bash, sqlite3 or od, where one of them is not there."""
        absent = [name for name in ("bash", "sqlite3", "od") if not shutil.which(name)]
        return f"not installed: {', '.join(absent)}" if absent else ""

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [self._program, *words, "--db", str(self.database)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        if done.returncode not in (0, 3):
            raise LookupError(f"qk {words[0]} exits {done.returncode}")
        return done

    def query(self, sql: str) -> list[Any]:
        return [sqlite3(self.database, sql).split("|")]

    def put(self, payload: str) -> object:
        return self._run("put", "-q", "bench", payload)

    def claim(self) -> Any:
        done = self._run("claim", "-q", "bench", *self._lease)
        return json.loads(done.stdout) if done.stdout else None

    def done(self, message: Any) -> None:
        self._run("ack", message["receipt"])

    def payload(self, message: Any) -> str:
        return str(message["payload"])
