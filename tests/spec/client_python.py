"""Python, as a client of the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients import Row, per_second

from queuekit import Batch, Database, Queue, Task


class Python:
    """The Python package, in this process."""

    def __init__(self, db: Path) -> None:
        self.db = db
        self.database = Database(db, create=False, timeout=30)
        self.queues: dict[tuple[Any, ...], Queue] = {}

    def queue(self, name: str | None = None, worker: str | None = None, **choice: Any) -> Queue:
        key = "default" if name is None else name, worker, *choice.values()
        if key not in self.queues:
            self.queues[key] = Queue(self.database, key[0], worker=worker, **choice)
        return self.queues[key]

    def put(
        self, payload: str, *, queue: str | None = None, now: int | None = None, **options: Any
    ) -> tuple[int, int]:
        id = self.queue(queue).put(payload, now=now, **lengths(options))
        return int(id), id.duplicates

    def claim(
        self, queue: str | None = None, *, worker: str | None = None, now: int | None = None, **options: Any
    ) -> Row | None:
        task = self.queue(queue, worker, **choice(options)).claim(now=now, **lengths(options))
        return told(task) if task else None

    def claim_many(
        self, limit: int, *, queue: str | None = None, worker: str | None = None, **options: Any
    ) -> list[Row]:
        source = self.queue(queue, worker, **choice(options))
        return [told(task) for task in source.claim_many(limit, **lengths(options))]

    def put_many(self, payloads: list[str], *, queue: str | None = None, **options: Any) -> list[int]:
        return self.queue(queue).put_many(payloads, **lengths(options))

    def ack(self, receipt: str, *, result: str | None = None, now: int | None = None) -> None:
        self.queue().ack(receipt, result, now=now)

    def nack(self, receipt: str, *, now: int | None = None, **options: Any) -> str:
        return self.queue().nack(receipt, now=now, **lengths(options))

    def extend(self, receipt: str, *, lease_ms: int | None = None, now: int | None = None) -> Row:
        held = self.queue().extend(receipt, now=now, **lengths({"lease_ms": lease_ms}))
        return {"lease_until": held.until, "cancel_asked": held.cancel_asked}

    def release(self, receipt: str, *, delay_ms: int | None = None, now: int | None = None) -> str:
        return self.queue().release(receipt, now=now, **lengths({"delay_ms": delay_ms}))

    def cancel(self, id: int, *, now: int | None = None) -> str:
        return self.queue().cancel(id, now=now)

    def retry(self, id: int, *, delay_ms: int | None = None, now: int | None = None) -> str:
        return self.queue().retry(id, now=now, **lengths({"delay_ms": delay_ms}))

    def snooze(
        self, id: int, *, delay_ms: int | None = None, run_at: int | None = None, now: int | None = None
    ) -> str:
        given = {"delay_ms": delay_ms} if run_at is None else {"run_at": run_at}
        return self.queue().snooze(id, now=now, **lengths(given))

    def results(self, id: int) -> list[Row]:
        return self.queue().results(id)

    def batch_open(
        self, payload: str | None = None, *, queue: str | None = None, now: int | None = None
    ) -> int:
        return Batch.open(self.database, payload, queue=queue or "default", now=now).id

    def batch_close(self, id: int) -> None:
        Batch(self.database, id).close()

    def batch(self, id: int) -> Row:
        return Batch(self.database, id).show()

    def tick(self, *, now: int | None = None) -> None:
        self.queue().tick(now)

    def purge(self, *, queue: str | None = None, now: int | None = None, **options: Any) -> int:
        return self.queue(queue).purge(now=now, **lengths(options))

    def show(self, id: int) -> Row:
        return self.queue().show(id)

    def listed(self, queue: str = "default", **options: Any) -> list[Row]:
        return self.queue(queue).list(**options)

    def stats(self, queue: str) -> Row:
        return self.queue(queue).stats()

    def pause(self, queue: str | None = None) -> None:
        self.queue(queue).pause()

    def resume(self, queue: str | None = None) -> None:
        self.queue(queue).resume()

    def policy(self, queue: str | None = None, **options: Any) -> Row:
        return self.queue(queue).policy(**lengths(options))

    def due(self, *, now: int | None = None) -> int | None:
        return self.database.next_due(now)

    def make_view(self, queue: str) -> None:
        self.database.make_view(queue)

    def events(self, on: bool) -> None:
        self.database.events(on)

    def close(self) -> None:
        for queue in self.queues.values():
            queue.close()
        self.database.close()


def told(task: Task) -> Row:
    names = ("id", "receipt", "queue", "kind", "key", "payload", "attempt", "lease_until")
    return {name: getattr(task, name) for name in names}


def choice(options: Row) -> Row:
    """What a Queue is made with; the rest stays in options."""
    return {name: options.pop(name, None) for name in ("strategy", "capabilities")}


UNIQUE = {-1: "unclaimed", 9007199254740991: "forever"}


def lengths(options: Row) -> Row:
    """The options as Python names them: lengths are texts, the moment of run_at is in seconds."""
    given: Row = {}
    for name, value in options.items():
        if value is None:
            continue
        if name in ("run_at", "until_at"):
            given[name.removeprefix("run_").removesuffix("_at")] = value / 1000
        elif name == "after":
            given[name] = json.loads(value)
        elif name == "rate_us":
            given["rate"] = per_second(value)
        elif name == "unique_ms":
            given["unique"] = UNIQUE.get(value, f"{value}ms")
        elif name.endswith("_ms"):
            given[name.removesuffix("_ms")] = f"{value}ms"
        else:
            given[name] = value
    return given
