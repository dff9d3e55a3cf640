"""persist-queue: SQLiteAckQueue, whose get marks a message as taken and whose ack marks it as done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from persistqueue import Empty, SQLiteAckQueue

from .system import System


class PersistQueue(System):
    """SQLiteAckQueue with its defaults; multithreading=True where threads share it, as its docs say."""

    title = "persist-queue"
    ack = "yes"
    lease = "no: what is not acked is ready again when somebody opens the queue"
    history = "acked rows are kept, and every get passes over them"
    note = "SQLiteAckQueue; pickles payloads; synchronous set by a pragma on its connection (its own default is full)"

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "data.db"
        self.queue: Any = SQLiteAckQueue(str(folder), multithreading=threads)
        connections: set[Any] = {self.queue._getter, self.queue._putter}
        for connection in connections:
            connection.execute(f"pragma synchronous = {synchronous}").fetchall()

    def query(self, sql: str) -> list[Any]:
        rows: list[Any] = self.queue._putter.execute(sql).fetchall()
        return rows

    def put(self, payload: str) -> object:
        return self.queue.put(payload)

    def claim(self) -> Any:
        try:
            return self.queue.get(block=False, raw=True)
        except Empty:
            return None

    def done(self, message: Any) -> None:
        self.queue.ack(message)

    def payload(self, message: Any) -> str:
        return str(message["data"])

    def loop(self, count: int) -> list[str]:
        """get and ack, as its docs show."""
        seen = []
        for _ in range(count):
            item = self.queue.get()
            self.queue.ack(item)
            seen.append(item)
        return seen

    def close(self) -> None:
        self.queue.close()
