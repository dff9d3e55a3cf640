"""Sleeping until somebody commits to a queue file, without polling it.

A write to the -wal file is only a hint: the kernel reports it before the commit is visible (an fsync may lie
between). So after a hint the database is asked at once, and again after 0.2 ms, 0.4 ms, … until things have
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
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal

from queuekit.errors import QueuekitError

Method = Literal["auto", "events", "poll"]

_SOON = 0.0002  # seconds from a hint to the second look; each pause after it is twice as long
_SETTLED = 2.0  # seconds: no fsync lies this far behind its write
_SPREAD = 0.001  # seconds between hints of a busy file; whoever got the last one is still looking by itself
_RETRY = 1.0  # seconds between tries to watch a directory that is missing

_HINTS = ["MODIFY", "CLOSE_WRITE", "CREATE", "DELETE", "MOVED_FROM", "MOVED_TO", "DELETE_SELF", "MOVE_SELF"]
_OVERFLOW = 0x4000  # IN_Q_OVERFLOW: the kernel dropped events

_log = logging.getLogger("queuekit")
_lock = threading.RLock()  # reentrant, for a finalizer may run inside
_watchers: dict[str, _Watcher] = {}
_wakes: weakref.WeakSet[Wake] = weakref.WeakSet()


class Wake:
    """Waits for commits to the SQLite file at path. May be shared by threads, and by processes across fork.

    fallback is after how many seconds (None = never) a sleeper looks without a hint: events can get lost.
    method "poll" looks every poll seconds, "events" watches or raises QueuekitError, "auto" takes what works.
    Opens neither the database nor its -wal and -shm. Watches from the first wait until close.
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
        self._latches: list[threading.Lock] = []  # one for each waiting thread; released = look again
        self._watcher: _Watcher | None = None
        self._leave: Callable[[], object] = lambda: None
        self._retry_at = math.inf if self._method == "poll" else -math.inf

    def wait(self, changed: Callable[[], bool], timeout: float | None) -> bool:
        """Sleep until changed() is true (→ True) or timeout seconds are over (→ False; None = no limit).

        changed asks the database and whatever else may end the wait; it is called often: let it cost little.
        A commit between two calls is never slept through. What changed raises passes through.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        latch = threading.Lock()
        latch.acquire()
        try:
            self._latches.append(latch)
            return self._sleep(changed, deadline, latch)
        finally:
            with contextlib.suppress(ValueError):  # forked meanwhile
                self._latches.remove(latch)

    def _sleep(self, changed: Callable[[], bool], deadline: float, latch: threading.Lock) -> bool:
        pause = _SOON
        while True:
            longest = self._longest_pause()
            if changed():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            hinted = latch.acquire(timeout=min(pause, longest, left, threading.TIMEOUT_MAX))
            pause = _SOON if hinted else math.inf if pause >= _SETTLED else 2 * pause

    def notify(self) -> None:
        """Let every waiting thread look again now. May be called by any thread and in a signal handler."""
        for latch in tuple(self._latches):
            with contextlib.suppress(RuntimeError):  # released already
                latch.release()

    def close(self) -> None:
        """Stop watching; a later wait begins anew."""
        watcher, self._watcher = self._watcher, None
        self._leave()
        if watcher is not None:
            watcher.join()

    def __enter__(self) -> Wake:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _longest_pause(self) -> float:
        """Seconds that may pass until the next look if no hint comes; starts to watch if nobody does."""
        watcher = self._watcher
        if watcher is not None and watcher.alive:
            watcher.resume()
        elif time.monotonic() < self._retry_at or not self._watch():
            return self._poll
        return self._fallback

    def _watch(self) -> bool:
        try:
            with _lock:
                if self._watcher is None or not self._watcher.alive:
                    self._leave()
                    self._watcher = _watcher_of(self._directory)
                    self._leave = self._watcher.enter(self)
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

    def _heard(self, names: set[bytes]) -> None:
        if b"" in names or not self._names.isdisjoint(names):
            self.notify()


class _Watcher:
    """The one reader of a directory's inotify events in this process. It rests while nobody waits.

    Reads watchdog's inotify layer directly: its Observer takes each event through three threads, and holds
    all events back for half a second behind a file that was moved away.
    """

    def __init__(self, directory: str) -> None:
        self.alive = True
        self._directory = directory
        self._wakes: weakref.WeakSet[Wake] = weakref.WeakSet()
        self._users = 0
        self._needed = threading.Event()
        self._inotify, self._unwatch = _inotify(directory)
        self._thread = threading.Thread(target=self._read, name=f"queuekit wake {directory}", daemon=True)
        self._thread.start()

    def enter(self, wake: Wake) -> Callable[[], object]:
        """One Wake more; returns how it leaves, which a forgotten Wake does by itself."""
        self._users += 1
        self._wakes.add(wake)
        return weakref.finalize(wake, self._left)

    def _left(self) -> None:
        with _lock:
            self._users -= 1
            if self._users > 0 or not self.alive:
                return
            self._end()
        with contextlib.suppress(LookupError, OSError):  # the directory is gone, and the watch with it
            self._unwatch()

    def join(self) -> None:
        if not self.alive and self._thread is not threading.current_thread():
            self._thread.join()

    def resume(self) -> None:
        if not self._needed.is_set():
            self._needed.set()

    def _end(self) -> None:
        with _lock:
            self.alive = False
            if _watchers.get(self._directory) is self:
                del _watchers[self._directory]
        self._needed.set()

    def _read(self) -> None:
        """Ends with the event that the watch is gone: closed before a first read, descriptors would leak."""
        try:
            while self._hand_on(self._inotify.read_events()):
                time.sleep(_SPREAD)
                self._rest_while_nobody_waits()
        except (LookupError, OSError) as error:  # older watchdogs: an event of a watch that is gone
            _log.debug("no longer watching %s: %r", self._directory, error)
        finally:
            self._end()
            for wake in self._members():
                wake.notify()
            self._inotify.close()

    def _hand_on(self, events: list[Any]) -> bool:
        """Hint to those whose files these are; False if the watch is gone (directory moved or deleted)."""
        names = {event.name for event in events}
        for wake in self._members():
            wake._heard(names)
        return all(event.name or event.mask & _OVERFLOW for event in events)

    def _rest_while_nobody_waits(self) -> None:
        """So own commits cost a busy process little: the kernel merges their events until somebody waits."""
        self._needed.clear()
        if self.alive and not any(wake._latches for wake in self._members()):
            self._needed.wait()

    def _members(self) -> list[Wake]:
        with _lock:
            return list(self._wakes)


def _watcher_of(directory: str) -> _Watcher:
    if not os.path.isdir(directory):
        raise FileNotFoundError(directory)
    if not os.access(directory, os.R_OK):  # watchdog would pass over it in silence
        raise PermissionError(f"no permission to read {directory}")
    if directory not in _watchers:
        _watchers[directory] = _Watcher(directory)
    return _watchers[directory]


def _inotify(directory: str) -> tuple[Any, Callable[[], object]]:
    """watchdog's inotify descriptor (read_events blocks; close) on the directory, and what ends the watch.

    Raises whatever says that there is none: another system, a limit reached, a watchdog of another shape.
    """
    from watchdog.observers import inotify_c

    layer: Any = inotify_c
    path = os.fsencode(directory)
    mask = sum(getattr(layer.InotifyConstants, f"IN_{hint}") for hint in _HINTS)
    if not hasattr(layer, "InotifyFD"):  # watchdog 6 and older
        inotify = layer.Inotify(path, event_mask=mask)
        return inotify, partial(inotify.remove_watch, path)
    inotify = layer.InotifyFD()
    deaf = SimpleNamespace(on_watch_deleted=lambda _: None)  # we read the events ourselves
    watch = inotify.add_callback(path, mask, deaf, 0)
    return inotify, partial(inotify.remove_callbacks, [(watch, 0)])


def _forget_watchers_of_the_parent() -> None:
    """Their threads did not come along, and to end them here would take the watches from the parent."""
    global _lock
    _lock = threading.RLock()
    for watcher in _watchers.values():
        watcher.alive = False
    _watchers.clear()
    for wake in list(_wakes):
        wake._start()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_watchers_of_the_parent)
