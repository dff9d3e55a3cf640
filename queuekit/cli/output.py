"""Rows on stdout: JSON lines, a table for a terminal, aligned columns otherwise."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from queuekit.durations import iso

Row = Mapping[str, Any]


def json_line(row: Row) -> None:
    """The row as one JSON object, as SQLite's json_object would write it."""
    write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def write(text: str | bytes) -> None:
    """Text to stdout as UTF-8, whatever the locale says; no newline is added or changed."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8") if isinstance(text, str) else text)
    sys.stdout.buffer.flush()


def complain(text: str, code: int) -> int:
    """One line on stderr; returns the exit code."""
    line = " ".join(text.split())
    if sys.stderr is not None:  # as it is when it was closed
        sys.stderr.write(f"queuekit: {line}\n".encode("utf-8", "replace").decode())
    return code


def table(rows: Iterable[Row], *, as_json: bool) -> None:
    """All rows, one a line."""
    rows = list(rows)
    if as_json:
        for row in rows:
            json_line(row)
    elif rows and sys.stdout.isatty():
        _rich(rows)
    elif rows:
        _columns([list(rows[0]), *([_plain(*field) for field in row.items()] for row in rows)])


def record(row: Row, *, as_json: bool) -> None:
    """One row, a field a line."""
    if as_json:
        json_line(row)
        return
    width = max(map(len, row))
    for name, value in row.items():
        write(f"{name:>{width}} = {_plain(name, value)}\n")


def _columns(lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in [lines[0], ["-" * width for width in widths], *lines[1:]]:
        write(
            "  ".join(f"{field:{width}}" for field, width in zip(line, widths, strict=True)).rstrip() + "\n"
        )


def _rich(rows: list[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(*rows[0], box=box.SIMPLE_HEAD)
    for row in rows:
        grid.add_row(*(Text(_plain(*field)) for field in row.items()))  # Text: what looks like markup is data
    Console(no_color=bool(os.environ.get("NO_COLOR"))).print(grid)


def _plain(name: str, value: Any) -> str:
    """One line for people: times as ISO, control characters as spaces, so that no text moves the cursor."""
    if value is None:
        return ""
    if isinstance(value, int) and name.endswith("_at"):
        return re.sub(r"\.[0-9]+Z$", "Z", iso(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else " " for char in text)
