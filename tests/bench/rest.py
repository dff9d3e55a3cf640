"""What consumers cost while nothing happens, and whether they grow: python -m tests.bench.rest [--smoke].

CPU time is what the kernel has counted in nanoseconds for each thread (/proc/PID/task/*/schedstat). The consumers are
left alone for some seconds before: a sleeper that was woken looks by itself until things have settled.

For the growth a worker runs tasks that were put in batches, and that are purged when they are done, so that it is not
the file that grows. Counted is what the process holds after the last task and did not hold after half of them: what is
needed once has come by then (a third of a lease after the start its first extension, and with it two megabytes).
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from queuekit import Queue

from .by_hand import by_hand
from .sleeper import start

_SECONDS, _TASKS = 60.0, 1_000_000
_SETTLED = 6.0  # seconds
_BATCH = 1_000
_QUEUES = [f"queue{number}" for number in range(10)]

_Row = dict[str, Any]


def measure(scale: float, rounds: int) -> list[_Row]:
    """Idle CPU and memory as medians of the rounds; growth over a million tasks at scale 1, once."""
    return [*_idle(scale, rounds), *_grown(max(2 * _BATCH, int(_TASKS * scale)))]


def _idle(scale: float, rounds: int) -> Iterator[_Row]:
    seen = [_at_rest(_SECONDS * scale, min(_SETTLED, _SETTLED * scale * 10)) for _ in range(rounds)]
    for name in seen[0]:
        cpu, rss = (statistics.median(round[name][part] for round in seen) for part in (0, 1))
        over = f"over {_SECONDS * scale:g} s"
        yield _row(f"idle: {name}, CPU", cpu, "% of a core", 0.02, over)
        yield _row(f"idle: {name}, memory", rss, "MB", 30 if "worker" in name else None, "resident set")


def _at_rest(seconds: float, settled: float) -> dict[str, tuple[float, float]]:
    """Percent of a core and MB of each consumer, all at rest side by side."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        pids = {}
        for name, words in _consumers(Path(folder)).items():
            process = start(*words)
            stack.callback(process.communicate)
            stack.callback(process.kill)
            pids[name] = process.pid
        time.sleep(settled)
        before = {name: _cpu(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        return {name: ((_cpu(pid) - before[name]) / seconds * 100, _rss(pid)) for name, pid in pids.items()}


def _consumers(folder: Path) -> dict[str, list[str]]:
    files = [str(folder / f"{queue}.db") for queue in _QUEUES]
    for file in files:
        Queue(file).close()
    config = folder / "daemon.toml"
    queues = "".join(f"[[queue]]\nname = '{queue}'\nexec = 'true'\n" for queue in _QUEUES)
    config.write_text(f"database = '{files[0]}'\n{queues}")
    return {
        "one loop": ["loop", files[1]],
        "10 loops on 10 files": ["loops", *files],
        "worker of 10 queues": ["worker", files[2], *_QUEUES],
        "worker, queuekit work of 10 queues": ["work", files[3], *_QUEUES],
        "daemon of 10 queues": ["daemon", str(config)],
    }


def _grown(tasks: int) -> Iterator[_Row]:
    with tempfile.TemporaryDirectory() as folder, Queue(Path(folder) / "rest.db") as queue:
        process = start("quiet", queue.database.path)
        try:
            _run(queue, tasks // 2)
            first = _held(process.pid)
            _run(queue, tasks // 2)
            last = _held(process.pid)
        finally:
            process.kill()
            process.communicate()
    note = f"{last['MB']:.1f} MB after {tasks} tasks"
    for what, goal in {"MB": 1, "threads": 0, "descriptors": 0}.items():
        yield _row(f"growth of a worker, {what}", last[what] - first[what], what, goal, note)


def _run(queue: Queue, tasks: int) -> None:
    for _ in range(tasks // _BATCH):
        queue.put_many(["x"] * _BATCH)
        while queue.stats()["done"] < _BATCH:
            time.sleep(0.005)
        queue.purge(older=0)


def _held(pid: int) -> dict[str, float]:
    proc = Path(f"/proc/{pid}")
    held = {
        "threads": len(list((proc / "task").iterdir())),
        "descriptors": len(list((proc / "fd").iterdir())),
    }
    return {"MB": _rss(pid), **held}


def _cpu(pid: int) -> float:
    """Seconds of CPU time that all threads of the process have had."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _rss(pid: int) -> float:
    """MB in the resident set of the process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _row(name: str, value: float, unit: str, goal: float | None, note: str) -> _Row:
    return {"name": name, "value": value, "unit": unit, "goal": goal, "better": "less", "note": note}


if __name__ == "__main__":
    by_hand(measure, __doc__, smoke=0.02, rounds=1)
