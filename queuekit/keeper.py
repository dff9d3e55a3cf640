"""Keeps the leases of all running tasks, in one thread: each is extended at a third of its length."""

from __future__ import annotations

import logging
import math
import threading
import time

from queuekit.durations import now_ms
from queuekit.errors import LeaseLost, QueuekitError
from queuekit.execution import Execution, Reason
from queuekit.logs import say

_LONGEST = 3600.0  # seconds: a thread cannot wait for ever and a day
_AGAIN = 10  # parts of a lease to wait after an extend that failed (busy, disk full)


class Keeper:
    """Extends what it watches until told to forget it; stops a run whose lease is lost or whose cancel is asked."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._changed = threading.Condition()
        self._beats: dict[Execution, float] = {}
        self._asleep_until = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="queuekit-keeper", daemon=True)

    def start(self) -> None:
        """Begin; call once."""
        self._thread.start()

    def watch(self, execution: Execution) -> None:
        """Keep the lease of this run from now on."""
        execution.task.extended = lambda: self._note(execution, _a_third(execution))
        with self._changed:
            self._beats[execution] = math.inf
            self._note(execution, _a_third(execution))

    def forget(self, execution: Execution) -> None:
        """The run has ended."""
        with self._changed:
            self._beats.pop(execution, None)

    def close(self) -> None:
        """Stop, without waiting."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while not self._closed:
            for execution in self._due():
                try:
                    self._keep(execution)
                except (
                    Exception
                ) as error:  # one run that cannot be kept must not cost the others their leases
                    self._say("lease not extended yet", execution, error=str(error))
                    self._note(execution, execution.lease / _AGAIN)

    def _note(self, execution: Execution, wait: float) -> None:
        """The next beat of this run comes after wait seconds, if it is still watched."""
        with self._changed:
            if execution in self._beats:
                self._beats[execution] = beat = time.monotonic() + wait
                if beat < self._asleep_until:
                    self._changed.notify()

    def _due(self) -> list[Execution]:
        """The runs whose lease is to be extended now; none after a sleep."""
        with self._changed:
            now = time.monotonic()
            due = [execution for execution, beat in self._beats.items() if beat <= now]
            if not due and not self._closed:
                self._asleep_until = min(self._beats.values(), default=math.inf)
                self._changed.wait(min(self._asleep_until - now, _LONGEST) if self._beats else None)
                self._asleep_until = 0.0
            return due

    def _keep(self, execution: Execution) -> None:
        left = _left(execution)
        try:
            held = execution.task.extend(
                left if left > execution.lease else None
            )  # what a handler took is not cut
            if held.cancel_asked:
                self._stop(execution, "cancel")
        except LeaseLost:
            self.forget(execution)
            if not self._was_ended(execution):
                self._stop(execution, "lost")
            return
        except QueuekitError as error:
            self._say("lease not extended yet", execution, error=str(error))
            self._note(execution, execution.lease / _AGAIN)

    def _was_ended(self, execution: Execution) -> bool:
        try:
            return execution.task.was_ended()
        except QueuekitError:
            return False

    def _stop(self, execution: Execution, reason: Reason) -> None:
        if execution.reason is None and not execution.ended:
            self._say("lease lost, stopping" if reason == "lost" else "cancel asked, stopping", execution)
            execution.stop(reason)

    def _say(self, event: str, execution: Execution, **fields: object) -> None:
        task = execution.task
        say(logging.WARNING, event, worker=self._worker, queue=task.queue, receipt=task.receipt, **fields)


def _left(execution: Execution) -> float:
    """Seconds until the lease of the run ends."""
    return max(execution.task.lease_until - now_ms(), 0) / 1000


def _a_third(execution: Execution) -> float:
    return _left(execution) / 3
