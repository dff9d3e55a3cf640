"""The floor: the same work by hand on the standard library's sqlite3.

One table, one partial index, no laws, finished rows deleted. With SQLite's own pages and checkpoints (1000 pages of
4096), or with the queue's (2048 pages of 2048: as many bytes).
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

_MAKE = """
create table task (id integer primary key, queue text not null, state text not null, priority integer not null,
                   claimed_at integer, payload text not null);
create index task_ready on task (queue, priority desc) where state = 'ready';
"""
_PUT = "insert into task (queue, state, priority, payload) values (?, 'ready', ?, ?)"
_CLAIM = """
update task set state = 'running', claimed_at = ?
 where id = (select id from task where state = 'ready' and queue = ? order by priority desc, id limit 1)
returning id, payload
"""
_ACK = "delete from task where id = ?"


class Floor:
    """put, claim and ack as a careful hand would write them, each its own commit."""

    def __init__(self, path: Path, small_pages: bool = False) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        page_size, checkpoint = (2048, 2048) if small_pages else (4096, 1000)
        for pragma in (
            f"page_size = {page_size}",
            f"wal_autocheckpoint = {checkpoint}",
            "journal_mode = wal",
            "synchronous = normal",
        ):
            self.connection.execute(f"pragma {pragma}").fetchall()
        self.connection.executescript(_MAKE)

    def put(self, payload: str) -> int | None:
        return self.connection.execute(_PUT, ("bench", 0, payload)).lastrowid

    def put_many(self, payloads: list[str]) -> None:
        self.connection.execute("begin immediate")
        self.connection.executemany(_PUT, [("bench", 0, payload) for payload in payloads])
        self.connection.execute("commit")

    def claim(self) -> tuple[int, str]:
        row: tuple[int, str] = self.connection.execute(
            _CLAIM, (time.time_ns() // 1_000_000, "bench")
        ).fetchall()[0]
        return row

    def ack(self, task: tuple[int, str]) -> None:
        if self.connection.execute(_ACK, (task[0],)).rowcount != 1:
            raise LookupError(task)

    def claim_and_ack(self) -> None:
        self.ack(self.claim())

    def loop(self, count: int) -> None:
        """A consumer: ack of the last and claim of the next, in one transaction."""
        task = self.claim()
        for _ in range(count - 1):
            self.connection.execute("begin immediate")
            self.ack(task)
            task = self.claim()
            self.connection.execute("commit")
        self.ack(task)

    def fill(self, ready: int, payload: str) -> None:
        self.put_many([payload] * ready)
        self.connection.execute("pragma wal_checkpoint(truncate)").fetchall()
