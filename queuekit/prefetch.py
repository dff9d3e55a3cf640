"""Claiming ahead: a loop whose handlers are fast takes many tasks in one commit, and then needs one commit a task.

No promise is less for it. Each task has its lease, and is acked by a commit of its own before the next one is begun.
What waits behind a slow handler is given back by a thread. And the file knows the order (prefetch.sql): if the process
dies, only the task that was begun counts as a crash.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from queuekit.durations import now_ms
from queuekit.errors import LeaseLost, QueuekitError
from queuekit.model import Task

if TYPE_CHECKING:
    from queuekit.queue import Queue

_BUDGET = 0.01  # seconds of handling that are claimed ahead
_HOLD = 0.1  # seconds: what waits longer is given back
_log = logging.getLogger("queuekit")


class Prefetch:
    """What one loop over a queue has claimed and not begun: most tasks at the most, and no more than fit its pace.

    A task is claimed (and told to the file), held, and then taken or, when its time is over, given back: never both.
    """

    def __init__(self, queue: Queue, most: int) -> None:
        self._queue = queue
        self._most = most
        self._consumer = f"{queue.worker}/{os.urandom(6).hex()}"
        self._process = os.getpid()
        self._claimed: list[Task] = []  # by a transaction that may not be committed yet
        self._lock = threading.RLock()  # taken inside the lock of the database, never around it
        self._changed = threading.Condition(self._lock)
        self._held: deque[Task] = deque()
        self._begun: Task | None = None  # the last that was taken
        self._until = 0.0  # by the monotonic clock: then what is held is given back
        self._leased_until = 0  # ms: and then at the latest
        self._spent: list[Task] = []  # to be given back, by who has the lock of the database
        self._since = time.monotonic()  # when the loop got those that it had last
        self._had = 1  #   and how many
        self._guard: threading.Thread | None = None
        self._sleeps = False  # the guard, until it is told
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._held)

    def wanted(self) -> int:
        """How many tasks to claim: what the loop is through with in _BUDGET, at its pace with those that it had last.

        Twice as many as it had at most. One in a transaction of the caller's: what it claimed may be rolled back.
        """
        each = (time.monotonic() - self._since) / self._had
        count = min(self._most, 2 * self._had, int(_BUDGET / max(each, 1e-6)))
        can = count > 1 and not self._queue.database.in_transaction and self._is_guarded()
        return count if can else 1

    def alone(self) -> None:
        """The loop has got a task by itself, and begins it."""
        self._since, self._had = time.monotonic(), 1

    def claim(self, count: int) -> None:
        """Claim up to count tasks, the best first, for hold. Raises Busy.

        Call it in a transaction: the file is told the order in it, and what was held too long is given back before.
        """
        self.give_back()
        queue, self._claimed = self._queue, []
        queue.on_rollback(self._claimed.clear)
        if count > 1 and queue.is_lean and (tasks := queue.claim_alike(count)):
            self._claimed += tasks
            receipts = json.dumps([task.receipt for task in tasks])
            queue.database.run("prefetch", {"consumer": self._consumer, "receipts": receipts})
        elif task := queue.claim():
            self._claimed.append(task)

    def hold(self) -> None:
        """Keep what claim has claimed, once that is committed, for take."""
        if not self._claimed:
            return
        with self._lock:
            self._since = time.monotonic()
            self._had = len(self._claimed)
            self._until = self._since + _HOLD
            self._leased_until = min(task.lease_until for task in self._claimed)
            self._held.extend(self._claimed)
            self._claimed = []
            if self._sleeps and len(self._held) > 1:
                self._changed.notify()

    def take(self) -> Task | None:
        """The next task, if one is held and its time is not over: begin it."""
        with self._lock:
            if not self._held or self._is_over():
                return None
            task = self._begun = self._held[0]  # a KeyboardInterrupt may come after each call
            self._held.popleft()
            return task

    def give_back(self) -> None:
        """Give back what must not be begun any more. Raises QueuekitError: then it stays to be given back.

        In a transaction of the caller's that is all that is held: were one of these begun, and the transaction rolled
        back, the file would believe that the loop is still at the task before it.
        """
        database = self._queue.database
        with database.lock:
            with self._lock:
                self._sort_out()
            self._release()

    def _sort_out(self) -> None:
        if self._closed or self._queue.database.depth or self._is_over():
            self._spent += self._held
            self._held.clear()
        if self._closed:
            self._spent += self._claimed
            if self._begun is not None and not self._begun.settled:
                self._spent.append(self._begun)

    def _release(self) -> None:
        database = self._queue.database
        if self._spent:
            database.transaction().run(self._release_spent)
            if not database.depth:  # else it may be rolled back
                self._spent.clear()

    def _release_spent(self) -> None:
        for task in self._spent:
            with suppress(LeaseLost):
                task.release()

    def close(self) -> None:
        """Give back all that is held, and the task that was begun. A child that was forked since has nothing."""
        if self._closed or os.getpid() != self._process:
            return
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
            self._changed.notify()
        try:
            self.give_back()
        except QueuekitError as error:
            _log.warning("%d tasks are held until their leases end: %s", len(self._spent), error)

    def _is_over(self) -> bool:
        """True if what is held waits too long: also after this process, or the machine, was stopped for a while."""
        return time.monotonic() >= self._until or now_ms() >= self._leased_until

    def _is_guarded(self) -> bool:
        """True if the thread runs that gives back what waits; none is claimed ahead where it cannot be started."""
        if self._guard is None:
            guard = threading.Thread(target=self._watch, name="queuekit-prefetch", daemon=True)
            try:
                guard.start()
            except RuntimeError as error:
                # Thread.start makes one of an interrupt, too: of a lock that it has not taken.
                if "new thread" not in str(error):
                    raise error.__context__ or error from None
                self._most = 1
                return False
            self._guard = guard
            # A daemon thread must not be in the midst of it when the interpreter ends.
            atexit.register(self.close)
        return True

    def _watch(self) -> None:
        """Give back what waits too long, for the task at hand takes longer than those before it did."""
        while True:
            with self._lock:
                if self._closed:  # looked at in here: close tells it so but once
                    return
                self._sleeps = not (self._held or self._spent)
                left = _HOLD if self._spent else max(self._until - time.monotonic(), 0.001)
                self._changed.wait(None if self._sleeps else left)
                self._sleeps = False
            if self._spent or (self._held and self._is_over()):
                try:
                    self._give_back_if_free()
                except QueuekitError as error:
                    _log.warning("%d tasks are not given back yet: %s", len(self._spent), error)

    def _give_back_if_free(self) -> None:
        """As give_back; nothing for now if the loop is in the midst of taking one, nor once it is closed.

        It may be a signal handler that runs there, and waits for the lock of the database. And who closes the loop
        gives all back, and perhaps closes the file.
        """
        with self._queue.database.lock:
            if not self._lock.acquire(blocking=False):
                return
            try:
                if self._closed:
                    return
                self._sort_out()
            finally:
                self._lock.release()
            self._release()
