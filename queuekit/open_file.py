"""The connection to whatever file stands at a path: opened late, shared by threads, closed while the process forks.

Nothing in the process opens the file by other means: closing such a descriptor would drop SQLite's locks.

SQLite keeps a table of the locks that its process holds. A fork copies the table and not the locks, so a child of an
open connection would take its parent's locks for its own and write without any: hence the closing, in the parent.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from queuekit import schema
from queuekit.errors import NoDatabase, QueuekitError
from queuekit.memory import keep_what_is_freed
from queuekit.waiting import Waiting

if TYPE_CHECKING:
    from queuekit.transaction import Remnant

_LOOK_AGAIN = 0.05  # seconds between two looks whether the path is still this file
_FORK_WAIT = 10.0  # seconds that a fork waits for the transactions of other threads
_OPEN: weakref.WeakSet[OpenFile] = weakref.WeakSet()
_ORPHANS: list[sqlite3.Connection] = []  # connections of a parent process: never used, never closed
_LOCKED_BY_PARENT: set[Path] = set()  # files of _ORPHANS
_Self = TypeVar("_Self", bound="OpenFile")


class OpenFile:
    """The file at path, made if it is missing and create says so. Raises NoDatabase, SchemaMismatch, Busy.

    depth is how many transactions (one in the other) are open, stirs counts what consumers of this process should see,
    look_at is when (time.monotonic) the path is to be followed again, waits_for_disk says that each commit does.
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
        self.waits_for_disk = synchronous.lower() != "normal"
        self._create = create
        self._open = partial(schema.connect, self.path, timeout=timeout, synchronous=synchronous)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # which file the connection is open on
        self._start()
        keep_what_is_freed()
        self.connection()
        _OPEN.add(self)

    def _start(self) -> None:
        self.lock = threading.RLock()
        self.waiting = Waiting()
        self.depth = 0
        self.stirs = 0
        self.doubt = False  # an ack may have set others free, or have written an event
        self.undo: list[Callable[[], None]] = []  # what a rollback takes back in memory
        self.remnants: list[Remnant] = []  # for the next transactions
        self.look_at = 0.0
        self._held_for_fork = False

    def held(self) -> bool:
        """True if this thread holds the lock."""
        return bool(self.lock._is_owned())  # type: ignore[attr-defined]

    def connection(self) -> sqlite3.Connection:
        """The open connection, in autocommit, text as bytes. Hold the lock while using it.

        Raises QueuekitError in a child that was forked in the middle of a transaction.
        """
        with self.lock:
            if self._connection is None:
                if self.path in _LOCKED_BY_PARENT:
                    raise QueuekitError(
                        f"this process was forked inside a transaction on {self.path}: it cannot use the file safely; "
                        "fork outside of transactions"
                    )
                self._connection = self._open(create=self._create)
                self._file = _identity(self.path)
            return self._connection

    def follow_the_path(self, *, create: bool = False) -> None:
        """Leave a file that another replaced under its name (a restored backup): nobody else writes to it any more.

        One that is gone is left only with create, by a put: made anew if this Database makes files. Raises NoDatabase.
        Inside a transaction nothing can be left: a put is refused there.
        """
        with self.lock:
            self.look_at = time.monotonic() + _LOOK_AGAIN
            there = _identity(self.path)
            if self._connection is None or there == self._file or (there is None and not create):
                return
            if self.depth:
                if create:
                    raise NoDatabase(
                        f"{self.path} was removed or replaced; the transaction must be rolled back"
                    )
                return
            try:
                fresh = self._open(create=create and self._create)
            except NoDatabase:
                if create:
                    raise
                return  # somebody is still making it
            self._connection.close()
            fresh.close()  # if both had one -shm open, the locks on it went with the old one
            self._connection = None
            self.connection()
            self.stirs += 1

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
                self.stirs += 1  # the next connection counts commits anew

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _before_fork(self) -> None:
        """Close, unless a transaction is open: this thread's, or another's that does not end."""
        self._held_for_fork = self.lock.acquire(timeout=_FORK_WAIT)
        if self._held_for_fork and self.depth == 0:
            self.close()

    def _after_fork_in_parent(self) -> None:
        if self._held_for_fork:
            self._held_for_fork = False
            self.lock.release()

    def _after_fork_in_child(self) -> None:
        if self._connection is not None:
            _ORPHANS.append(self._connection)
            _LOCKED_BY_PARENT.add(self.path)
            self._connection = None
        self._start()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        there = path.stat()
    except OSError:
        return None
    return there.st_dev, there.st_ino


def _all_open() -> list[OpenFile]:
    while True:
        with contextlib.suppress(RuntimeError):  # another thread opened one meanwhile
            return sorted(_OPEN, key=id)  # in one order, so that two forks at once wait for each other


def _each(step: Callable[[OpenFile], None]) -> Callable[[], None]:
    def of_all() -> None:
        for file in _all_open():
            step(file)

    return of_all


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_each(OpenFile._before_fork),
        after_in_parent=_each(OpenFile._after_fork_in_parent),
        after_in_child=_each(OpenFile._after_fork_in_child),
    )
