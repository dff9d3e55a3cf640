"""Work that waits for a connection, and who does it.

There is no lock here. A signal handler or a finalizer may run in the midst of any of this, and write to the same file:
it must find nothing taken that another thread needs to go on. What two threads may do at once is one call of a
deque or a dict, and the order of the calls does the rest: who comes is listed before it looks for a leader, and who
takes them all gives the lead away before it looks at the list. So one who is listed too late for that leads itself.
Two may lead at once then: each takes what is there when it has the lock of the connection.
"""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_LONGEST_PATIENCE = 0.0005  # seconds; threads that write all the time come again in less


class Work:
    """What a thread wants done, and then what came of it: result or error, when it is over."""

    __slots__ = ("_fate", "_wake", "error", "over", "result", "run")

    def __init__(self, run: Callable[[], Any]) -> None:
        self.run = run
        self.error: BaseException | None = None
        self.over = False
        self._fate: dict[str, bool] = {}
        self._wake = threading.Lock()
        self._wake.acquire()

    def begin(self) -> bool:
        """Have it for good. False if it was withdrawn before."""
        return self._fate.setdefault("begun", True)

    def withdraw(self) -> bool:
        """Let nobody begin it. False if somebody has; what was decided first stays, however often it is asked."""
        return not self._fate.setdefault("begun", False)

    def do(self) -> None:
        """Run it, and keep what came of it."""
        self.error = None
        try:
            self.result = self.run()
        except BaseException as error:
            self.error = error

    def fail(self, error: BaseException) -> None:
        """It was not kept. Each thread raises an exception of its own; what was refused keeps its reason."""
        if self.error is None:
            self.error = error  # there are some that cannot be copied
            with suppress(Exception):
                self.error = copy.copy(error)
                self.error.__cause__ = error.__cause__

    def wait(self, seconds: float = -1) -> None:
        """Sleep until told, or so long."""
        self._wake.acquire(timeout=seconds)

    def tell(self) -> None:
        """Wake its thread: it is over, or it is to lead."""
        with suppress(RuntimeError):  # it has been told before
            self._wake.release()


class Waiting:
    """The work that waits, in the order of its coming.

    leader is the work whose thread will take it all, crowded says that threads are to join though the lock may be free,
    threads are those that have joined: they may not do so again before they are through.
    """

    def __init__(self) -> None:
        self._works: deque[Work] = deque()
        self._expected = 1  # how many threads write these days
        self._patience = 0.0  # seconds that a leader waits for as many
        self.threads: set[int] = set()
        self.leader: Work | None = None
        self.crowded = False

    def __len__(self) -> int:
        return len(self._works)

    def add(self, work: Work) -> None:
        """The first one leads; the last that it waits for wakes it."""
        self._works.append(work)
        leader = self.leader
        if leader is None or leader.over:
            self.leader = leader = work
        self.crowded = True
        if len(self._works) >= self._expected:
            leader.tell()

    def gather(self, leader: Work) -> None:
        """Wait until all are there that are expected, but not for long."""
        if len(self._works) < self._expected:
            leader.wait(self._patience)

    def take(self, into: list[Work]) -> None:
        """All of it; the next that comes leads the next group. Hold the lock of the connection."""
        self.leader = None
        with suppress(IndexError):
            while True:
                work = self._works.popleft()
                if not work.over and work.begin():
                    into.append(work)

    def took(self, count: int, seconds: float) -> None:
        """A group is committed. Its threads may come again, and meet those that have come meanwhile."""
        self._expected = count + len(self._works)
        self.crowded = self._expected > 1
        self._patience = min(seconds / 2, _LONGEST_PATIENCE)

    def hand_on(self, work: Work) -> bool:
        """Let another lead in place of work. False if there is no other."""
        leader = self.leader
        if leader is None or leader is work or leader.over:
            self.leader = None
            if other := self._other(work):
                self.leader = other
                other.tell()
        return self._other(work) is not None

    def leave(self, work: Work) -> None:
        """Take it out, if nobody has begun it; another leads the rest. May be called again."""
        if work.withdraw():
            work.over = True
            with suppress(ValueError):
                self._works.remove(work)
                self.crowded = bool(self._works)
        self.hand_on(work)

    def _other(self, work: Work) -> Work | None:
        """The first that waits besides work."""
        with suppress(IndexError):
            first = self._works[0]
            return first if first is not work else self._works[1]
        return None
