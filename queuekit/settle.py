"""Writing how a run ended, whatever the file is going through."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from queuekit.durations import now_ms
from queuekit.errors import Busy, LeaseLost, QueuekitError, reason_of, text_of
from queuekit.execution import Execution
from queuekit.logs import say
from queuekit.model import Task
from queuekit.outcome import Outcome, failed

_AGAIN = 0.2  # seconds between two tries of a write that failed

_ENDED = "ended by its handler"
_LEVELS = {"failed": logging.WARNING, "dead": logging.ERROR}


def settle(execution: Execution, outcome: Outcome, worker: str, give_up: Callable[[], bool]) -> None:
    """End the run, trying again until it is written, the lease has ended, or give_up says so. Raises nothing."""
    spoilt = False
    while True:
        try:
            return write(execution, outcome, worker)
        except LeaseLost:
            return _note_the_loss(execution, worker)
        except BaseException as error:  # SystemExit from a result's own code, too: a slot must live on
            over = give_up() or now_ms() >= execution.task.lease_until
            if over or spoilt:
                return note(execution, worker, "end not written", logging.ERROR, error=text_of(error))
            if _may_pass(error):
                note(execution, worker, "end not written yet", logging.WARNING, error=text_of(error))
                time.sleep(_AGAIN)
            else:
                outcome, spoilt = failed(f"its end cannot be kept: {reason_of(error)}"), True


def _note_the_loss(execution: Execution, worker: str) -> None:
    try:
        ended = execution.task.was_ended()
    except QueuekitError:
        ended = False
    if ended:
        note(execution, worker, _ENDED, logging.INFO)
    else:
        note(execution, worker, "lost", logging.WARNING, error="another worker has it; result dropped")


def _may_pass(error: BaseException) -> bool:
    """True for what lies with the file (busy, disk full), not with what the handler gave."""
    return isinstance(error, Busy) or type(error) is QueuekitError


def write(execution: Execution, outcome: Outcome, worker: str) -> None:
    """End the run as outcome says, and log it. Raises LeaseLost, Busy, BadPayload."""
    event = _end(execution.task, outcome)
    note(execution, worker, event, _LEVELS.get(event, logging.INFO), error=outcome.error, where=outcome.where)


def note(execution: Execution, worker: str, event: str, level: int, **fields: str | None) -> None:
    """Log what happened to the run."""
    task = execution.task
    kind, took = task.kind or None, round(execution.elapsed_ms(), 1)
    say(level, event, worker=worker, queue=task.queue, receipt=task.receipt, kind=kind, ms=took, **fields)


def _end(task: Task, outcome: Outcome) -> str:
    """End the run, unless its handler did so itself through the task; what it came to, in a word."""
    if task.settled:
        return _ENDED
    if outcome.verb == "ack":
        task.holder.ack(task.receipt, outcome.result)
        return "done"
    if outcome.verb == "nack":
        state = task.holder.nack(task.receipt, outcome.error, dead=outcome.dead)
        return "failed" if state == "scheduled" else state
    state = task.holder.release(task.receipt, delay=outcome.delay)
    return state if state == "cancelled" else "released"
