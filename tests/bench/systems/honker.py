"""honker: a queue in Rust over SQLite, with a Python binding. enqueue, claim_one, ack, and batches of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import honker

from .system import System

_WORKER = "bench"


class Honker(System):
    """honker.open(…).queue(…) with its defaults."""

    title = "honker"
    ack = "yes: DELETE"
    lease = "yes: a visibility timeout"
    history = "no: dead ones alone are kept"
    note = "as it opens the file: synchronous is not set here"
    levels = ("normal",)

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "honker.db"
        self.db: Any = honker.open(str(self.database))
        options = {} if lease is None else {"visibility_timeout_s": max(1, round(lease))}
        self.queue: Any = self.db.queue("bench", **options)
        self.put = self.queue.enqueue  # type: ignore[method-assign]

    def query(self, sql: str) -> list[Any]:
        with self.db.transaction() as writing:
            return [tuple(row.values()) for row in writing.query(sql, [])]

    def checkpoint(self) -> None:
        """Left to honker: a checkpoint cannot run inside a transaction."""

    def put(self, payload: str) -> object:
        return self.queue.enqueue(payload)

    def put_many(self, payloads: list[str]) -> None:
        with self.db.transaction() as writing:
            for payload in payloads:
                self.queue.enqueue(payload, tx=writing)

    def claim(self) -> Any:
        return self.queue.claim_one(_WORKER)

    def done(self, message: Any) -> None:
        if not message.ack():
            raise LookupError(message.id)

    def payload(self, message: Any) -> str:
        return str(message.payload)

    def claim_many_and_ack(self, limit: int) -> list[str]:
        jobs = self.queue.claim_batch(_WORKER, limit)
        self.queue.ack_batch([job.id for job in jobs], _WORKER)
        return [str(job.payload) for job in jobs]
