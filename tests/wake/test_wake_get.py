"""Whatever makes a task ready, a sleeping get wakes for it: five hundred times each, the fallback minutes away."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sleeper import LIMIT, MINUTES

from queuekit.queue import Queue
from tests.conftest import make_database

TIMES = 500
EACH = """
import os, random, shutil, sqlite3, sys, time
from queuekit import Queue

def soon():
    return random.uniform(0.001, 0.02)

for number, path in enumerate(map(str.strip, sys.stdin)):
    time.sleep(random.choice([0, random.uniform(0.001, 0.002), soon()]))
"""

Elsewhere = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """A process that does something for each line on its stdin, which is a path."""
    started: list[subprocess.Popen[str]] = []

    def start(what: str) -> subprocess.Popen[str]:
        program = EACH + "".join(f"    {line}\n" for line in what.strip().splitlines())
        started.append(subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def tell(process: subprocess.Popen[str], path: Path) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{path}\n")
    process.stdin.flush()


def got(queue: Queue) -> str:
    started = time.monotonic()
    task = queue.get(timeout=LIMIT)
    assert time.monotonic() - started < LIMIT, "it was slept through"
    task.ack()
    return task.payload


def follow(db: Path, process: subprocess.Popen[str]) -> None:
    """Let it happen so many times to the file, and get each task of it."""
    with Queue(db, fallback=MINUTES) as queue:
        for number in range(TIMES):
            tell(process, db)
            assert got(queue) == str(number)


def test_the_first_commit_into_a_new_file(db: Path, tmp_path: Path, elsewhere: Elsewhere) -> None:
    process = elsewhere(
        """
file = sqlite3.connect(path, isolation_level=None)
file.execute("insert into qk_task (payload) values (?)", (str(number),))
file.close()
"""
    )
    for number in range(TIMES):
        path = Path(shutil.copy(db, tmp_path / f"{number}.db"))
        with Queue(path, fallback=MINUTES) as queue:
            tell(process, path)
            assert got(queue) == str(number)
        path.unlink()


def test_a_file_that_replaces_the_old_one(db: Path, tmp_path: Path, elsewhere: Elsewhere) -> None:
    process = elsewhere(
        """
other = Queue(shutil.copy(path + ".empty", path + ".new"))
other.put(str(number))
other.close()
for end in ("", "-wal", "-shm"):
    if os.path.exists(path + end): os.remove(path + end)
os.replace(path + ".new", path)
"""
    )
    make_database(Path(f"{db}.empty"))
    follow(db, process)


def test_a_delayed_task_that_falls_due(db: Path, elsewhere: Elsewhere) -> None:
    process = elsewhere("Queue(path).put(str(number), delay=soon())")
    follow(db, process)


def test_a_lease_that_ends(db: Path, elsewhere: Elsewhere) -> None:
    process = elsewhere(
        """
dead = Queue(path)
with dead.database.transaction():
    dead.put(str(number), backoff=0)
    dead.claim(lease=soon())
"""
    )
    follow(db, process)
