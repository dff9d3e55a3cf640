"""The queue: each verb is one file of sql/. What blocks (get, iteration) is in consumer.py."""

from __future__ import annotations

import os
import queue as stdlib_queue
from collections.abc import Iterable, Iterator
from typing import Any

from queuekit import consumer
from queuekit.claims import Claims
from queuekit.database import Database
from queuekit.durations import Duration, each_us, milliseconds
from queuekit.errors import Usage
from queuekit.model import FINISHED, STATES, Task, a_state
from queuekit.producer import Producer
from queuekit.schema import default_path
from queuekit.wake import Wake

Empty = stdlib_queue.Empty
"""Raised by get when there was nothing in time: the standard library's queue.Empty."""


class Queue(Producer, Claims):
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
        prefetch: int = 100,
    ) -> None:
        if not isinstance(path, Database):
            path = Database(path or default_path(), synchronous=synchronous, timeout=timeout)
        self.database = path
        self.name = name
        self.wake = Wake(path.path, fallback=fallback)
        self._prefetch = prefetch
        self._claims_as(worker, lease, strategy, capabilities)

    def get(self, block: bool = True, timeout: float | None = None) -> Task:
        """Claim a task, sleeping until there is one, timeout seconds at most. Raises Empty when there was none.

        A file that others hold locked is waited for as any write waits, on top of that: then it is Busy.
        """
        task = consumer.wait_for_task(self, 0 if not block else timeout)
        if task is None:
            raise Empty
        return task

    def __iter__(self) -> Iterator[Task]:
        """Tasks for ever: blocks, acks each before the next is begun (in the transaction that claims more, if it must).

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
