"""A consumer, writers, and a check that no test leaves a thread or an inotify descriptor behind."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sleeper import MINUTES, Consumer, inotify_descriptors

from queuekit.wake import Wake


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    threads = set(threading.enumerate())
    descriptors = inotify_descriptors()
    yield
    gc.collect()
    assert not set(threading.enumerate()) - threads
    assert inotify_descriptors() == descriptors


def start_writer(path: Path, how: str, commits: int, low: float, high: float) -> subprocess.Popen[bytes]:
    program = Path(__file__).parent / "writer.py"
    command = [sys.executable, str(program), str(path), how, str(commits), str(low), str(high)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


@pytest.fixture
def settles_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a tenth of a second of looking by itself only a hint can wake a sleeper, as else after three."""
    monkeypatch.setattr("queuekit.wake._SETTLED", 0.05)


@pytest.fixture
def wake(db: Path) -> Iterator[Wake]:
    with Wake(db, fallback=MINUTES, method="events") as wake:
        yield wake


@pytest.fixture
def consumer(db: Path, wake: Wake) -> Iterator[Consumer]:
    consumer = Consumer(db, wake)
    yield consumer
    consumer.connection.close()


@pytest.fixture
def write() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    writers: list[subprocess.Popen[bytes]] = []

    def start(path: Path, how: str, commits: int, low: float = 0, high: float = 0) -> subprocess.Popen[bytes]:
        writers.append(start_writer(path, how, commits, low, high))
        return writers[-1]

    yield start
    for writer in writers:
        writer.kill()
        writer.communicate()
