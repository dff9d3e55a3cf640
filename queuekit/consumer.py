"""Waiting for tasks: the blocking half of a queue. Sleeps on the file (wake.py), trusts the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from queuekit.durations import now_ms
from queuekit.errors import LeaseLost
from queuekit.model import Task

if TYPE_CHECKING:
    from queuekit.queue import Queue

_log = logging.getLogger("queuekit")


def wait_for_task(queue: Queue, timeout: float | None) -> Task | None:
    """Claim a task of the queue, sleeping up to timeout seconds (None = for ever); None when there was none in time."""
    if task := queue.claim():
        return task
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        seen = queue.database.version()
        if task := queue.claim(now=now_ms()):
            return task
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return None
        queue.wake.wait(_differs(queue, seen), shortest(left, until_due(queue)))


def iterate(queue: Queue) -> Iterator[Task]:
    """Tasks for ever; acks the last and claims the next in one transaction, releases the last one when left early."""
    task = None
    try:
        while True:
            task = _next(queue, task)
            yield task
    finally:
        if task is not None and not task.settled:
            _quietly(task, task.release)


def until_due(queue: Queue) -> float | None:
    """Seconds until something in the file changes by itself, or None."""
    due = queue.database.next_due()
    return None if due is None else max(due - now_ms(), 1) / 1000


def shortest(*waits: float | None) -> float | None:
    """The shortest of several waits in seconds; None stands for no limit."""
    return min((wait for wait in waits if wait is not None), default=None)


def _next(queue: Queue, last: Task | None) -> Task:
    task = None
    if last is not None and not last.settled:
        with queue.database.transaction():
            _quietly(last, last.ack)
            task = queue.claim()
    while task is None:
        task = wait_for_task(queue, None)
    return task


def _quietly(task: Task, end: Callable[[], object]) -> None:
    try:
        end()
    except LeaseLost as error:
        _log.warning("%s; another worker will run it again", error)
        task.settled = True


def _differs(queue: Queue, seen: tuple[int, int]) -> Callable[[], bool]:
    return lambda: queue.database.version() != seen
