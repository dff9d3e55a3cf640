"""What stands in a file, whoever made it: the witness of what a queue holds, and of what it has lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any


def rows(database: Path) -> Iterator[bytes]:
    """Every row of every table, its values in bytes one after the other."""
    with closing(sqlite3.connect(database)) as connection:
        names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (name,) in names:
            for row in connection.execute(f'select * from "{name}"'):
                yield b"\0".join(map(_bytes, row))


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
