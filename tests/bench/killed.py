"""A consumer is killed with kill -9 while it holds a task: this module as a program is that consumer.

Whoever comes after it looks for the task until it is there, or for LIMIT seconds. A task that nobody is handed is held
if the file still has its text in some row, and lost if not.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from . import children, systems
from .systems.system import System

LEASE = 2.0
"""Seconds of a lease, where a system has one."""
LIMIT = 5.0
_MARK = "00000007-held-by-a-consumer-that-is-killed"
_LOOK = 0.02  # seconds between two looks


def measure(name: str, folder: Path) -> dict[str, Any]:
    """What becomes of the task: outcome (redelivered, held, lost) and after how many seconds."""
    adapter = systems.load(name)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        level = adapter.levels[0]
        queue = adapter(Path(place), level, lease=LEASE)
        queue.put(_MARK)
        queue.close()
        _kill_a_consumer(name, place)
        killed = time.monotonic()
        queue = adapter(Path(place), level, lease=LEASE)
        try:
            return _look(queue, killed)
        finally:
            queue.close()


def _look(queue: System, killed: float) -> dict[str, Any]:
    while (waited := time.monotonic() - killed) < LIMIT:
        message = queue.claim()
        if message is not None:
            return {"outcome": "redelivered", "after": round(waited, 2)}
        time.sleep(_LOOK)
    return {"outcome": "held" if _is_in(queue.database) else "lost", "after": None}


def _kill_a_consumer(name: str, place: str) -> None:
    process = children.start("killed")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{name}\n{place}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "held\n", f"the consumer of {name} did not get the task"
    process.kill()
    process.communicate()


def _is_in(database: Path) -> bool:
    """True if some row of the file has the text of the task."""
    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        rows = (row for (name,) in names for row in connection.execute(f'select * from "{name}"'))
        return any(_MARK in _text(value) for row in rows for value in row)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def main() -> None:
    name, place = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    adapter = systems.load(name)
    queue = adapter(Path(place), adapter.levels[0], lease=LEASE)
    if queue.hold():
        print("held", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
