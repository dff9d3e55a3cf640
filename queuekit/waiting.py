"""Work that waits for a connection, and who does it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_LONGEST_PATIENCE = 0.0005  # seconds; threads that write all the time come again in less


class Work:
    """What a thread wants done, and then what came of it: result or error."""

    __slots__ = ("_wake", "begun", "error", "over", "result", "run")

    def __init__(self, run: Callable[[], Any]) -> None:
        self.run = run
        self.error: BaseException | None = None
        self.begun = False  # a leader has it: it cannot be withdrawn
        self.over = False
        self._wake = threading.Lock()
        self._wake.acquire()

    def do(self) -> None:
        """Run it, and keep what came of it."""
        self.error = None
        try:
            self.result = self.run()
        except BaseException as error:
            self.error = error

    def fail(self, error: Exception) -> None:
        """It was not kept. Each thread raises an exception of its own; what was refused keeps its reason."""
        if self.error is None:
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

    leader is the work whose thread will take it all, crowded says that threads are to join though the lock may be free.
    """

    def __init__(self) -> None:
        self._works: list[Work] = []
        self._entry = threading.Lock()  # held for moments
        self._expected = 1  # how many threads write these days
        self._patience = 0.0  # seconds that a leader waits for as many
        self.leader: Work | None = None
        self.crowded = False

    def __len__(self) -> int:
        return len(self._works)

    def add(self, work: Work) -> None:
        """The first one leads; the last that it waits for wakes it."""
        with self._entry:
            self._works.append(work)
            self.leader = self.leader or work
            self.crowded = True
            if len(self._works) >= self._expected:
                self.leader.tell()

    def gather(self, leader: Work) -> None:
        """Wait until all are there that are expected, but not for long."""
        if len(self._works) < self._expected:
            leader.wait(self._patience)

    def take(self) -> list[Work]:
        """All of it; the next that comes leads the next group."""
        with self._entry:
            taken, self._works = self._works, []
            for work in taken:
                work.begun = True
            self.leader = None
        return taken

    def took(self, count: int, seconds: float) -> None:
        """A group is committed. Its threads may come again, and meet those that have come meanwhile."""
        with self._entry:
            self._expected = count + len(self._works)
            self.crowded = self._expected > 1
            self._patience = min(seconds / 2, _LONGEST_PATIENCE)

    def hand_on(self, work: Work) -> bool:
        """Let another lead in place of work. False if there is no other."""
        with self._entry:
            others = [other for other in self._works if other is not work]
            if others and self.leader in (work, None):
                others[0].tell()
                self.leader = others[0]
            return bool(others)

    def withdraw(self, work: Work) -> None:
        """Take it out, if nobody has begun it; another leads the rest."""
        with self._entry:
            if work in self._works:
                self._works.remove(work)
                self.crowded = bool(self._works)
            if self.leader is work:
                self.leader = None
        self.hand_on(work)
