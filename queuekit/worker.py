"""A worker: claims tasks of its queues, runs a handler for each in a slot, and ends the run as the handler says.

How it works:
- A slot is a thread. When a handler is through, its slot ends that run and claims the next task in one transaction.
- One thread is always on watch (slots.py): it sleeps on the file (wake) until it has claimed a task, which it runs.
  With all slots busy one watches, too: somebody must fire the schedules, and see when the next one is due.
- The thread that calls run waits for the end: a stop, a burst that is over, an error that no patience helps.
- One keeper thread extends the leases of all running tasks; it stops a run that lost its lease or was cancelled.
- stop() once: no more claims, what runs may finish within grace, the rest is stopped and released. Twice: at once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from queuekit import consumer
from queuekit.database import Database
from queuekit.durations import Duration
from queuekit.errors import BadPayload, QueuekitError, SchemaMismatch, Usage
from queuekit.execution import MERCY, Handle
from queuekit.logs import say
from queuekit.model import Task
from queuekit.presence import present
from queuekit.producer import words
from queuekit.queue import Queue
from queuekit.slots import Slots
from queuekit.wake import Wake

_BUSY_WAIT = 1.0  # seconds to the next try when the file could not be written
_BUSY_LOOK = 0.1  # seconds between two looks at the file of a worker without a free slot: others may write all the time
_KILL_WAIT = 2.0  # seconds that a killed process may take to be gone


class Worker:
    """Runs handle for the tasks of queues until stopped; with burst, until nothing is ready.

    concurrency   how many tasks run side by side
    lease         the length of a lease (None: as task and queue say)
    strategy      the order of its claims (None: as the queues say)
    capabilities  what it can do: words, such as "gpu region=us", or a list of them
    grace         seconds that running tasks have after a stop
    fallback      seconds after which it looks without being woken
    wake          shared with others of this process; it is not closed
    announce      make this process known in the file (presence.py)
    """

    def __init__(
        self,
        database: Database | str | os.PathLike[str],
        queues: Sequence[str],
        handle: Handle,
        *,
        concurrency: int = 1,
        name: str | None = None,
        lease: Duration | None = None,
        strategy: str | None = None,
        capabilities: str | Iterable[str] | None = None,
        burst: bool = False,
        grace: float = 10.0,
        fallback: float = 30.0,
        wake: Wake | None = None,
        announce: bool = True,
    ) -> None:
        if not queues or concurrency < 1:
            raise Usage("a worker needs at least one queue and one slot")
        self._own_database = not isinstance(database, Database)
        self.database = database if isinstance(database, Database) else Database(database)
        self.capabilities = None if capabilities is None else words(capabilities)
        claims: dict[str, Any] = {"lease": lease, "strategy": strategy, "capabilities": self.capabilities}
        self.queues = [Queue(self.database, queue, worker=name, **claims) for queue in dict.fromkeys(queues)]
        self.name = self.queues[0].worker
        _are_text(*queues, self.name)
        self._burst = burst
        self._grace = grace
        self._wake = wake or Wake(self.database.path, fallback=fallback)
        self._own_wake = wake is None
        self._announce = announce
        claim = self._claim_unless_stopped
        self._slots = Slots(concurrency, self.database, handle, self.name, self._watch, claim, self._tell)
        self._concurrency = concurrency
        self._changed = threading.Condition()  # told when a run has ended and when a stop is asked
        self._news = 0  # grows with each
        self._stops = 0
        self._over = False  # a burst, or all after an error
        self._failure: BaseException | None = None
        self._turn = 0  # which queue is asked first

    def run(self) -> None:
        """Work until stopped, or with burst until nothing is ready or runs. Call once. Raises SchemaMismatch."""
        names = [queue.name for queue in self.queues]
        self._say("worker started", queues=",".join(names), slots=self._concurrency)
        try:
            here = present(self.database, self.name, names, self.capabilities)
            with here if self._announce else contextlib.nullcontext():
                self._work()
        finally:
            self._close()
        self._say("worker stopped")

    def stop(self) -> None:
        """Claim no more and end within the grace time; asked again: at once. Not for signal handlers: see serve."""
        self._stops += 1
        self._tell()

    def _work(self) -> None:
        try:
            self._slots.start()
            self._pause(lambda: self._stops > 0 or self._over)
        finally:
            self._end()
            self._shut_down()
        if self._failure is not None:
            raise self._failure

    def _watch(self) -> Task | None:
        """Sleep until there is a task for a free slot; None at the end. For one thread at a time."""
        try:
            while not (self._stops or self._over):
                if task := self._round():
                    return task
        except BaseException as error:
            self._failure = error
            self._end()
        return None

    def _round(self) -> Task | None:
        """A task for a free slot, if there is one, or sleep until something has happened."""
        news = self._news
        try:
            seen = self.database.version()
            if self._burst:  # what a schedule puts now is ready, too
                consumer.until_due(self.queues[0])
            if self._slots.free > 0 and (task := self._claim_unless_stopped()):
                return task
            due = consumer.until_due(self.queues[0])
        except (SchemaMismatch, Usage, BadPayload):  # no patience helps
            raise
        except QueuekitError as error:
            self._say("cannot claim now", logging.WARNING, error=str(error))
            self._pause(lambda: self._stops > 0 or self._over, _BUSY_WAIT)
            return None
        if self._burst and not self._slots.running and news == self._news:
            self._end()
        elif self._slots.free > 0:
            self._wake.wait(lambda: self._news != news or self.database.differs(seen), due)
        else:
            self._rest(news, seen, due)
        return None

    def _end(self) -> None:
        self._over = True
        self._tell()

    def _rest(self, news: int, seen: tuple[int, int], due: float | None) -> None:
        """Sleep while all slots are busy. The file is watched only if they are for long: quick tasks write to it."""
        begun, soon = self._slots.begun, _BUSY_LOOK if due is None else min(due, _BUSY_LOOK)
        self._pause(lambda: self._news != news, soon)
        if self._slots.begun == begun:
            self._wake.wait(
                lambda: self._news != news or self._slots.begun != begun or self.database.differs(seen),
                None if due is None else due - soon,
            )

    def _claim_unless_stopped(self) -> Task | None:
        """The next task, the queues taking turns, so that none waits for another to be empty."""
        for _ in self.queues:
            if self._stops or self._over:
                break
            queue = self.queues[self._turn % len(self.queues)]
            self._turn += 1
            if task := queue.claim():
                return task
        return None

    def _shut_down(self) -> None:
        slots = self._slots
        slots.wait_for_the_watch()
        if slots.running:
            self._say("stopping", running=slots.running)
        self._pause(lambda: not slots.running or self._stops > 1, self._grace)
        slots.stop(force=self._stops > 1)
        self._pause(lambda: not slots.stoppable or self._stops > 1, MERCY + _KILL_WAIT)
        slots.stop(force=True)
        self._pause(lambda: not slots.stoppable, _KILL_WAIT)
        slots.close()

    def _close(self) -> None:
        if self._own_wake:
            self._wake.close()
        if self._own_database:
            self.database.close()

    def _pause(self, over: Callable[[], bool], timeout: float | None = None) -> None:
        """Wait until a run's end or a stop makes over true."""
        with self._changed:
            self._changed.wait_for(over, None if timeout is None else min(timeout, threading.TIMEOUT_MAX))

    def _tell(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()
        self._wake.notify()

    def _say(self, event: str, level: int = logging.INFO, **fields: object) -> None:
        say(level, event, worker=self.name, **fields)


def _are_text(*names: str) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeError as error:
            raise BadPayload(f"the name of a queue or worker is no text (invalid UTF-8): {name!r}") from error
