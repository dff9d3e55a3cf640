"""Claiming ahead: a loop whose handlers are fast takes many tasks in one commit, and then needs one commit a task.

No promise is less for it. Each task has its lease, and is acked by a commit of its own before the next one is begun.
What waits behind a slow handler is given back by a thread. And the file knows the order (prefetch.sql): if the process
dies, only the task that was begun counts as a crash.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from queuekit.durations import now_ms
from queuekit.errors import LeaseLost, QueuekitError
from queuekit.model import Task

if TYPE_CHECKING:
    from queuekit.queue import Queue

_BUDGET = 0.01  # seconds of handling that are claimed ahead
_HOLD_MS = 100  # what waits longer is given back
_log = logging.getLogger("queuekit")


class Prefetch:
    """What one loop over a queue has claimed and not begun: most tasks at the most, and no more than fit its pace."""

    def __init__(self, queue: Queue, most: int) -> None:
        self._queue = queue
        self._most = most
        self._consumer = f"{queue.worker}/{uuid.uuid4().hex[:12]}"
        self._changed = threading.Condition()
        self._held: deque[Task] = deque()
        self._until = 0  # ms: then what is held is given back
        self._count = 1  # how many the last claim asked for
        self._since = 0.0
        self._guard: threading.Thread | None = None
        self._sleeps = False  # the guard, until it is told
        self._closed = False

    def __bool__(self) -> bool:
        return bool(self._held)

    def take(self) -> Task | None:
        """The next task, if one is held and its time is not over."""
        with self._changed:
            if self._held and now_ms() < self._until:
                return self._held.popleft()
        self._give_back()
        return None

    def claim(self) -> list[Task]:
        """Claim as many tasks as the loop will be through with in no time, the best first; for hold. Raises Busy.

        Call it in a transaction: the file is told the order in it.
        """
        queue, count = self._queue, self._wanted()
        if count > 1 and queue.is_lean and (tasks := queue.claim_many(count)):
            receipts = json.dumps([task.receipt for task in tasks])
            queue.database.run("prefetch", {"consumer": self._consumer, "receipts": receipts})
            return tasks
        task = queue.claim()
        return [] if task is None else [task]

    def hold(self, tasks: list[Task]) -> None:
        """Keep what claim has returned, once that is committed, for take."""
        with self._changed:
            self._held.extend(tasks)
            self._until = now_ms() + _HOLD_MS
            if len(tasks) > 1 and self._guard is None:
                self._guard = threading.Thread(target=self._watch, name="queuekit-prefetch", daemon=True)
                self._guard.start()
            elif self._sleeps:
                self._changed.notify()

    def close(self) -> None:
        """Give back what is held."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._give_back()

    def _wanted(self) -> int:
        """How many tasks the loop handles in _BUDGET at its pace so far; at most twice as many as last time."""
        now = time.monotonic()
        each = (now - self._since) / self._count
        self._count = max(1, min(self._most, 2 * self._count, int(_BUDGET / max(each, 1e-6))))
        self._since = now
        return self._count

    def _watch(self) -> None:
        """Give back what waits too long, for the task at hand takes longer than those before it did."""
        while not self._closed:
            with self._changed:
                self._sleeps = not self._held
                self._changed.wait(None if self._sleeps else max(self._until - now_ms(), 1) / 1000)
                self._sleeps = False
            if now_ms() >= self._until:
                self._give_back()

    def _give_back(self) -> None:
        with self._changed:
            tasks = list(self._held)
            self._held.clear()
        if tasks:
            try:
                with self._queue.database.transaction():
                    for task in tasks:
                        with suppress(LeaseLost):
                            task.release()
            except QueuekitError as error:
                _log.warning("%d tasks are held until their leases end: %s", len(tasks), error)
