"""A consumer that knows nothing of queuekit but its Wake."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from queuekit.wake import Wake

LIMIT = 60.0  # seconds, for what takes milliseconds: only a lost wake-up takes longer
MINUTES = 600.0


class Consumer:
    """Reads a queue file with the standard library alone, and sleeps on a Wake."""

    def __init__(self, path: Path, wake: Wake) -> None:
        self.connection = sqlite3.connect(path, timeout=LIMIT, isolation_level=None)
        self.wake = wake

    def version(self) -> int:
        (version,) = self.connection.execute("pragma data_version").fetchone()
        return int(version)

    def count(self) -> int:
        (count,) = self.connection.execute("select count(*) from qk_task").fetchone()
        return int(count)

    def sleep_until_commit(self, version: int) -> None:
        woken_by(self.wake, lambda: self.version() != version)

    def follow(self, writer: subprocess.Popen[bytes], commits: int) -> None:
        """See commits of the writer, which goes on only while every one is seen."""
        assert writer.stdin is not None
        seen = 0
        while seen < commits:
            version = self.version()
            new = self.count() - seen
            writer.stdin.write(b"." * new)
            writer.stdin.flush()
            seen += new
            if not new:
                self.sleep_until_commit(version)
        writer.stdin.close()
        assert writer.wait(LIMIT) == 0


def woken_by(wake: Wake, changed: Callable[[], bool]) -> None:
    """Sleep until changed; fails if that took as long as a lost wake-up does."""
    started = time.monotonic()
    assert wake.wait(changed, LIMIT)
    assert time.monotonic() - started < LIMIT, "a commit was slept through"


def as_soon_as_it_sleeps(then: Callable[[], object]) -> threading.Timer:
    """Do something in another thread, when a wait that begins now has settled a little."""
    timer = threading.Timer(0.2, then)
    timer.start()
    return timer


def inotify_descriptors() -> int:
    """How many this process has open."""
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sum("inotify" in os.readlink(link) for link in links if os.path.islink(link))
