"""huey: SqliteHuey. Calling a task puts it; a consumer's dequeue deletes it, then executes it: there is no ack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huey import SqliteHuey

from .system import System


class Huey(System):
    """A task function of one argument, put by a call, taken by dequeue, run by execute."""

    title = "huey"
    ack = "no: dequeue deletes"
    lease = "no"
    history = "no"
    note = "SqliteHuey; synchronous set by a pragma on its connection (its own default is full, and fsync=False is off)"

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "huey.db"
        self.huey: Any = SqliteHuey("bench", filename=str(self.database))
        self.query(f"pragma synchronous = {synchronous}")
        self.seen: list[str] = []
        self.put = self.huey.task(name="job")(self._job)  # type: ignore[method-assign]

    def _job(self, payload: str) -> None:
        self.seen.append(payload)

    def query(self, sql: str) -> list[Any]:
        rows: list[Any] = self.huey.storage.conn.execute(sql).fetchall()
        return rows

    def put(self, payload: str) -> object:
        raise NotImplementedError  # the task function takes its place

    def claim(self) -> Any:
        return self.huey.dequeue()

    def done(self, message: Any) -> None:
        pass

    def payload(self, message: Any) -> str:
        return str(message.args[0])

    def loop(self, count: int) -> list[str]:
        """dequeue and execute, as its consumer does."""
        del self.seen[:]
        for _ in range(count):
            self.huey.execute(self.huey.dequeue())
        return self.seen

    def close(self) -> None:
        self.huey.storage.close()
