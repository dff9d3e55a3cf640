"""The queue: each verb is one file of sql/. What blocks (get, iteration) is in consumer.py."""

from __future__ import annotations

import logging
import os
import queue as stdlib_queue
from collections.abc import Iterable, Iterator
from typing import Any

from queuekit import consumer
from queuekit.database import Database
from queuekit.durations import Duration, each_us, milliseconds, now_ms, positive_milliseconds
from queuekit.errors import QueuekitError, Usage
from queuekit.identity import process_name
from queuekit.model import FINISHED, STATES, STRATEGIES, Task, a_state, claimed, receipt_of
from queuekit.producer import Producer, words
from queuekit.runs import Runs
from queuekit.schema import default_path
from queuekit.wake import Wake

_log = logging.getLogger("queuekit")
_LEAN = ("claim_simple", 0)  # takes nothing from a queue with policies of its own
_WHOLE = ("claim", 1)  # the statement of claim.sql without the tick before it
_TICK_MS = 50  # a busy consumer looks for due tasks this often, an idle one at every claim

Empty = stdlib_queue.Empty
"""Raised by get when there was nothing in time: the standard library's queue.Empty."""


class Queue(Producer, Runs):
    """The queue called name in the file at path (or in an open Database, to share its transactions).

    The file is made if it is missing. lease is the default lease of claims (None: as task and queue say), strategy
    their order (None: as the queue says; see claim.sql), capabilities what they can do ("gpu region=us", or a list of
    such words), worker the name its runs go by (default host.xxxx:pid), fallback the seconds after which a sleeping
    consumer looks without being woken, prefetch how many tasks iteration claims at once at most. May be shared by
    threads, and by processes across fork. now, wherever it is taken, is ms since the epoch, for tests. Raises Usage
    for what is no strategy.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Database | None = None,
        name: str = "default",
        *,
        lease: Duration | None = None,
        strategy: str | None = None,
        capabilities: str | Iterable[str] | None = None,
        worker: str | None = None,
        synchronous: str = "normal",
        timeout: float = 5.0,
        fallback: float = 30.0,
        prefetch: int = 32,
    ) -> None:
        if not isinstance(path, Database):
            path = Database(path or default_path(), synchronous=synchronous, timeout=timeout)
        self.database = path
        self.name = name
        self.wake = Wake(path.path, fallback=fallback)
        self._worker = worker
        self._process = (0, "")
        self._lease_ms = (
            0 if lease is None else positive_milliseconds(lease)
        )  # 0 = as the task says, as None would
        self._next_tick = 0
        self._prefetch = prefetch
        if strategy not in (None, *STRATEGIES):
            raise Usage(f"a strategy is one of {', '.join(STRATEGIES)}, not {strategy!r}")
        self._choice = {
            "strategy": strategy,
            "capabilities": None if capabilities is None else words(capabilities),
        }
        self._plain = strategy is None and self._choice["capabilities"] is None
        self._quick = _LEAN if self._plain else _WHOLE  # what a busy consumer claims by

    @property
    def worker(self) -> str:
        """The name that the runs of this queue object go by."""
        if self._worker is not None:
            return self._worker
        pid = os.getpid()
        if self._process[0] != pid:
            self._process = (pid, process_name())
        return self._process[1]

    def claim(self, *, lease: Duration | None = None, now: int | None = None) -> Task | None:
        """Take the best ready task for the length of a lease, or None. Raises Busy."""
        moment = now_ms() if now is None else now
        given = self._claim_parameters(lease, moment)
        quick = now is None and moment < self._next_tick
        while row := self._next_row(given, quick):
            try:
                return claimed(self, row)
            except UnicodeDecodeError as error:
                self._bury(row, error)
                quick = False
        return None

    @property
    def is_lean(self) -> bool:
        """True as long as no policy of the queue has met a claim of this object, and it names none itself."""
        return self._quick is _LEAN

    def _next_row(self, given: dict[str, Any], quick: bool) -> tuple[Any, ...] | None:
        run = self.database.run
        if quick and (rows := run(self._quick[0], given, self._quick[1])):
            return rows[0]
        rows = run("claim", given)
        self._next_tick = given["now"] + _TICK_MS
        self._quick = _WHOLE if (quick and rows) or not self._plain else _LEAN
        return rows[0] if rows else None

    def claim_many(self, limit: int, *, lease: Duration | None = None, now: int | None = None) -> list[Task]:
        """Take up to limit tasks at once, the best first. Raises Busy, and then took none."""
        given = self._claim_parameters(lease, now_ms() if now is None else now) | {"limit": limit}
        with self.database.transaction():  # what fails takes nothing that nobody would be told of
            rows = self.database.run("claim_many", given) if self._plain else []
            rows.sort(key=lambda row: (-row[7], row[0]))
            while len(rows) < limit and (more := self.database.run("claim", given)):
                rows += more  # claims go by another order, one by one (or none is left)
        return list(self._decoded(rows))

    def _decoded(self, rows: list[tuple[Any, ...]]) -> Iterator[Task]:
        for row in rows:
            try:
                yield claimed(self, row)
            except UnicodeDecodeError as error:
                self._bury(row, error)

    def get(self, block: bool = True, timeout: float | None = None) -> Task:
        """Claim a task, sleeping until there is one, timeout seconds at most. Raises Empty when there was none.

        A file that others hold locked is waited for as any write waits, on top of that: then it is Busy.
        """
        task = consumer.wait_for_task(self, 0 if not block else timeout)
        if task is None:
            raise Empty
        return task

    def __iter__(self) -> Iterator[Task]:
        """Tasks for ever: blocks, acks the last and claims the next in one transaction.

        Leaving the loop (break, exception) releases what was not acked. A lease lost meanwhile is logged, not raised.
        While handlers are fast, several tasks are claimed at once (as many as are handled in 10 ms, prefetch at most),
        each is acked by itself, and what was not begun after 100 ms is released: so this loop may come to a task of a
        higher priority that much later. With prefetch=1 none is claimed ahead.
        """
        return consumer.iterate(self, self._prefetch)

    def list(
        self, *, state: str | None = None, kind: str | None = None, key: str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Tasks of this queue, newest first (columns of list.sql). Raises Usage for what is no state."""
        given = {"queue": self.name, "state": a_state(state), "kind": kind, "key": key, "limit": limit}
        return self.database.rows("list", given)

    def stats(self) -> dict[str, Any]:
        """How many tasks are in each state (columns of stats.sql). Reads every task: not for loops."""
        rows = self.database.rows("stats", {"queue": self.name})
        return (
            rows[0]
            if rows
            else {"queue": self.name, "paused": 0, **dict.fromkeys(STATES, 0), "oldest_ready_at": None}
        )

    def qsize(self) -> int:
        """How many tasks are ready."""
        return int(self.database.run("count", {"queue": self.name})[0][0])

    def empty(self) -> bool:
        """True if nothing is ready."""
        return self.qsize() == 0

    def pause(self) -> None:
        """Claims of this queue, by anyone, find nothing until resume."""
        self.database.run("pause", {"queue": self.name})

    def resume(self) -> None:
        """End a pause."""
        self.database.run("resume", {"queue": self.name})

    def policy(
        self,
        *,
        lease: Duration | None = None,
        max_attempts: int | None = None,
        backoff: Duration | None = None,
        backoff_cap: Duration | None = None,
        retention: Duration | None = None,
        strategy: str | None = None,
        max_running: int | None = None,
        max_per_worker: int | None = None,
        rate: str | float | None = None,
        burst: int | None = None,
        max_depth: int | None = None,
        max_bytes: int | None = None,
        on_full: str | None = None,
        on_group: str | None = None,
    ) -> dict[str, Any]:
        """Set how this queue treats its tasks (policy.sql); what is not given stays, a limit of 0 is lifted.

        rate is "10/1m" (so many claims in that time) or claims a second. Returns what is set (None = built in).
        Raises Refused for a value that is none.
        """
        lengths = {"lease": lease, "backoff": backoff, "backoff_cap": backoff_cap, "retention": retention}
        given: dict[str, Any] = {"queue": self.name, "max_attempts": max_attempts, "strategy": strategy}
        given |= {
            f"{name}_ms": milliseconds(length) for name, length in lengths.items() if length is not None
        }
        given |= {"max_running": max_running, "max_per_worker": max_per_worker, "burst": burst}
        given |= {"max_depth": max_depth, "max_bytes": max_bytes, "on_full": on_full, "on_group": on_group}
        return self.database.rows("policy", given | {"rate_us": None if rate is None else each_us(rate)})[0]

    def purge(
        self, *, older: Duration | None = None, state: str | None = None, now: int | None = None
    ) -> int:
        """Forget finished tasks of this queue older than it keeps them; how many. Dead ones only with state="dead".

        Raises Usage for a state that is not finished.
        """
        if state is not None and state not in FINISHED:
            raise Usage(f"purge forgets what is {', '.join(FINISHED)}, not {state!r}")
        older_ms = None if older is None else milliseconds(older)
        return self.database.purge({"queue": self.name, "older_ms": older_ms, "state": state, "now": now})

    def tick(self, now: int | None = None) -> None:
        """Move all that is due in this file (claim does so by itself), and fire its schedules."""
        from queuekit.schedule import Schedules  # and with it time zones, which most never need

        while self.database.tick(now) or Schedules(self.database).fire(now):
            pass

    def close(self) -> None:
        """Stop watching, and close the file (the next use opens it again)."""
        self.wake.close()
        self.database.close()

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _claim_parameters(self, lease: Duration | None, now: int) -> dict[str, Any]:
        lease_ms = self._lease_ms if lease is None else positive_milliseconds(lease)
        given = {"queue": self.name, "worker": self._worker or self.worker, "lease_ms": lease_ms, "now": now}
        return given if self._plain else given | self._choice

    def _bury(self, row: tuple[Any, ...], error: UnicodeDecodeError) -> None:
        """A claimed row that is no text for Python would stop every consumer it meets: it is dead, with the reason."""
        receipt = receipt_of(row)
        try:
            self.nack(receipt, f"its text is no UTF-8: {error}", dead=True)
        except QueuekitError as trouble:  # the other tasks of this claim must not be lost sight of
            _log.warning("task %s is no UTF-8; it is held until its lease ends: %s", receipt, trouble)
