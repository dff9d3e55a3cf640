"""The one reader of a directory's inotify events in a process, shared by all who sleep on files there."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol

_SPREAD = 0.001  # seconds between hints of a busy file; whoever got the last one is still looking by itself
_HINTS = ["MODIFY", "CLOSE_WRITE", "CREATE", "DELETE", "MOVED_FROM", "MOVED_TO", "DELETE_SELF", "MOVE_SELF"]
_OVERFLOW = 0x4000  # IN_Q_OVERFLOW: the kernel dropped events

_log = logging.getLogger("queuekit")
_lock = threading.RLock()  # reentrant, for a finalizer may run inside
_watchers: dict[str, Watcher] = {}


class Listener(Protocol):
    """Who sleeps on files of a directory: a Wake."""

    @property
    def waiting(self) -> bool:
        """True if a thread waits."""

    def heard(self, names: set[bytes]) -> None:
        """Something happened to the files of these names ("" = to all)."""

    def notify(self) -> None:
        """Let every waiting thread look again now."""


class Watcher:
    """The one reader of a directory's inotify events in this process. It rests while nobody waits.

    Reads watchdog's inotify layer directly: its Observer takes each event through three threads, and holds
    all events back for half a second behind a file that was moved away.
    """

    def __init__(self, directory: str) -> None:
        self.alive = True
        self._directory = directory
        self._wakes: weakref.WeakSet[Listener] = weakref.WeakSet()
        self._users = 0
        self._needed = threading.Event()
        self._inotify, self._unwatch = _inotify(directory)
        self._thread = threading.Thread(target=self._read, name=f"queuekit wake {directory}", daemon=True)
        self._thread.start()

    def enter(self, wake: Listener) -> Callable[[], object]:
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
        """Wait for the reader to end, once nobody listens any more."""
        if not self.alive and self._thread is not threading.current_thread():
            self._thread.join()

    def resume(self) -> None:
        """Somebody waits: read on."""
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
            wake.heard(names)
        return all(event.name or event.mask & _OVERFLOW for event in events)

    def _rest_while_nobody_waits(self) -> None:
        """So own commits cost a busy process little: the kernel merges their events until somebody waits."""
        self._needed.clear()
        if self.alive and not any(wake.waiting for wake in self._members()):
            self._needed.wait()

    def _members(self) -> list[Listener]:
        with _lock:
            return list(self._wakes)


def watcher_of(directory: str, wake: Listener) -> tuple[Watcher, Callable[[], object]]:
    """The watcher of the directory, with wake among its listeners, and how wake leaves it.

    Raises FileNotFoundError, PermissionError, and whatever else says that it cannot be watched.
    """
    if not os.path.isdir(directory):
        raise FileNotFoundError(directory)
    if not os.access(directory, os.R_OK):  # watchdog would pass over it in silence
        raise PermissionError(f"no permission to read {directory}")
    with _lock:
        if directory not in _watchers:
            _watchers[directory] = Watcher(directory)
        watcher = _watchers[directory]
        return watcher, watcher.enter(wake)


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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_watchers_of_the_parent)
