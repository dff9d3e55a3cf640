"""A claimed task, as a consumer holds it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from queuekit.durations import Duration
from queuekit.errors import BadPayload, QueuekitError, Usage

if TYPE_CHECKING:
    from queuekit.database import Database

_log = logging.getLogger("queuekit")

STATES = ("ready", "scheduled", "blocked", "running", "done", "dead", "cancelled")
"""Every state a task can be in."""

STRATEGIES = ("priority", "fifo", "lifo", "random", "fair")
"""The orders in which tasks may be claimed."""

PRIORITIES = ("low", "normal", "high", "critical")
"""The names of priorities; the file knows their numbers."""

FINISHED = ("done", "dead", "cancelled")
"""The states that end it."""


class TaskId(int):
    """The id that put returns; duplicates is 0 for a new task, else how many puts have met its key."""

    duplicates: int = 0


class Holder(Protocol):
    """What a task needs of the queue it came from."""

    database: Database
    name: str

    def ack(self, receipt: str, result: Any = None) -> None: ...
    def nack(
        self,
        receipt: str,
        error: str | BaseException | None = None,
        *,
        delay: Duration | None = None,
        dead: bool = False,
    ) -> str: ...
    def extend(self, receipt: str, lease: Duration | None = None) -> Lease: ...
    def release(self, receipt: str, *, delay: Duration | None = None) -> str: ...
    def results(self, id: int) -> list[dict[str, Any]]: ...
    def on_rollback(self, take_back: Callable[[], None]) -> None: ...
    def was_ended(self, receipt: str) -> bool: ...


class Lease:
    """What extend tells: until (ms), and whether a cancel was asked."""

    __slots__ = ("cancel_asked", "until")

    def __init__(self, until: int, cancel_asked: bool) -> None:
        self.until = until
        self.cancel_asked = cancel_asked


class Task:
    """One run of one task. Its receipt is the fence: once the lease is lost, every method raises LeaseLost.

    id, receipt, queue, kind, key (or None), payload (the text, as put), attempt (1 for the first), lease_until (ms).
    settled turns True when this object acked, nacked or released the run (and False again if that is rolled back).
    As a context manager: ack at the end, nack with the exception (which goes on, whatever becomes of the nack), release
    on KeyboardInterrupt and SystemExit.
    """

    __slots__ = (
        "attempt",
        "extended",
        "holder",
        "id",
        "key",
        "kind",
        "lease_until",
        "payload",
        "queue",
        "receipt",
        "settled",
    )

    def __init__(
        self,
        holder: Holder,
        id: int,
        receipt: str,
        queue: str,
        kind: str,
        key: str | None,
        payload: str,
        attempt: int,
        lease_until: int,
    ) -> None:
        self.holder = holder
        self.id = id
        self.receipt = receipt
        self.queue = queue
        self.kind = kind
        self.key = key
        self.payload = payload
        self.attempt = attempt
        self.lease_until = lease_until
        self.settled = False
        self.extended: Callable[[], None] | None = None  # who keeps the lease is told that it has changed

    @property
    def data(self) -> Any:
        """The payload decoded from JSON; the text itself where it is no JSON."""
        return decode(self.payload)

    def ack(self, result: Any = None) -> None:
        """The run succeeded: the task is done; result (None, text, or any JSON value) is kept. Raises LeaseLost."""
        self.holder.ack(self.receipt, result)
        self.mark_settled()

    def nack(
        self, error: str | BaseException | None = None, *, delay: Duration | None = None, dead: bool = False
    ) -> str:
        """The run failed; error is text or the exception. Waits the backoff (or delay), or is dead: the new state.

        Raises LeaseLost.
        """
        state = self.holder.nack(self.receipt, error, delay=delay, dead=dead)
        self.mark_settled()
        return state

    def extend(self, lease: Duration | None = None) -> Lease:
        """Hold the task for another lease, from now; tells whether a cancel was asked. Raises LeaseLost."""
        held = self.holder.extend(self.receipt, lease)
        self.lease_until = held.until
        if self.extended is not None:
            self.extended()
        return held

    def release(self, *, delay: Duration | None = None) -> str:
        """Give the task back unfinished; it costs no attempt. Returns the new state. Raises LeaseLost."""
        state = self.holder.release(self.receipt, delay=delay)
        self.mark_settled()
        return state

    def results(self) -> list[dict[str, Any]]:
        """What the tasks that this one waited for have left, in the order of their ids (columns of results.sql)."""
        return self.holder.results(self.id)

    def was_ended(self) -> bool:
        """True if this run was acked, nacked or released, by this object or by anyone with its receipt; not by time."""
        return self.settled or self.holder.was_ended(self.receipt)

    def mark_settled(self) -> None:
        """Its run has ended by its receipt; not if the transaction that did it is rolled back."""
        if self.holder.database.depth:  # somebody's transaction: perhaps this thread's
            self.holder.on_rollback(self._unsettle)  # first, for an interrupt may come out of it
        self.settled = True

    def _unsettle(self) -> None:
        self.settled = False

    def __enter__(self) -> Task:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.settled:
            return
        if error is None:
            self.ack()
            return
        try:
            if isinstance(error, Exception):
                self.nack(error)
            else:
                self.release()
        except QueuekitError as another:
            _log.warning("the end of task %s was not written: %s", self.receipt, another)

    def __repr__(self) -> str:
        return f"<Task {self.receipt} of {self.queue!r}, kind {self.kind!r}, attempt {self.attempt}>"


def a_state(name: str | None) -> str | None:
    """The name, if it is None or one of STATES. Raises Usage."""
    if name is not None and name not in STATES:
        raise Usage(f"there is no state {name!r}; states are {', '.join(STATES)}")
    return name


def claimed(holder: Holder, row: tuple[Any, ...]) -> Task:
    """The task of a row of claim.sql, claim_many.sql or a lean twin, text as bytes. Raises UnicodeDecodeError."""
    if type(row[1]) is int:  # a lean twin leaves out what is known
        id, claims, kind, key, payload, attempt, until, *_ = row
        receipt, queue = f"{id}:{claims}", holder.name
    else:
        id, told, name, kind, key, payload, attempt, *_, until = row
        receipt, queue = told.decode(), name.decode()
    known = None if key is None else key.decode()
    return Task(holder, id, receipt, queue, kind.decode(), known, payload.decode(), attempt, until)


def receipt_of(row: tuple[Any, ...]) -> str:
    """The receipt of a row that claimed takes."""
    return f"{row[0]}:{row[1]}" if type(row[1]) is int else row[1].decode()


def encode(value: Any) -> str:
    """The payload for a value: text as it is, bytes as UTF-8, anything else as compact JSON. Raises BadPayload."""
    if isinstance(value, str):
        return value
    try:
        if isinstance(value, (bytes, bytearray)):
            return value.decode("utf-8")
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadPayload(f"a payload is text or a JSON value: {error}; nothing was put") from error


def decode(payload: str) -> Any:
    """The JSON value of a payload, or the text itself where it is no JSON."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload
