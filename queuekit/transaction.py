"""The bracket around verbs and a caller's own rows: all of it is committed, or none."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

from queuekit.errors import translate

if TYPE_CHECKING:
    from queuekit.database import Database


class Transaction:
    """See Database.transaction."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        database = self._database
        database.lock.acquire()
        try:
            if database.depth == 0 and time.monotonic() >= database.look_at:
                database.follow_the_path()
            connection = database.connection()
            if database.depth == 0:
                connection.execute("begin immediate")
        except BaseException as error:
            database.lock.release()
            if isinstance(error, sqlite3.Error):
                raise translate(error, str(database.path)) from error
            raise
        database.depth += 1
        return connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        database = self._database
        database.depth -= 1
        try:
            if database.depth == 0:
                self._end(database.connection(), kind is None)
        finally:
            database.lock.release()

    def _end(self, connection: sqlite3.Connection, well: bool) -> None:
        undo, self._database.undo = self._database.undo, []
        try:
            if well:
                connection.execute("commit")
                self._database.stirs += 1
                undo = []
        except sqlite3.Error as error:
            raise translate(error, str(self._database.path)) from error
        finally:
            for take_back in undo:
                take_back()
            if connection.in_transaction:
                connection.execute("rollback")
