"""Sleeping until somebody commits to a queue file, without polling it.

A write to the -wal file is only a hint: the kernel reports it before the commit is visible (an fsync may lie
between). So after a hint the database is asked at once, and again after 0.05 ms, 0.1 ms, … until things have
settled. Every wait begins like that too, for the hint may have come while nobody waited.

Where events cannot serve, the database is asked every poll seconds: no inotify, its limits reached, the
directory gone. FSEvents on macOS does not see writes to a -wal, and kqueue holds descriptors, whose closing
would drop SQLite's locks.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Literal

from queuekit.errors import QueuekitError
from queuekit.wake.watcher import Sleeper, Watcher, watcher_of

Method = Literal["auto", "events", "poll"]

_SOON = 0.00005  # seconds from a hint to the second look; each pause after it is twice as long
_SHORT = (
    0.001  # seconds: a hint that comes in a look, and not in a pause, does not change pauses of this length
)
_SETTLED = 2.0  # seconds: no fsync lies this far behind its write
_RETRY = 1.0  # seconds between tries to watch a directory that is missing

_log = logging.getLogger("queuekit")
_wakes: weakref.WeakSet[Wake] = weakref.WeakSet()


class Wake:
    """Waits for commits to the SQLite file at path. May be shared by threads, and by processes across fork.

    fallback is after how many seconds (None = never) a sleeper looks without a hint: events can get lost.
    method "poll" looks every poll seconds, "events" watches or raises QueuekitError, "auto" takes what works.
    Opens neither the database nor its -wal and -shm. Watches from the first wait until close. A symbolic link is
    followed once: the fallback finds one that is turned to another file later.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fallback: float | None = 30.0,
        method: Method = "auto",
        poll: float = 0.1,
    ) -> None:
        self._directory, name = os.path.split(os.path.realpath(path))
        self._names = frozenset(os.fsencode(name + end) for end in ("", "-wal", "-journal"))
        self._fallback = math.inf if fallback is None else fallback
        self._poll = poll
        self._method = method
        self._start()
        _wakes.add(self)

    def _start(self) -> None:
        self._sleepers: list[Sleeper] = []  # one for each waiting thread
        self._joining = (
            threading.RLock()
        )  # held while the watcher is entered or left; a finalizer may run inside
        self._watcher: Watcher | None = None
        self._leave: Callable[[], object] = lambda: None
        self._retry_at = math.inf if self._method == "poll" else -math.inf

    def wait(self, changed: Callable[[], bool], timeout: float | None) -> bool:
        """Sleep until changed() is true (→ True) or timeout seconds are over (→ False; None = no limit).

        changed asks the database and whatever else may end the wait; it is called often: let it cost little.
        A commit between two calls is never slept through. What changed raises passes through.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        sleeper = Sleeper()
        try:
            self._sleepers.append(sleeper)
            return self._sleep(changed, deadline, sleeper)
        finally:
            with contextlib.suppress(ValueError):  # forked meanwhile
                self._sleepers.remove(sleeper)

    def _sleep(self, changed: Callable[[], bool], deadline: float, sleeper: Sleeper) -> bool:
        pause = _SOON
        while True:
            longest = self._longest_pause(sleeper)
            if sleeper.clear() and pause > _SHORT:
                pause = _SOON
            if changed():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._rest(sleeper, min(pause, longest, left))
            pause = _SOON if sleeper.rung else math.inf if pause >= _SETTLED else 2 * pause

    def _rest(self, sleeper: Sleeper, seconds: float) -> None:
        if (watcher := self._watcher) is not None:
            watcher.sleep(sleeper, seconds)
        else:
            sleeper.sleep(seconds)

    def notify(self) -> None:
        """Let every waiting thread look again now. May be called by any thread and in a signal handler."""
        for sleeper in tuple(self._sleepers):
            sleeper.ring()

    def close(self) -> None:
        """Stop watching; a later wait begins anew."""
        with self._joining:
            self._watcher = None
            self._leave()

    def __enter__(self) -> Wake:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _longest_pause(self, sleeper: Sleeper) -> float:
        """Seconds that may pass after the next look if no hint comes; starts to watch if nobody does."""
        watcher = self._watcher
        if watcher is not None and watcher.alive:
            watcher.sleep(sleeper, 0)  # the next look answers the hints that have come until now
        elif time.monotonic() < self._retry_at or not self._watch():
            return self._poll
        return self._fallback

    def _watch(self) -> bool:
        try:
            with self._joining:
                if self._watcher is None or not self._watcher.alive:
                    self._leave()
                    self._watcher, self._leave = watcher_of(self._directory, self)
        except FileNotFoundError:
            self._retry_at = time.monotonic() + _RETRY
            return False
        except Exception as error:
            self._manage_without(error)
            return False
        self.notify()  # what was written before the watch gave no hint
        return True

    def _manage_without(self, error: Exception) -> None:
        if self._method == "events":
            raise QueuekitError(f"cannot watch {self._directory}: {error}") from error
        self._retry_at = math.inf
        level = logging.WARNING if sys.platform == "linux" else logging.DEBUG
        _log.log(level, "cannot watch %s: %s; looking every %g s", self._directory, error, self._poll)

    @property
    def waiting(self) -> bool:
        """True if a thread waits."""
        return bool(self._sleepers)

    def heard(self, names: set[bytes]) -> None:
        """Something happened to the files of these names ("" = to all). For the watcher to call."""
        if b"" in names or not self._names.isdisjoint(names):
            self.notify()


def _begin_anew() -> None:
    for wake in list(_wakes):
        wake._start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
