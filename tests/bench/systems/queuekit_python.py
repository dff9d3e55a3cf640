"""The same work through queuekit: the public Python API, all laws on, finished tasks kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from queuekit import Queue, Task

from .system import System


class QueuekitPython(System):
    """queuekit.Queue with its defaults."""

    title = "queuekit"
    ack = "yes"
    lease = "yes, fenced by a receipt"
    history = "yes: finished tasks and their runs are kept"
    note = "all laws on; pages of 2048"

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "queue.db"
        self.queue = Queue(self.database, "bench", lease=lease, synchronous=synchronous)
        self.put = self.queue.put  # type: ignore[method-assign]
        self.claim = self.queue.claim  # type: ignore[method-assign]

    def query(self, sql: str) -> list[Any]:
        rows = self.queue.database.connection().execute(sql).fetchall()
        return [[value.decode() if isinstance(value, bytes) else value for value in row] for row in rows]

    def put(self, payload: str) -> object:
        return self.queue.put(payload)

    def put_many(self, payloads: list[str]) -> None:
        self.queue.put_many(payloads)

    def claim(self) -> Task | None:
        return self.queue.claim()

    def done(self, message: Task) -> None:
        message.ack()

    def payload(self, message: Task) -> str:
        return message.payload

    def claim_many_and_ack(self, limit: int) -> list[str]:
        tasks = self.queue.claim_many(limit)
        if self.queue.ack_many(tasks):
            raise LookupError("a lease was lost")
        return [task.payload for task in tasks]

    def loop(self, count: int) -> list[str]:
        """for task in queue, the last one acked by hand: leaving the loop gives it back otherwise."""
        seen: list[str] = []
        for task in self.queue:
            seen.append(task.payload)
            if len(seen) == count:
                task.ack()
                break
        return seen

    def until(self, last: str) -> Iterator[str]:
        for task in self.queue:
            if task.payload == last:
                task.ack()
                break
            yield task.payload

    def close(self) -> None:
        self.queue.close()


class QueuekitEvents(QueuekitPython):
    """The same, with a row in its history for each put and each change of state."""

    title = "queuekit, events on"
    history = "yes: and an event for each put and change of state"
    only = ("put", "put_many", "claim+ack", "loop", "claim_many")
    consumes = False

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        super().__init__(folder, synchronous, lease=lease, threads=threads)
        self.queue.database.events(True)
