"""Waiting for tasks: the blocking half of a queue. Sleeps on the file (wake.py), trusts the database."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from queuekit.durations import now_ms
from queuekit.errors import Busy, LeaseLost, QueuekitError, Usage
from queuekit.model import Task
from queuekit.prefetch import Prefetch

if TYPE_CHECKING:
    from queuekit.queue import Queue

_BUSY_PAUSE = 0.05  # seconds to the next try; the wait for the lock comes on top
_LINGER = 0.0005  # seconds that a loop which has run dry waits, to claim at once what comes meanwhile, before it sleeps
_LOOK_EVERY = 1.0  # seconds between two looks of a loop that never runs dry at what is due by itself
_STUCK = 1.0  # seconds until something is looked at again that is due, and that nothing moves

_T = TypeVar("_T")
_log = logging.getLogger("queuekit")


def wait_for_task(queue: Queue, timeout: float | None) -> Task | None:
    """Claim a task of the queue, sleeping up to timeout seconds (None = for ever); None when there was none in time.

    A file that others hold locked is waited for, too. Raises Busy when it was locked to the end, Usage inside a
    transaction: nothing can come there.
    """
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    if task := _claim(queue, deadline):
        return task
    if timeout != 0 and queue.database.in_transaction:
        raise Usage("nothing can come while your transaction holds the file: wait outside of it, or claim")
    while True:
        seen = _patiently(queue.database.version, deadline)
        if task := _claim(queue, deadline, now_ms()):
            return task
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        due = _patiently(lambda: until_due(queue), deadline)
        queue.wake.wait(partial(queue.database.differs, seen), left if due is None else min(left, due))


def iterate(queue: Queue, prefetch: int) -> Iterator[Task]:
    """Tasks for ever; acks each before the next (in the transaction that claims more), releases what is held when left.

    However many tasks are ready, schedules fire all the while, a second late at most (and when a task has ended).
    """
    task, look_at, process = None, 0.0, os.getpid()
    ahead, clock = Prefetch(queue, prefetch), time.monotonic
    try:
        while True:
            if clock() >= look_at:
                _look_around(queue)
                look_at = clock() + _LOOK_EVERY
            task = _next(queue, task, ahead)
            yield task
            if os.getpid() != process:  # the child goes on in the loop: with tasks of its own
                process, ahead = os.getpid(), Prefetch(queue, prefetch)
    finally:
        try:
            _leave(ahead, task, process)
        except BaseException:  # what an interrupt cut short is done again
            _leave(ahead, task, process)
            with suppress(QueuekitError):  # it has been logged
                ahead.give_back()
            raise


def until_due(queue: Queue) -> float | None:
    """Seconds until something in the file changes by itself, or None; what is due now is moved, and schedules fire.

    0 if anything did: look again then. Raises Busy.
    """
    due, now = queue.database.next_due(), now_ms()
    if due is not None and due <= now:
        from queuekit.schedule import Schedules  # and with it time zones, which most never need

        moved = queue.database.tick()
        if Schedules(queue.database).fire() or moved:
            return 0.0
        due = queue.database.next_due()
    if due is None:
        return None
    return _STUCK if due <= now else max(due - now_ms(), 1) / 1000


def _claim(queue: Queue, deadline: float, now: int | None = None) -> Task | None:
    return _patiently(lambda: queue.claim(now=now), deadline)


def _patiently(act: Callable[[], _T], deadline: float) -> _T:
    """Do it, again and again while others hold the file locked. Raises Busy after the deadline."""
    while True:
        try:
            return act()
        except Busy:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_BUSY_PAUSE)


def _next(queue: Queue, last: Task | None, ahead: Prefetch) -> Task:
    if ahead and queue.database.in_transaction:
        ahead.give_back()
    if last is not None and not _end(queue, last, ahead):
        time.sleep(_LINGER)
        _patiently(lambda: _refill(queue, None, ahead), math.inf)
    task = ahead.take()
    if task is None:
        _patiently(ahead.give_back, math.inf)
    while task is None:
        task = wait_for_task(queue, None)
        if task is not None:
            try:
                ahead.alone()
            except BaseException:  # an interrupt, before anybody else knows the task
                _give_back(task)
                raise
    return task


def _end(queue: Queue, last: Task, ahead: Prefetch) -> bool:
    """Ack the task, if nobody has ended it, and see that another is held. False if none is ready."""
    if last.settled:
        return bool(ahead) or _patiently(lambda: _refill(queue, None, ahead), math.inf)
    while True:
        try:
            if ahead:
                _quietly(last)
                return True
            return _refill(queue, last, ahead)
        except Busy:
            if now_ms() >= last.lease_until:
                raise
            time.sleep(_BUSY_PAUSE)


def _refill(queue: Queue, last: Task | None, ahead: Prefetch) -> bool:
    """Ack the last task and claim what comes next, in one transaction. False if nothing came."""
    count = ahead.wanted()

    def go_on() -> None:
        if last is not None:
            _quietly(last)
        ahead.claim(count)

    queue.database.transaction().run(go_on)
    ahead.hold()
    return bool(ahead)


def _look_around(queue: Queue) -> None:
    """Do what is due by itself; what hinders it is no reason to stop consuming."""
    try:
        until_due(queue)
    except QueuekitError as error:
        _log.warning("what is due by itself waits: %s", error)


def _quietly(task: Task) -> None:
    """Ack the task. A lease that is lost meanwhile is no reason to stop consuming."""
    try:
        task.ack()
    except LeaseLost as error:
        _log.warning("%s; another worker will run it again", error)
        task.settled = True


def _leave(ahead: Prefetch, task: Task | None, process: int) -> None:
    """Give back all that the loop has. A child that was forked in it has nothing."""
    if os.getpid() == process:
        ahead.close()
        _give_back(task)


def _give_back(task: Task | None) -> None:
    """Release the task of a loop that was left. What hinders it is logged: an exception may be on its way out."""
    if task is None or task.settled:
        return
    try:
        with suppress(LeaseLost):  # then nobody holds it
            task.release()
    except QueuekitError as error:
        _log.warning("task %s is held until its lease ends: %s", task.receipt, error)
