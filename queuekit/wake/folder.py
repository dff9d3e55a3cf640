"""Sleeping until a file comes into a folder."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from queuekit.wake.watcher import Sleeper, Watcher, watcher_of

_POLL = 2.0  # seconds between looks where the folder cannot be watched

_log = logging.getLogger("queuekit")


class Folder:
    """Waits for something to happen in the folder at path, which is made if it is missing. For one waiting thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sleeper = Sleeper()
        self._watcher: Watcher | None = None
        self._leave: Callable[[], object] = lambda: None

    def wait(self, timeout: float) -> None:
        """Return when something happened since the last wait, when ring was called, or after timeout seconds."""
        if watcher := self._watch():
            watcher.sleep(self._sleeper, timeout)
        else:
            self._sleeper.sleep(min(timeout, _POLL))
        self._sleeper.clear()

    def ring(self) -> None:
        """End the wait, from any thread."""
        self._sleeper.ring()

    def heard(self, names: set[bytes]) -> None:
        """For the watcher: something happened to the files of these names."""
        if names:
            self.ring()

    def close(self) -> None:
        """Stop watching."""
        self._leave()

    def _watch(self) -> Watcher | None:
        """Who watches the folder; the first look after it began to be watched is made at once."""
        if self._watcher is not None and self._watcher.alive:
            return self._watcher
        try:
            with contextlib.suppress(FileExistsError):
                self._path.mkdir(parents=True)
            self._watcher, self._leave = watcher_of(str(self._path), self)
        except Exception as error:
            _log.debug("cannot watch %s: %s; looking every %g s", self._path, error, _POLL)
            return None
        self.ring()
        return self._watcher
