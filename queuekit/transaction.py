"""The bracket around verbs and a caller's own rows: all of it is committed, or none.

Signals interrupt the main thread between any two calls, and whatever they raise must find all as it was: no lock held,
nothing open. So the calls here are ordered by what is lost when one is the last, and what ends may be called again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from queuekit.errors import translate

if TYPE_CHECKING:
    from queuekit.database import Database

_T = TypeVar("_T")


class Remnant:
    """What is left of a transaction when an interrupt comes at the very end of its with, before __exit__ has begun.

    It rolls back when the exception is forgotten, and the transaction with it. Each serves many transactions, one after
    the other: an interrupt that comes as a finalizer begins is lost, so it should not begin each time.
    """

    database: Database | None = None
    undo_from = 0

    def __del__(self) -> None:
        database, self.database = self.database, None
        if database is not None and database.depth and database.held():
            end = Transaction(database)
            end._undo_from = self.undo_from
            end.__exit__(BaseException, None, None)


class Transaction:
    """See Database.transaction. Inside another one it is a savepoint, so that each keeps all or nothing."""

    __slots__ = ("_database", "_kept", "_open", "_remnant", "_undo_from")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remnant: Remnant | None = None
        self._open = self._kept = False

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        try:
            database.lock.acquire()
            remnant = self._remnant = database.remnants.pop() if database.remnants else Remnant()
            connection = self._begun()
            self._undo_from = remnant.undo_from = len(database.undo)
            database.depth += 1
            remnant.database = database
            self._open = True
        except BaseException as error:  # KeyboardInterrupt, too, which may have waited for the file as long
            if database.held():
                self._not_begun()
            if isinstance(error, sqlite3.Error):
                raise translate(error, str(database.path)) from error
            raise
        return connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        database = self._database
        database.depth -= 1
        self._open = False
        remnant = self._remnant
        if remnant is not None:
            remnant.database = None
        try:
            self._end(kind is None)
        except BaseException:
            self._take_back()  # perhaps again: an interrupt may have ended it, or kept it from beginning
            raise
        finally:
            if remnant is not None:
                database.remnants += (remnant,)
            database.lock.release()

    def run(self, work: Callable[[], _T]) -> _T:
        """What work returns, done inside. Unlike a with, it is over when an interrupt comes out of it, always."""
        try:
            with self:
                return work()
        finally:
            if self._open:
                self.__exit__(BaseException, None, None)

    def _begun(self) -> sqlite3.Connection:
        database = self._database
        if database.depth == 0 and time.monotonic() >= database.look_at:
            database.follow_the_path()
        connection = database.connection()
        if database.depth:
            database.must_be_whole()
            connection.execute(f"savepoint queuekit_{database.depth}")
        else:
            connection.execute("begin immediate")
        return connection

    def _not_begun(self) -> None:
        database = self._database
        try:
            connection = database._connection
            if connection is not None and connection.in_transaction:
                with suppress(sqlite3.OperationalError):  # there is no such savepoint yet
                    connection.execute(self._release() if database.depth else "rollback")
        finally:
            database.lock.release()

    def _end(self, well: bool) -> None:
        if not well:
            self._take_back()
            return
        database = self._database
        database.must_be_whole(ending=True)
        connection, end = database.connection(), self._release() if database.depth else "commit"
        database.stirs += 1
        try:
            self._kept = True  # an interrupt that comes meanwhile is raised when that is done
            connection.execute(end)
        except sqlite3.Error as error:
            self._kept = False
            raise translate(error, str(database.path)) from error
        if not database.depth:
            database.undo.clear()

    def _take_back(self) -> None:
        database, connection = self._database, self._database.connection()
        if self._kept and (database.depth or not connection.in_transaction):
            if not database.depth:
                database.undo.clear()
            return
        while len(database.undo) > self._undo_from:
            database.undo[-1]()
            del database.undo[-1]
        if connection.in_transaction and database.depth:
            with suppress(sqlite3.OperationalError):  # this was done the first time
                connection.execute(f"rollback to queuekit_{database.depth}")
                connection.execute(self._release())
        elif connection.in_transaction:
            connection.execute("rollback")

    def _release(self) -> str:
        return f"release queuekit_{self._database.depth}"
