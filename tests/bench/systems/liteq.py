"""liteq: a task function's delay puts; its worker takes a task, runs it in a thread and marks it done.

The worker sleeps half a second between two tasks. The consumer loop is that worker; claim + ack is the same step of it
without the sleep. Every step opens a connection of its own, which is how liteq does it.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import liteq
from liteq import db, worker

from .system import System


class Liteq(System):
    """liteq.task and liteq.worker.Worker."""

    title = "liteq"
    ack = "yes, by its worker"
    lease = "no"
    history = "finished rows are kept"
    note = (
        "a connection an operation, three commits a task; its worker takes one task each half second, which claim + ack"
        " leaves out; synchronous is normal and cannot be set"
    )
    pace = 0.1
    levels = ("normal",)
    loops = 3

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "liteq.db"
        os.environ["LITEQ_DB"] = db.DB_PATH = str(self.database)
        db.init_db()
        self.seen: list[str] = []
        self.enough = threading.Event()
        self.expected = 1
        self.holding = False
        self.worker: Any = worker.Worker(["default"], 1)
        job: Any = liteq.task(name="job")(self._job)
        self.put = job.delay  # type: ignore[method-assign]

    def _job(self, payload: str) -> None:
        while self.holding:
            time.sleep(1)
        self.seen.append(payload)
        if len(self.seen) >= self.expected:
            self.enough.set()

    def query(self, sql: str) -> list[Any]:
        connection = db.get_conn()
        try:
            return [tuple(row) for row in connection.execute(sql)]
        finally:
            connection.close()

    def put(self, payload: str) -> object:
        raise NotImplementedError  # the task function's delay takes its place

    def claim(self) -> Any:
        """One step of the worker: the task is taken, run and done when this returns."""
        self.worker._fetch_and_run()
        for future, _ in self.worker.running_tasks.values():
            future.result()
        return self.seen.pop() if self.seen else None

    def hold(self) -> bool:
        self.holding = True
        self.worker._fetch_and_run()
        return bool(self.worker.running_tasks)

    def done(self, message: Any) -> None:
        pass

    def payload(self, message: Any) -> str:
        return str(message)

    def loop(self, count: int) -> list[str]:
        """Its worker as it is, in a thread."""
        self.expected = count
        self.enough.clear()
        thread = threading.Thread(target=self.worker.run)
        thread.start()
        self.enough.wait()
        self.worker.shutdown = True
        thread.join()
        return self.seen

    def close(self) -> None:
        self.worker.pool.shutdown()
