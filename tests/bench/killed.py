"""A consumer is killed with kill -9 while it holds a task: this module as a program is that consumer.

Whoever comes after it looks for the task until it is there, or for so many seconds. A task that nobody is handed is
held if the file still has its text in some row, and lost if not.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from . import children, systems
from .rows import rows
from .systems.system import System

LEASE = 2.0
"""Seconds of a lease, where a system has one."""
LIMIT = 5.0
_MARK = b"held by a consumer that is killed"
_LOOK = 0.02  # seconds between two looks


def measure(name: str, folder: Path, lease: float = LEASE, limit: float = LIMIT) -> dict[str, Any]:
    """What becomes of the task: outcome (redelivered, held, lost) and after how many seconds."""
    adapter = systems.load(name)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        level = adapter.levels[0]
        queue = adapter(Path(place), level, lease=lease)
        queue.put(_MARK.decode())
        queue.close()
        _kill_a_consumer(name, place, lease)
        killed = time.monotonic()
        queue = adapter(Path(place), level, lease=lease)
        try:
            return _look(queue, killed, limit)
        finally:
            queue.close()


def _look(queue: System, killed: float, limit: float) -> dict[str, Any]:
    while (waited := time.monotonic() - killed) < limit:
        message = queue.claim()
        if message is not None:
            return {"outcome": "redelivered", "after": round(waited, 2)}
        time.sleep(_LOOK)
    return {"outcome": "held" if any(_MARK in row for row in rows(queue.database)) else "lost", "after": None}


def _kill_a_consumer(name: str, place: str, lease: float) -> None:
    process = children.start("killed")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{name}\n{place}\n{lease}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "held\n", f"the consumer of {name} did not get the task"
    process.kill()
    process.communicate()


def main() -> None:
    name, place, lease = (sys.stdin.readline().strip() for _ in range(3))
    adapter = systems.load(name)
    queue = adapter(Path(place), adapter.levels[0], lease=float(lease))
    if queue.hold():
        print("held", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
