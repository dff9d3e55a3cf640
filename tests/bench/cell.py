"""One cell in a process of its own, on a file of its own: python -m tests.bench.cell, its Task as JSON on stdin.

Prints its Measurement as JSON. Every message has a number, so that one that is lost or comes twice is seen.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from . import systems
from .cells import BATCH, HUNDRED, THREADS
from .processes import side_by_side
from .rows import rows
from .systems.system import System

_WARM = 20  # messages
_PUTTING = {"put", "put_many", "threads"}
_NUMBER = 8  # digits
_NUMBERED = re.compile(rb"(\d{8})x{8}")  # how a message of payloads begins


class Task(NamedTuple):
    """What a cell's process is told: the system's name, and the rest as in cells.py, in a folder on the disk."""

    system: str
    action: str
    messages: int
    size: int
    synchronous: str
    folder: str


class Measurement(NamedTuple):
    """Microseconds of wall and CPU time a message, and what became of the messages."""

    wall: float
    cpu: float
    messages: int
    delivered: int
    twice: int
    lost: int
    refused: int
    settings: dict[str, Any]


def measured(task: Task) -> Measurement:
    """The action on a fresh queue. Raises what the system raises."""
    with tempfile.TemporaryDirectory(dir=task.folder) as folder:
        adapter = systems.load(task.system)
        queue = adapter(Path(folder), task.synchronous, threads=task.action == "threads")
        warm(queue)
        texts = payloads(task.messages, task.size)
        refused = 0
        if task.action == "processes":
            wall, cpu, seen, refused = side_by_side(
                queue, task.system, Path(folder), task.messages, task.size
            )
        else:
            wall, cpu, seen = act(queue, task.action, texts)
        settings = queue.settings()
        queue.close()
        if task.action in _PUTTING:
            seen = stored(queue.database)
    delivered, twice, lost = tally(task.messages, seen)
    each = 1e6 / task.messages
    return Measurement(wall * each, cpu * each, task.messages, delivered, twice, lost, refused, settings)


def payloads(count: int, size: int, first: int = 0) -> list[str]:
    """So many texts of size bytes, which begin with a number of their own."""
    return [f"{number:0{_NUMBER}d}".ljust(size, "x") for number in range(first, first + count)]


def tally(count: int, seen: Iterable[str]) -> tuple[int, int, int]:
    """How many of the messages 0 to count were delivered, how many of them more than once, and how many never."""
    times = Counter(int(text[:_NUMBER]) for text in seen)
    return len(times), sum(n > 1 for n in times.values()), count - len(times)


def act(queue: System, action: str, texts: list[str]) -> tuple[float, float, list[str]]:
    """Seconds of wall and CPU time for the action on all the texts, and what it delivered."""
    if action not in _PUTTING:
        fill(queue, texts)
        queue.checkpoint()
    work = _ACTIONS[action]
    begin, cpu = time.perf_counter(), spent()
    seen = work(queue, texts)
    wall, cpu = time.perf_counter() - begin, spent() - cpu
    return wall, cpu, seen if action in _PUTTING else seen + drain(queue)


def spent() -> float:
    """Seconds of CPU time of this process and of those it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def warm(queue: System) -> None:
    """A few messages on their way, so that no first use of anything is measured."""
    for _ in range(max(1, round(_WARM * queue.pace))):
        queue.put("w" * 200)
        queue.claim_and_ack()


def fill(queue: System, texts: list[str]) -> None:
    """Put them, in batches where the system has them."""
    if queue.offers("put_many"):
        for start in range(0, len(texts), BATCH):
            queue.put_many(texts[start : start + BATCH])
        return
    for text in texts:
        queue.put(text)


def drain(queue: System) -> list[str]:
    """What is still there, claimed and acked."""
    seen = []
    while (message := queue.claim()) is not None:
        queue.done(message)
        seen.append(queue.payload(message)[:_NUMBER])
    return seen


def stored(database: Path) -> list[str]:
    """The numbers of the messages in the file, one for each row that has one."""
    return [found[1].decode() for row in rows(database) for found in _NUMBERED.finditer(row)]


def _put(queue: System, texts: list[str]) -> list[str]:
    put = queue.put
    for text in texts:
        put(text)
    return []


def _put_many(queue: System, texts: list[str]) -> list[str]:
    for start in range(0, len(texts), BATCH):
        queue.put_many(texts[start : start + BATCH])
    return []


def _claim_and_ack(queue: System, texts: list[str]) -> list[str]:
    return [queue.claim_and_ack()[:_NUMBER] for _ in texts]  # as a consumer, which keeps no payload


def _claim_many(queue: System, texts: list[str]) -> list[str]:
    seen: list[str] = []
    for _ in range(0, len(texts), HUNDRED):
        seen += queue.claim_many_and_ack(HUNDRED)
    return seen


def _loop(queue: System, texts: list[str]) -> list[str]:
    return queue.loop(len(texts))


def _threads(queue: System, texts: list[str]) -> list[str]:
    """All the texts put by THREADS threads."""
    put = queue.putter()

    def some(nth: int) -> None:
        for text in texts[nth::THREADS]:
            put(text)

    threads = [threading.Thread(target=some, args=(nth,)) for nth in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return []


_ACTIONS = {
    "put": _put,
    "put_many": _put_many,
    "claim+ack": _claim_and_ack,
    "claim_many": _claim_many,
    "loop": _loop,
    "threads": _threads,
}


if __name__ == "__main__":
    print(json.dumps(measured(Task(**json.load(sys.stdin)))._asdict()))
