"""Running sql/ files on a plain connection, every parameter by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from queuekit import statements

NOW = 2_000_000_000_000  # ms since the epoch, far from the clock of any machine

Opener = Callable[[Path], sqlite3.Connection]


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=30)


def extend(connection: sqlite3.Connection) -> None:
    """Read the extra laws in."""
    for name in statements.EXTRA:
        connection.executescript(statements.source(name))


def run(connection: sqlite3.Connection, verb: str, **given: Any) -> sqlite3.Cursor:
    """Every statement of sql/VERB.sql in order; the cursor of the last one."""
    for text, names in statements.load(verb):
        cursor = connection.execute(text, [given.get(name) for name in names])
    return cursor


def rows(connection: sqlite3.Connection, verb: str, **given: Any) -> list[dict[str, Any]]:
    """As run; the rows, each a dict by column."""
    cursor = run(connection, verb, **given)
    return [dict(zip((column[0] for column in cursor.description), row, strict=True)) for row in cursor]
