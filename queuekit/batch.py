"""Batches: tasks that are counted together, and a task that runs when all of them are finished."""

from __future__ import annotations

from typing import Any

from queuekit.database import Database
from queuekit.errors import NoTask
from queuekit.model import encode


class Batch:
    """A batch of a file. Put tasks into it with put(…, batch=batch.id), then close it; or use it as a context manager.

    Tasks of the batch may add more as long as one of it is unfinished. Left by an exception it stays open.
    """

    def __init__(self, database: Database, id: int) -> None:
        self.database = database
        self.id = id

    @classmethod
    def open(
        cls,
        database: Database,
        callback: Any = None,
        *,
        name: str | None = None,
        queue: str = "default",
        kind: str = "",
        now: int | None = None,
    ) -> Batch:
        """Begin one. callback is the payload of the task of queue and kind that runs at the end, or None."""
        payload = None if callback is None else encode(callback)
        given = {"payload": payload, "name": name, "queue": queue, "kind": kind, "now": now}
        return cls(database, database.insert("batch_open", given))

    @classmethod
    def of_callback(cls, database: Database, id: int) -> Batch | None:
        """The batch whose callback is the task with this id, or None."""
        rows = database.rows("batch", {"callback": id})
        return cls(database, rows[0]["id"]) if rows else None

    def close(self) -> None:
        """Nothing more comes but from its own tasks: when all are finished, the callback runs. Raises NoTask."""
        if not self.database.count("batch_close", {"id": self.id}):
            raise self._missing()

    def show(self) -> dict[str, Any]:
        """How far it is (columns of batch.sql). Raises NoTask."""
        rows = self.database.rows("batch", {"id": self.id})
        if not rows:
            raise self._missing()
        return rows[0]

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()

    def _missing(self) -> NoTask:
        return NoTask(f"there is no batch {self.id} in {self.database.path}")
