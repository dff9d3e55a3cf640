"""The bracket around verbs and a caller's own rows: all of it is committed, or none."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from queuekit.errors import translate

if TYPE_CHECKING:
    from queuekit.database import Database


class Transaction:
    """See Database.transaction. Inside another one it is a savepoint, so that each keeps all or nothing."""

    __slots__ = ("_database", "_undo_from")

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        database.lock.acquire()
        try:
            connection = self._begun()
            self._undo_from = len(database.undo)
            database.depth += 1
        except BaseException as error:  # KeyboardInterrupt, too, which may have waited for the file as long
            if database.depth == 0 and (open := database._connection) is not None and open.in_transaction:
                open.execute("rollback")
            database.lock.release()
            if isinstance(error, sqlite3.Error):
                raise translate(error, str(database.path)) from error
            raise
        return connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        database = self._database
        database.depth -= 1
        try:
            self._end(database.connection(), kind is None)
        finally:
            database.lock.release()

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

    def _end(self, connection: sqlite3.Connection, well: bool) -> None:
        ending = kept = False
        try:
            if well:
                self._database.must_be_whole(ending=True)
                ending = True
                connection.execute(self._release() if self._database.depth else "commit")
                kept = True
                self._database.stirs += 1
        except sqlite3.Error as error:
            ending = False
            raise translate(error, str(self._database.path)) from error
        finally:
            # a KeyboardInterrupt that came during the commit is raised when that is done
            if not kept and not (ending and not connection.in_transaction):
                self._take_back(connection)
            elif not self._database.depth:
                self._database.undo.clear()

    def _take_back(self, connection: sqlite3.Connection) -> None:
        database = self._database
        while len(database.undo) > self._undo_from:
            database.undo.pop()()
        if connection.in_transaction:
            if database.depth:
                connection.execute(f"rollback to queuekit_{database.depth}")
                connection.execute(self._release())
            else:
                connection.execute("rollback")

    def _release(self) -> str:
        return f"release queuekit_{self._database.depth}"
