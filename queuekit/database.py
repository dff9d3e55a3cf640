"""One queue file: its connection, and the running of sql/ files on it.

A Database may be shared by threads (one lock around one connection) and survives fork (the child opens its own).
Nothing in the process opens the file by other means: closing such a descriptor would drop SQLite's locks.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from queuekit import schema, statements
from queuekit.errors import QueuekitError, translate
from queuekit.transaction import Transaction

_T = TypeVar("_T")
_fetchall: Callable[[sqlite3.Cursor], list[tuple[Any, ...]]] = sqlite3.Cursor.fetchall
_lastrowid: Callable[[sqlite3.Cursor], int] = attrgetter("lastrowid")
_rowcount: Callable[[sqlite3.Cursor], int] = attrgetter("rowcount")

# After these, a waiting consumer of this process has reason to look again.
_STIRRING = {"put", "put_simple", "put_many", "nack", "release", "cancel", "retry", "resume", "policy"}
_PURGE_SPAN = 10_000  # ids of one bite
_OPEN: weakref.WeakSet[Database] = weakref.WeakSet()
_ORPHANS: list[sqlite3.Connection] = []  # connections of a parent process: never used, never closed


class Database:
    """The queue file at path, made if it is missing (create=True).

    synchronous is "normal" (a crash of a process loses nothing; a power cut may lose the last moments) or "full".
    timeout is how many seconds a write waits for other writers before it raises Busy.
    Raises NoDatabase (create=False and no queue there), SchemaMismatch.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool = True,
        synchronous: str = "normal",
        timeout: float = 5.0,
    ) -> None:
        self.path = Path(path).absolute()
        self._open = partial(
            schema.connect, self.path, create=create, timeout=timeout, synchronous=synchronous
        )
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # which file the connection is open on
        self._start()
        self.connection()
        _OPEN.add(self)

    def _start(self) -> None:
        self.lock = threading.RLock()
        self.depth = 0
        self.stirs = 0

    def connection(self) -> sqlite3.Connection:
        """The open connection, in autocommit, text as bytes. Hold the lock while using it."""
        with self.lock:
            if self._connection is None:
                self._connection = self._open()
                self._file = _identity(self.path)
            return self._connection

    def run(self, name: str, parameters: Mapping[str, Any], only: int | None = None) -> list[tuple[Any, ...]]:
        """Run sql/NAME.sql with :parameters; the rows of its last statement, text as bytes. Each statement commits.

        With only, run just the statement of that index. Raises QueuekitError and its children.
        """
        return self._do(name, parameters, _fetchall, only)

    def insert(self, name: str, parameters: Mapping[str, Any]) -> int:
        """As run; the id of the last row inserted."""
        return self._do(name, parameters, _lastrowid)

    def count(self, name: str, parameters: Mapping[str, Any]) -> int:
        """As run; how many tasks it changed."""
        return self._do(name, parameters, _rowcount)

    def rows(self, name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """As run, each row a dict by column, text decoded (what is no UTF-8 shows as U+FFFD)."""
        return self._do(name, parameters, _dicts)

    def _do(
        self,
        name: str,
        parameters: Mapping[str, Any],
        take: Callable[[sqlite3.Cursor], _T],
        only: int | None = None,
    ) -> _T:
        with self.lock:
            try:
                execute = (self._connection or self.connection()).execute
                script = statements.load(name)
                for text, names in script if only is None else (script[only],):
                    cursor = execute(text, tuple(map(parameters.get, names)))
                taken = take(cursor)
            except (sqlite3.Error, UnicodeError) as error:
                raise translate(error, str(self.path)) from error
            if name in _STIRRING:
                self.stirs += 1
            return taken

    def transaction(self) -> Transaction:
        """with database.transaction() as connection: everything inside commits together or not at all.

        Your own rows, and puts and acks on queues of this Database. The connection is for your own SQL
        (its text comes as bytes). Other threads wait. A nested one joins the outer. Raises Busy.
        """
        return Transaction(self)

    def version(self) -> tuple[int, int]:
        """A mark that differs after a commit of another connection, or one here that a consumer should see."""
        with self.lock:
            self._follow_the_path()
            (seen,) = self.connection().execute("pragma data_version").fetchone()
            return seen, self.stirs

    def _follow_the_path(self) -> None:
        """Leave a file that another replaced under its name (a restored backup): nobody writes to it any more."""
        if (
            self._connection is not None
            and self.depth == 0
            and _identity(self.path) not in (None, self._file)
        ):
            self.close()
            self.stirs += 1

    def next_due(self) -> int | None:
        """The ms when something in the file next changes by itself (never too late; perhaps too early), or None."""
        due: int | None = self.run("due", {})[0][0]
        return due

    def tick(self, now: int | None = None) -> bool:
        """Move a batch of what is due at now (ms; None = the clock). True if anything moved: more may be due."""
        with self.lock:
            before = self.connection().total_changes
            self.run("tick", {"now": now})
            return self.connection().total_changes > before

    def purge(self, given: Mapping[str, Any]) -> int:
        """Run purge.sql over the whole file in bites, so that no other writer waits long; how many tasks it forgot."""
        lowest, highest = self.run("bounds", {})[0]
        starts = range((lowest or 1) - 1, highest or 0, _PURGE_SPAN)
        return sum(self.count("purge", {**given, "from": start, "span": _PURGE_SPAN}) for start in starts)

    def make_view(self, queue: str) -> None:
        """Give the queue a view of its name, for INSERT INTO name(data). Raises QueuekitError if it is taken."""
        with self.transaction() as connection:
            try:
                for row in self.rows("queue_view", {"queue": queue}):
                    connection.execute(row["ddl"])
            except sqlite3.Error as error:
                raise QueuekitError(
                    f"no view for queue {queue!r}: the name is taken in {self.path} ({error})"
                ) from error

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _after_fork(self) -> None:
        if self._connection is not None:
            _ORPHANS.append(self._connection)
            self._connection = None
        self._start()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


def _dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, map(_text, row), strict=True)) for row in cursor.fetchall()]


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _forget_connections_of_the_parent() -> None:
    for database in list(_OPEN):
        database._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections_of_the_parent)
