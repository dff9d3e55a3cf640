"""What a verb costs: a number that no load touches."""

from __future__ import annotations

import sqlite3
from typing import Any

from verbs import run


def steps(connection: sqlite3.Connection, verb: str, given: dict[str, Any]) -> int:
    """How often SQLite's machine looks up from its work while the verb runs: a cost that no load touches."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    connection.execute("begin")
    connection.execute("select 1 from qk_task limit 0").fetchall()  # reads the schema, which counts as steps
    connection.set_progress_handler(step, 1)
    run(connection, verb, **given).fetchall()
    connection.set_progress_handler(None, 0)
    connection.execute("rollback")
    return count
