"""What happens in a directory, for all who sleep on files there in this process.

There is no thread for it. The first of the sleeping threads reads for all, and wakes those whom an event concerns;
when it goes, the next one reads on. So what wakes a process that sleeps in one thread wakes the right one.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Protocol

from queuekit.wake.inotify import Inotify

_SPREAD = 0.001  # seconds between two reads of what is of no interest to the reader itself
_FINE = 0.001  # seconds: a shorter sleep reads nothing, for poll counts in thousandths

_lock = threading.RLock()  # reentrant, for a finalizer may run inside
_watchers: dict[str, Watcher] = {}


class Sleeper:
    """A thread that sleeps until it is rung. A ring that comes early is kept."""

    def __init__(self) -> None:
        self.rung = False
        self.reads: Inotify | None = None  # what it waits for, while it reads for others
        self._latch = threading.Lock()  # released = get up
        self._latch.acquire()

    def ring(self) -> None:
        """Let it look again. For any thread, and for signal handlers."""
        self.rung = True
        self.get_up()
        if (reads := self.reads) is not None:
            reads.kick()

    def get_up(self) -> None:
        """End its sleep, for whatever reason."""
        try:
            self._latch.release()
        except RuntimeError:
            return  # it is up already

    def clear(self) -> bool:
        """Forget what rang until now: call it before the look that answers it. True if anything did."""
        self._latch.acquire(blocking=False)
        if rung := self.rung:
            self.rung = False  # only then: one that comes just now is kept for the next time
        return rung

    def sleep(self, seconds: float) -> None:
        """Return when rung or told to get up, or after some seconds."""
        self._latch.acquire(timeout=min(max(seconds, 0), threading.TIMEOUT_MAX))


class Listener(Protocol):
    """Who sleeps on files of a directory: a Wake."""

    def heard(self, names: set[bytes]) -> None:
        """Something happened to the files of these names ("" = to all)."""


class Watcher:
    """The events of a directory. alive is True while they are watched: the directory was not moved or deleted."""

    def __init__(self, directory: str) -> None:
        self.alive = True
        self._directory = directory
        self._listeners: list[weakref.ref[Listener]] = []
        self._inotify = Inotify(directory)
        self._reading = threading.Lock()  # held by the one sleeper that reads; for ever, once all is closed
        self._others: list[Sleeper] = []  # who sleep while that one reads

    def enter(self, listener: Listener) -> Callable[[], object]:
        """One listener more; returns how it leaves, which a forgotten one does by itself."""
        known = weakref.ref(listener)
        self._listeners.append(known)
        return weakref.finalize(listener, self._left, known)

    def _left(self, known: weakref.ref[Listener]) -> None:
        with _lock:
            self._listeners.remove(known)
            if not self._listeners and self.alive:
                self._end()

    def sleep(self, sleeper: Sleeper, seconds: float) -> None:
        """Return when the sleeper is rung, after some seconds, or when the watch has ended.

        With 0 seconds it reads what came until now, if nobody else does.
        """
        deadline = time.monotonic() + seconds
        if 0 < seconds < _FINE:
            sleeper.sleep(seconds)
        elif self._reading.acquire(blocking=False):
            self._read(sleeper, deadline)
        elif seconds > 0:
            self._follow(sleeper, deadline)

    def _follow(self, sleeper: Sleeper, deadline: float) -> None:
        """Sleep while another reads; read when that one has gone."""
        self._others.append(sleeper)
        try:
            while self.alive and not sleeper.rung and (left := deadline - time.monotonic()) > 0:
                if self._reading.acquire(blocking=False):
                    return self._read(sleeper, deadline)
                sleeper.sleep(left)
        finally:
            self._others.remove(sleeper)
            self._pass_on()

    def _read(self, sleeper: Sleeper, deadline: float) -> None:
        """Read until something concerns the sleeper itself, or until the deadline. Call with _reading held."""
        try:
            while self._is_wanted(sleeper):
                left = deadline - time.monotonic()
                heard = self._inotify.wait(left)
                sleeper.reads = None
                if heard and self.alive:
                    self._hand_on()
                if time.monotonic() >= deadline:
                    break
                if heard and not sleeper.rung:
                    sleeper.sleep(_SPREAD)
        finally:
            sleeper.reads = None
            self._reading.release()
            self._pass_on()

    def _is_wanted(self, sleeper: Sleeper) -> bool:
        """True if the sleeper is to read on. A ring from now on kicks it, one from before is seen here."""
        sleeper.reads = self._inotify
        return self.alive and not sleeper.rung

    def _hand_on(self) -> None:
        names, there = self._inotify.read()
        if not there:
            self._end()
        self._tell(names)

    def _tell(self, names: set[bytes]) -> None:
        for known in tuple(self._listeners):
            if (listener := known()) is not None:
                listener.heard(names)

    def _pass_on(self) -> None:
        """Let another read, if nobody does."""
        if not self.alive:
            self._close()
        elif not self._reading.locked():
            for other in self._others[:1]:
                other.get_up()

    def _end(self) -> None:
        with _lock:
            self.alive = False
            if _watchers.get(self._directory) is self:
                del _watchers[self._directory]
        self._tell({b""})
        for other in tuple(self._others):
            other.get_up()
        self._close()

    def _close(self) -> None:
        """Close all, or let the one who reads do so when it goes."""
        if self._reading.acquire(blocking=False):
            self._inotify.close()
        else:
            self._inotify.kick()

    def forget_the_parent(self) -> None:
        """In a child process: its parent watches on, and nobody of it sleeps here."""
        self.alive = False
        self._inotify.close_in_child()


def watcher_of(directory: str, listener: Listener) -> tuple[Watcher, Callable[[], object]]:
    """The watcher of the directory, with one listener more, and how that one leaves.

    Raises FileNotFoundError, PermissionError, and whatever else says that it cannot be watched.
    """
    if not os.path.isdir(directory):
        raise FileNotFoundError(directory)
    with _lock:
        if directory not in _watchers:
            _watchers[directory] = Watcher(directory)
        watcher = _watchers[directory]
        return watcher, watcher.enter(listener)


def _begin_anew() -> None:
    global _lock
    _lock = threading.RLock()
    for watcher in _watchers.values():
        watcher.forget_the_parent()
    _watchers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
