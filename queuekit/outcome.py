"""What a run came to: the handler says it, the worker writes it. And how a Python handler says more than a result."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any, Literal

from queuekit.durations import Duration, milliseconds
from queuekit.errors import reason_of, text_of


class Retry(Exception):
    """Raised by a handler: not now. The task is released, ready again after delay, and no attempt is counted.

    Raises Usage for what is no duration.
    """

    def __init__(self, delay: Duration = 10) -> None:
        super().__init__(f"again in {delay}")
        self.delay = milliseconds(delay) / 1000


class Discard(Exception):
    """Raised by a handler: never again. The task is dead at once, with the reason."""

    def __init__(self, reason: str = "discarded by its handler") -> None:
        super().__init__(reason)


@dataclass(frozen=True)
class Outcome:
    """How a run ends: ack with a result, nack with an error (dead: for good), or release after a delay.

    where is the place in the code that an error came from, for the log.
    """

    verb: Literal["ack", "nack", "release"]
    result: Any = None
    error: str | None = None
    delay: Duration | None = None
    dead: bool = False
    where: str | None = None


def done(result: Any = None) -> Outcome:
    """The run succeeded; result is None, text, or any JSON value."""
    return Outcome("ack", result=result)


def failed(error: str, *, dead: bool = False) -> Outcome:
    """The run failed: backoff and another attempt, or with dead none."""
    return Outcome("nack", error=error, dead=dead)


def later(delay: Duration | None = None, why: str | None = None) -> Outcome:
    """The run did not happen: the task is given back, to be ready after delay."""
    return Outcome("release", error=why, delay=delay)


def of_exception(error: BaseException) -> Outcome:
    """What a handler's exception means: Retry and Discard as they say, anything else is a failure."""
    if isinstance(error, Retry):
        return later(getattr(error, "delay", 10), text_of(error))
    if isinstance(error, Discard):
        return failed(text_of(error), dead=True)
    text = reason_of(error)
    return Outcome("nack", error=text, where=_where(error))


def _where(error: BaseException) -> str | None:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
