"""From a commit in one process to the handler of an idle other process, in ms: python -m tests.bench.wake [--smoke].

A consumer sleeps in a process of its own. The writer commits one task, notes the time at which the commit has
returned, waits until the handler has told when it was entered, and rests for 5 to 50 ms at random: the consumer has
done with it by then, and sleeps. A consumer that sees the commit before the writer is told of it makes a time of less
than nothing, which counts as it is.

The sqlite3 shell is a process of its own for each commit. It says when it has committed, and that is noted when it
has been read: the times are too short by what a pipe takes.
"""

from __future__ import annotations

import contextlib
import random
import select
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from queuekit import Queue

from .by_hand import by_hand
from .sleeper import start

_LIMIT = 30.0  # seconds; reached only if a commit was slept through
_FULL = 600  # commits

_INSERT = "insert into qk_task (payload) values ('x')"
_GOALS = {"python": (0.4, 1.2), "shell": (1.2, None)}
_CELLS = [
    ("loop", "python"),
    ("worker", "python"),
    ("work", "python"),
    ("loop", "shell"),
    ("worker", "shell"),
]
_NAMES = {"loop": "for task in queue", "worker": "Worker", "work": "queuekit work"}
_WRITERS = {"python": "Python, synchronous = normal", "shell": "the sqlite3 shell, synchronous = full"}

Commit = Callable[[], int]
"""Commit a task; the time.monotonic_ns at which it was committed."""


def measure(scale: float, rounds: int) -> list[dict[str, Any]]:
    """The medians, 99 % and longest times of all commits of all rounds, in which the consumers take turns."""
    commits = max(5, round(_FULL * scale / rounds))
    seen: dict[tuple[str, str], list[float]] = {cell: [] for cell in _CELLS}
    for _ in range(rounds):
        for (consumer, writer), times in seen.items():
            times += _latencies(consumer, writer, commits)
    return [row for (consumer, writer), times in seen.items() for row in _rows(consumer, writer, times)]


def _rows(consumer: str, writer: str, times: list[float]) -> Iterator[dict[str, Any]]:
    half, most = _GOALS[writer]
    quantiles = {
        "p50": (statistics.median(times), half),
        "p99": (statistics.quantiles(times, n=100, method="inclusive")[-1], most),
        "max": (max(times), None),
    }
    for quantile, (value, goal) in quantiles.items():
        yield {
            "name": f"wake: {_NAMES[consumer]}, {writer} writes, {quantile}",
            "value": value,
            "unit": "ms",
            "goal": goal,
            "better": "less",
            "note": f"{len(times)} commits of {_WRITERS[writer]}",
        }


def _latencies(consumer: str, writer: str, commits: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wake.db"
        with Queue(path) as queue, _asleep(consumer, path) as wait:
            commit: Commit = {"python": lambda: _put(queue), "shell": lambda: _insert(path)}[writer]
            for _ in range(3):  # the first imports what it needs
                commit()
                wait()
            return [_latency(commit, wait) for _ in range(commits)]


def _latency(commit: Commit, wait: Callable[[], int]) -> float:
    time.sleep(random.uniform(0.005, 0.05))
    committed = commit()
    return (wait() - committed) / 1e6


@contextlib.contextmanager
def _asleep(consumer: str, path: Path) -> Iterator[Callable[[], int]]:
    """A consumer; what waits for the time at which its handler is entered next."""
    process = start(consumer, path)
    assert process.stdout is not None
    told = process.stdout

    def entered() -> int:
        assert select.select([told], [], [], _LIMIT)[0], f"the {consumer} has slept through a commit"
        return int(told.readline())

    try:
        yield entered
    finally:
        process.kill()
        process.communicate()


def _put(queue: Queue) -> int:
    queue.put("x")
    return time.monotonic_ns()


def _insert(path: Path) -> int:
    command = ["stdbuf", "-oL", "sqlite3", "-batch", "-init", "/dev/null", "-cmd", ".timeout 5000", str(path)]
    sql = f"{_INSERT}; select 'committed'"
    with subprocess.Popen([*command, sql], stdout=subprocess.PIPE, bufsize=0) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"committed\n"
        return time.monotonic_ns()


if __name__ == "__main__":
    by_hand(measure, __doc__, smoke=0.03, rounds=3)
