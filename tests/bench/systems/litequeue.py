"""litequeue: put, pop (locks a message) and done. What a dead consumer had locked stays locked until somebody acts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litequeue import LiteQueue

from .system import System


class Litequeue(System):
    """LiteQueue with its defaults."""

    title = "litequeue"
    ack = "yes: done"
    lease = "no: a lock is found by list_locked and taken back by retry, by hand"
    history = "done rows are kept until prune"
    note = "synchronous is normal by itself; full is set by a pragma on its connection"

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "litequeue.db"
        self.queue: Any = LiteQueue(self.database)
        self.query(f"pragma synchronous = {synchronous}")
        self.put = self.queue.put  # type: ignore[method-assign]
        self.claim = self.queue.pop  # type: ignore[method-assign]

    def query(self, sql: str) -> list[Any]:
        rows: list[Any] = self.queue.conn.execute(sql).fetchall()
        return rows

    def put(self, payload: str) -> object:
        return self.queue.put(payload)

    def put_many(self, payloads: list[str]) -> None:
        with self.queue.transaction():
            for payload in payloads:
                self.queue.put(payload)

    def claim(self) -> Any:
        return self.queue.pop()

    def done(self, message: Any) -> None:
        self.queue.done(message.message_id)

    def payload(self, message: Any) -> str:
        return str(message.data)

    def loop(self, count: int) -> list[str]:
        """pop and done, as its docs show."""
        return [self.claim_and_ack() for _ in range(count)]

    def close(self) -> None:
        self.queue.close()
