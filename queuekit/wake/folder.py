"""Sleeping until a file comes into a folder."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from queuekit.wake.watcher import Watcher, watcher_of

_POLL = 2.0  # seconds between looks where the folder cannot be watched

_log = logging.getLogger("queuekit")


class Folder:
    """Waits for something to happen in the folder at path, which is made if it is missing. For one waiting thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rung = threading.Event()
        self._watcher: Watcher | None = None
        self._leave: Callable[[], object] = lambda: None

    @property
    def waiting(self) -> bool:
        """Always: a ring is kept until the next wait."""
        return True

    def wait(self, timeout: float) -> None:
        """Return when something happened since the last wait, when ring was called, or after timeout seconds."""
        watched = self._watch()
        self._rung.wait(min(timeout, threading.TIMEOUT_MAX if watched else _POLL))
        self._rung.clear()

    def ring(self) -> None:
        """End the wait, from any thread."""
        self._rung.set()

    def notify(self) -> None:
        """For the watcher: look again."""
        self.ring()

    def heard(self, names: set[bytes]) -> None:
        """For the watcher: something happened to the files of these names."""
        self.ring()

    def close(self) -> None:
        """Stop watching."""
        self._leave()
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self) -> bool:
        """True if the folder is watched; the first look after it began to be is made at once."""
        if self._watcher is not None and self._watcher.alive:
            self._watcher.resume()
            return True
        try:
            with contextlib.suppress(FileExistsError):
                self._path.mkdir(parents=True)
            self._watcher, self._leave = watcher_of(str(self._path), self)
        except Exception as error:
            _log.debug("cannot watch %s: %s; looking every %g s", self._path, error, _POLL)
            return False
        self._watcher.resume()
        self.ring()
        return True
