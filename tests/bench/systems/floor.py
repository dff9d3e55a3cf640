"""The floor: the same work by hand on the standard library's sqlite3.

One table, one partial index, no laws, finished rows deleted. With SQLite's own pages and checkpoints (1000 pages of
4096), or with the queue's (2048 pages of 2048: as many bytes).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from .system import System

MAKE = """
create table if not exists task (id integer primary key, queue text not null, state text not null,
                                 priority integer not null, claimed_at integer, payload text not null);
create index if not exists task_ready on task (queue, priority desc) where state = 'ready';
"""
_PUT = "insert into task (queue, state, priority, payload) values (?, 'ready', ?, ?)"
_CLAIM = """
update task set state = 'running', claimed_at = ?
 where id = (select id from task where state = 'ready' and queue = ? order by priority desc, id limit 1)
returning id, payload
"""
_CLAIM_MANY = _CLAIM.replace("id = (", "id in (").replace("limit 1", "limit ?")
_ACK = "delete from task where id = ?"


class Floor(System):
    """put, claim and ack as a careful hand would write them, each its own commit."""

    title = "floor"
    ack = "yes: DELETE"
    lease = "no"
    history = "no"
    note = "by hand on sqlite3: one table, one partial index, no laws"
    page_size: ClassVar[int] = 4096
    checkpoint_pages: ClassVar[int] = 1000

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "floor.db"
        self.connection = sqlite3.connect(self.database, isolation_level=None, check_same_thread=not threads)
        for pragma in (
            f"page_size = {self.page_size}",
            f"wal_autocheckpoint = {self.checkpoint_pages}",
            "journal_mode = wal",
            f"synchronous = {synchronous}",
        ):
            self.query(f"pragma {pragma}")
        self.connection.executescript(MAKE)

    def query(self, sql: str) -> list[Any]:
        return self.connection.execute(sql).fetchall()

    def put(self, payload: str) -> int | None:
        return self.connection.execute(_PUT, ("bench", 0, payload)).lastrowid

    def putter(self) -> Callable[[str], object]:
        lock = threading.Lock()

        def put(payload: str) -> object:
            with lock:
                return self.put(payload)

        return put

    def put_many(self, payloads: list[str]) -> None:
        self.connection.execute("begin immediate")
        self.connection.executemany(_PUT, [("bench", 0, payload) for payload in payloads])
        self.connection.execute("commit")

    def claim(self) -> tuple[int, str] | None:
        now = time.time_ns() // 1_000_000
        rows: list[tuple[int, str]] = self.connection.execute(_CLAIM, (now, "bench")).fetchall()
        return rows[0] if rows else None

    def done(self, message: tuple[int, str]) -> None:
        if self.connection.execute(_ACK, (message[0],)).rowcount != 1:
            raise LookupError(message)

    def payload(self, message: tuple[int, str]) -> str:
        return message[1]

    def claim_many_and_ack(self, limit: int) -> list[str]:
        now = time.time_ns() // 1_000_000
        rows = self.connection.execute(_CLAIM_MANY, (now, "bench", limit)).fetchall()
        self.connection.execute("begin immediate")
        self.connection.executemany(_ACK, [row[:1] for row in rows])
        self.connection.execute("commit")
        return [row[1] for row in rows]

    def loop(self, count: int) -> list[str]:
        """Ack of the last and claim of the next, in one transaction."""
        task = self.claim()
        assert task is not None
        seen = [task[1]]
        for _ in range(count - 1):
            self.connection.execute("begin immediate")
            self.done(task)
            task = self.claim()
            assert task is not None
            self.connection.execute("commit")
            seen.append(task[1])
        self.done(task)
        return seen

    def close(self) -> None:
        self.connection.close()


class SmallPages(Floor):
    """The floor with pages, and checkpoints, like the queue's."""

    title = "floor, pages of 2048"
    page_size = 2048
    consumes = False
    checkpoint_pages = 2048
