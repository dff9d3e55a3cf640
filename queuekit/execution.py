"""One task in the hands of a worker: how to stop its run, and who ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

from queuekit.durations import now_ms
from queuekit.model import Task
from queuekit.outcome import Outcome

MERCY = 5.0
"""Seconds between asking a run to stop and stopping it by force."""

Reason = Literal["cancel", "lost", "shutdown"]
Stopper = Callable[[bool], None]
"""Stops a run; the argument tells whether by force."""


class Execution:
    """A run in progress. A handler gets this: it reads .task, and may say with on_stop how it is stopped."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.began = time.monotonic()
        self.lease = max(task.lease_until - now_ms(), 1) / 1000
        self.reason: Reason | None = None
        self.lock = (
            threading.RLock()
        )  # held while a handler starts something: a stop waits, then finds the stopper
        self._stopper: Stopper | None = None
        self._force = False
        self._taken = False

    @property
    def stoppable(self) -> bool:
        """True if the handler said how its run is stopped."""
        return self._stopper is not None

    def on_stop(self, stopper: Stopper) -> None:
        """Call stopper when this run is to stop; at once if that was asked before."""
        with self.lock:
            self._stopper = stopper
            if self.reason is not None:
                stopper(self._force)

    def stop(self, reason: Reason, force: bool = False) -> None:
        """Ask the run to stop, and force it MERCY seconds later (or at once). Returns without waiting."""
        with self.lock:
            first, self.reason = self.reason is None, self.reason or reason
            self._force = self._force or force
            if self._stopper is not None and (first or force):
                self._stopper(force)
        if first and not force:
            timer = threading.Timer(MERCY, self.stop, (reason, True))
            timer.daemon = True
            timer.start()

    def take(self) -> bool:
        """True for the one caller that is to end this run (the slot, or a shutdown that gives up on it)."""
        with self.lock:
            taken, self._taken = self._taken, True
            return not taken

    @property
    def ended(self) -> bool:
        """True once somebody took the ending of this run."""
        return self._taken

    def elapsed_ms(self) -> float:
        """Milliseconds since the run began."""
        return (time.monotonic() - self.began) * 1000


Handle = Callable[[Execution], Outcome]
"""What a worker runs for each task: a Command, an App, or any function of an Execution."""
