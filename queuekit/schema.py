"""Opening a queue file, making one, and bringing an older one up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from queuekit import statements
from queuekit.errors import NoDatabase, SchemaMismatch, translate

_WAL_KEPT = 16 * 1024 * 1024  # bytes of -wal that stay on disk after a checkpoint
_LONGEST_WAIT = 2_000_000.0  # seconds: SQLite counts the ms in 32 bits, and takes what is more for none
_WAL_FULL = 4 * 1024 * 1024  # bytes of -wal at which a commit checkpoints: SQLite's 1000 pages of 4096


def default_path() -> Path:
    """$QUEUEKIT_DB, else queuekit/queue.db in the user's state folder."""
    if given := os.environ.get("QUEUEKIT_DB"):
        return Path(given)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "queuekit" / "queue.db"


def connect(path: Path, *, create: bool, timeout: float, synchronous: str) -> sqlite3.Connection:
    """A connection to the queue at path, in autocommit, text as bytes; made first if missing and create is true.

    Raises NoDatabase, SchemaMismatch (made by another version), Busy.
    """
    if create:
        _make_default_folder(path)
    elif not _size(path):
        raise NoDatabase(f"there is no queue at {path}: make one with  queuekit init --db {path}")
    try:
        connection = _open(path, timeout, synchronous)
    except sqlite3.Error as error:
        raise translate(error, str(path)) from error
    try:
        if create and version(connection) is None:
            migrate(connection)
        _check(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise translate(error, str(path)) from error
        raise
    return connection


def prepare(path: Path, *, timeout: float = 5.0) -> None:
    """Make the queue at path, or bring an older one up to date; of one of this version, make again what is missing.

    Makes the folder of the default path, readable by its owner alone. Raises SchemaMismatch (newer), NoDatabase, Busy.
    """
    connection = None
    try:
        _make_default_folder(path)
        connection = _open(path, timeout, "normal")
        migrate(connection)
        _check(connection, path)
    except sqlite3.Error as error:
        raise translate(error, str(path)) from error
    finally:
        if connection is not None:
            connection.close()


def _make_default_folder(path: Path) -> None:
    """The folder of the default path, readable by its owner alone; no other folder is made."""
    try:
        if not os.environ.get("QUEUEKIT_DB") and path == default_path():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NoDatabase(f"the folder {path.parent} cannot be made ({error.strerror})") from error


def version(connection: sqlite3.Connection) -> int | None:
    """The schema version of the file, or None when our tables are not there. Raises SchemaMismatch if it tells none."""
    try:
        rows = connection.execute(statements.load("version")[0].text).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    if rows and not isinstance(rows[0][0], int):
        raise SchemaMismatch(
            "the file does not tell the version of its schema: it is no queue, or a damaged one"
        )
    return int(rows[0][0]) if rows else None


def migrate(connection: sqlite3.Connection) -> None:
    """Make the tables, run the migrations that the file lacks, make again what is missing: all in one transaction.

    Leaves a newer file alone.
    """
    connection.execute("begin immediate")
    try:
        for text in _missing(connection):
            connection.execute(text)
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def writes_events(connection: sqlite3.Connection) -> bool:
    """True if the file writes history events."""
    return "events_on" in _switched_on(connection)


def extend(connection: sqlite3.Connection) -> None:
    """Give the file the extra laws (a part of the transaction that is open, or one of its own)."""
    own = not connection.in_transaction
    connection.execute("begin immediate" if own else "savepoint queuekit_extra")
    try:
        events = ("events_on",) if writes_events(connection) else ()
        for name in (*statements.EXTRA, *events):
            for text in statements.split(statements.source(name)):
                connection.execute(text)
        connection.execute("commit" if own else "release queuekit_extra")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it: then nothing is left
            if own:
                connection.execute("rollback")
            else:
                connection.execute("rollback to queuekit_extra")
                connection.execute("release queuekit_extra")
        raise


def _missing(connection: sqlite3.Connection) -> list[str]:
    """What makes the file complete; where that is there already it does nothing."""
    there = version(connection)
    if there is not None and there > statements.schema_version():
        return []
    steps = [] if there is None else [script for _, script in statements.migrations(there)]
    kept = () if there is None else _switched_on(connection)
    if not steps:  # the triggers of events are made anew each time, which only a migration asks for
        kept = tuple(name for name in kept if name != "events_on")
    steps += map(statements.source, statements.SCHEMA + kept)
    return [text for script in steps for text in statements.split(script)]


def _switched_on(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The files of laws and events that this queue file was given beside those of SCHEMA, in order."""
    _, extra, events = connection.execute(statements.load("version")[0].text).fetchone()
    return (statements.EXTRA if extra else ()) + (("events_on",) if events else ())


def _open(path: Path, timeout: float, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=min(timeout, _LONGEST_WAIT), isolation_level=None, check_same_thread=False
    )
    try:
        connection.text_factory = bytes
        if not _size(path):
            _make_file(connection, timeout)
        connection.execute(f"pragma synchronous = {synchronous}")
        connection.execute(f"pragma journal_size_limit = {_WAL_KEPT}").fetchall()
        (page_size,) = connection.execute("pragma page_size").fetchone()
        connection.execute(f"pragma wal_autocheckpoint = {_WAL_FULL // page_size}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _make_file(connection: sqlite3.Connection, timeout: float) -> None:
    """Run pragmas.sql. Turning to WAL needs the file alone, and SQLite does not wait for that by itself."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            for statement in statements.load("pragmas"):
                connection.execute(statement.text).fetchall()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    there, ours = version(connection), statements.schema_version()
    if there is None:
        raise NoDatabase(f"{path} has no queue in it: make one with  queuekit init --db {path}")
    if there > ours:
        raise SchemaMismatch(
            f"{path} was made by a newer queuekit (schema {there}, here {ours}): upgrade this one"
        )
    if there < ours:
        raise SchemaMismatch(
            f"{path} is from an older queuekit (schema {there}): run  queuekit init --db {path}"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
