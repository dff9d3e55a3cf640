"""Group commit: what threads write at the same time shares one transaction, and so one wait for the disk.

A verb that finds the connection taken leaves its work in Database.waiting. The first that came leads: when the lock is
free it takes all that wait by then, runs them in the order of their coming between one BEGIN and one COMMIT, and tells
each what came of its own. Meanwhile the next ones gather. So nobody waits for more than the commit that runs, and the
one it is a part of. Work that is refused fails alone: each statement is atomic by itself.

Signals interrupt the main thread, so that one never leads others: a leader that is interrupted would leave them in doubt.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from queuekit.database import Database

_T = TypeVar("_T")
_LONGEST_PATIENCE = 0.0005


class Work:
    """What a thread wants done, and then what came of it."""

    __slots__ = ("_error", "_run", "_value", "_wake", "begun", "over")

    def __init__(self, run: Callable[[], Any]) -> None:
        self._run = run
        self._wake = threading.Lock()
        self._wake.acquire()
        self._error: BaseException | None = None
        self.begun = False  # a leader has it: it can no longer be withdrawn
        self.over = False

    def do(self) -> None:
        """Run it, and keep what came of it. Hold the lock."""
        try:
            self._value = self._run()
        except BaseException as error:
            self._error = error

    def fail(self, error: Exception) -> None:
        """The commit failed, and nothing was kept. Each thread gets an exception of its own."""
        if self._error is None:
            self._error = copy.copy(error)
            self._error.__cause__ = error.__cause__

    def outcome(self) -> Any:
        """What it returned. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._value

    def wait(self, seconds: float = -1) -> None:
        """Sleep until told, or so long."""
        self._wake.acquire(timeout=seconds)

    def tell(self) -> None:
        """Wake its thread."""
        with suppress(RuntimeError):  # it is awake
            self._wake.release()


class Waiting:
    """The work that waits, in the order of its coming.

    leader is the work whose thread will take it all. crowded tells a thread that comes to join, though the connection
    may be free.
    """

    def __init__(self) -> None:
        self._works: list[Work] = []
        self._entry = threading.Lock()  # held for moments
        self._usual = 1  # how many the last group had
        self._patience = 0.0
        self.leader: Work | None = None
        self.crowded = False

    def add(self, work: Work) -> None:
        """The first one leads."""
        with self._entry:
            self._works.append(work)
            self.leader = self.leader or work
            self.crowded = True
            if len(self._works) == self._usual:
                self.leader.tell()

    def gather(self, leader: Work) -> None:
        """Give those of the last group a moment to come again: half of what it took, and never long."""
        if len(self._works) < self._usual:
            leader.wait(self._patience)

    def take(self) -> list[Work]:
        """All of it; the next that comes leads the next group."""
        with self._entry:
            taken, self._works = self._works, []
            for work in taken:
                work.begun = True
            self.leader = None
            self._usual = len(taken)
            self.crowded = len(taken) > 1
        return taken

    def took(self, seconds: float) -> None:
        """How long a group took to be committed."""
        self._patience = min(seconds / 2, _LONGEST_PATIENCE)

    def withdraw(self, work: Work) -> None:
        """Take out what no leader has begun; another leads the rest."""
        with self._entry:
            if work in self._works:
                self._works.remove(work)
                self.crowded = bool(self._works)
            if self.leader is None or self.leader is work:
                self.leader = self._works[0] if self._works else None
            if self.leader is not None:
                self.leader.tell()

    def hand_on(self, work: Work) -> bool:
        """Let another lead instead of work; False if it is alone."""
        with self._entry:
            if len(self._works) > 1:
                self.leader = next(other for other in self._works if other is not work)
                self.leader.tell()
            return len(self._works) > 1


def join(database: Database, run: Callable[[], _T]) -> _T:
    """Run it in a commit that is shared with others; what it returns, once that is durable. Raises what it raises.

    run is called once, perhaps by another thread, with the lock of the database held.
    """
    work = Work(run)
    if threading.current_thread() is threading.main_thread():
        return _join_interruptible(database, work)  # type: ignore[no-any-return]
    database.waiting.add(work)
    if database.waiting.leader is not work:
        work.wait()
    if not work.over:
        with database.lock:
            database.waiting.gather(work)
            group = database.waiting.take()
            begin = time.monotonic()
            try:
                _commit(database, group)
            finally:
                for one in group:
                    one.over = True
                database.waiting.took(time.monotonic() - begin)
        for one in group:
            one.tell()
    return work.outcome()  # type: ignore[no-any-return]


def _join_interruptible(database: Database, work: Work) -> Any:
    """For the main thread: what is interrupted before it was begun is not done; else its outcome is waited for."""
    waiting = database.waiting
    try:
        waiting.add(work)
        if waiting.leader is work:
            with database.lock:
                if not waiting.hand_on(work):
                    return work._run()
        work.wait()
    finally:
        waiting.withdraw(work)
        while work.begun and not work.over:
            with suppress(BaseException):
                work.wait()
    return work.outcome()


def _commit(database: Database, group: list[Work]) -> None:
    rest = iter(group)
    if len(group) == 1 or time.monotonic() >= database.look_at:
        next(rest).do()  # alone: outside of a transaction it knows what to do if the path leads elsewhere
    if group := list(rest):
        _commit_together(database, group)


def _commit_together(database: Database, group: list[Work]) -> None:
    undone_by = None
    try:
        with database.transaction() as connection:
            for work in group:
                work.do()
                if not connection.in_transaction:
                    undone_by = work
                    break
        database.stirs -= 1  # each has said for itself what others should see
    except Exception as error:
        for work in group:
            if undone_by is None:
                work.fail(error)
            elif work is not undone_by:
                work.do()
