"""The same work through queuekit: the public Python API, and (Bare) the same statement files without Python's share."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

from queuekit import Queue, statements

_FILL = """
with recursive n(i) as (select 1 union all select i + 1 from n where i < :count)
insert into qk_task (state, claims, settled, due_at, ended_at, claimed_at, queue, duplicates, payload)
select :state, :claims, :settled, :due_at, :ended_at, :ended_at, 'bench', 0, :payload from n
"""


class Ours:
    """queuekit.Queue, all laws on, finished tasks kept."""

    def __init__(self, path: Path) -> None:
        self.queue = Queue(path, "bench", worker="bench")
        self.put = self.queue.put

    def put_many(self, payloads: list[str]) -> None:
        self.queue.put_many(payloads)

    def claim_and_ack(self) -> None:
        task = self.queue.claim()
        if task is None:
            raise LookupError("nothing ready")
        task.ack()

    def loop(self, count: int) -> None:
        for _ in itertools.islice(self.queue, count):
            pass

    def fill(self, ready: int, payload: str, done: int = 0, scheduled: int = 0) -> None:
        """Rows in bulk, as after a long life. Laws refuse births with a past: they are made again afterwards."""
        now = time.time_ns() // 1_000_000
        with self.queue.database.transaction() as connection:
            connection.execute("drop trigger qk_task_birth")
            for state, count, claims, due, ended in (
                ("done", done, 1, None, now),
                ("scheduled", scheduled, 0, now + 10**9, None),
                ("ready", ready, 0, None, None),
            ):
                given = {"state": state, "count": count, "claims": claims, "settled": claims}
                if count:
                    connection.execute(_FILL, given | {"due_at": due, "ended_at": ended, "payload": payload})
            for law in statements.split(statements.source("laws")):
                connection.execute(law)
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()


class Bare:
    """The statement files alone, by hand on the standard library: what SQL costs without queuekit's Python."""

    def __init__(self, path: Path) -> None:
        ours = Ours(path)
        self.fill, self._connection = ours.fill, ours.queue.database.connection()
        self._put, self._claim, self._ack = (statements.load(n)[-1] for n in ("put_simple", "claim", "ack"))

    def _run(self, statement: statements.Statement, **given: Any) -> Any:
        given["now"] = time.time_ns() // 1_000_000
        return self._connection.execute(statement.text, tuple(map(given.get, statement.names)))

    def put(self, payload: str) -> None:
        self._run(self._put, queue="bench", payload=payload)

    def claim_and_ack(self) -> None:
        task = self._run(self._claim, queue="bench", worker="bench").fetchall()[0]
        if self._run(self._ack, receipt=task[1].decode()).rowcount != 1:
            raise LookupError(task)
