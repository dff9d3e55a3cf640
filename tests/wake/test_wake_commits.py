"""No commit of another process is slept through. The fallback is minutes away, so it cannot have helped."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sleeper import Consumer

Write = Callable[..., "subprocess.Popen[bytes]"]

COMMITS = 500
SPACINGS = pytest.mark.parametrize(
    ("low", "high"), [(0.001, 0.002), (0.0, 0.02)], ids=["a millisecond or two apart", "at random"]
)


@SPACINGS
@pytest.mark.parametrize("synchronous", ["normal", "full"])
def test_every_commit_of_a_python_writer_wakes(
    db: Path, consumer: Consumer, write: Write, synchronous: str, low: float, high: float
) -> None:
    consumer.follow(write(db, synchronous, COMMITS, low, high), COMMITS)


@SPACINGS
def test_every_commit_of_the_sqlite3_shell_wakes(
    db: Path, consumer: Consumer, write: Write, low: float, high: float
) -> None:
    consumer.follow(write(db, "shell", COMMITS, low, high), COMMITS)


@SPACINGS
def test_every_commit_of_a_writer_that_truncates_the_wal_wakes(
    db: Path, consumer: Consumer, write: Write, low: float, high: float
) -> None:
    consumer.follow(write(db, "truncate", COMMITS, low, high), COMMITS)


@pytest.mark.usefixtures("settles_soon")
@pytest.mark.parametrize("how", ["normal", "truncate", "shell"])
def test_a_commit_after_a_long_sleep_wakes(db: Path, consumer: Consumer, write: Write, how: str) -> None:
    consumer.follow(write(db, how, 6, 0.2, 0.3), 6)


def test_the_shell_wakes_a_consumer_that_holds_no_connection(
    db: Path, consumer: Consumer, write: Write
) -> None:
    """Then each commit makes a -wal, checkpoints and deletes it."""
    consumer.connection.close()
    before = db.stat().st_mtime_ns
    write(db, "shell", 1)
    consumer.wake.wait(lambda: db.stat().st_mtime_ns != before, 60)
    assert db.stat().st_mtime_ns != before
