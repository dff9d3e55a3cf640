"""writer.py PATH HOW COMMITS LOW HIGH: put tasks into a queue file, one a commit, LOW to HIGH seconds apart.

The consumer answers each commit it saw with a byte on stdin. At most two may be unanswered, at random none,
so that a commit slept through stops everything instead of hiding behind the next one.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable

PUT = "insert into qk_task (queue, payload) values ('default', 'x')"


def connected(path: str, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute(f"pragma synchronous = {synchronous}")
    return connection


def python(path: str, synchronous: str) -> Callable[[], object]:
    connection = connected(path, synchronous)
    return lambda: connection.execute(PUT)


def truncating(path: str) -> Callable[[], object]:
    """Truncates the -wal before each commit: its size after the commit is the same every time."""
    connection = connected(path, "normal")

    def commit() -> None:
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
        connection.execute(PUT)

    return commit


def shell(path: str) -> Callable[[], object]:
    """The sqlite3 program, which opens and closes the file for each commit."""
    command = ["sqlite3", "-batch", "-bail", "-init", "/dev/null", "-cmd", ".timeout 60000", path, PUT]
    return lambda: subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


WRITERS: dict[str, Callable[[str], Callable[[], object]]] = {
    "normal": lambda path: python(path, "normal"),
    "full": lambda path: python(path, "full"),
    "truncate": truncating,
    "shell": shell,
}


def main(path: str, how: str, commits: int, low: float, high: float) -> None:
    commit = WRITERS[how](path)
    unanswered = 0
    for _ in range(commits):
        time.sleep(random.uniform(low, high))
        commit()
        unanswered += 1
        while unanswered > random.randint(0, 2):
            unanswered -= answers()
    while unanswered:
        unanswered -= answers()


def answers() -> int:
    return len(os.read(0, 1)) or sys.exit("the consumer is gone")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
