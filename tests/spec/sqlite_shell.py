"""The sqlite3 program, as anybody may use it on a queue file."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

SQL = Path(__file__).parents[2] / "sql"


class Fault(sqlite3.Error):
    """What sqlite3 said before it gave up."""


def sqlite(db: Path, script: str) -> list[dict[str, Any]]:
    """The rows that the script prints in .mode json, of all its statements. Raises Fault."""
    shell = ["sqlite3", "-batch", "-bail", "-init", "/dev/null", "-cmd", ".timeout 30000", str(db)]
    done = subprocess.run(shell, input=script.encode(), capture_output=True)
    if done.returncode or done.stderr:
        raise Fault(done.stderr.decode())
    return decoded(done.stdout.decode())


def decoded(text: str) -> list[dict[str, Any]]:
    """The rows of the JSON arrays in text, one after the other."""
    rows: list[dict[str, Any]] = []
    decoder = json.JSONDecoder(strict=False)
    while text := text.lstrip():
        more, end = decoder.raw_decode(text)
        rows += more
        text = text[end:]
    return rows


def bind(name: str, value: str | int) -> str:
    """SQL that binds a :parameter of the shell: text travels as hex, so that nothing in it is read as SQL."""
    written = value if isinstance(value, int) else f"cast(x'{value.encode().hex()}' as text)"
    return f"insert into temp.sqlite_parameters values (':{name}', {written});"
