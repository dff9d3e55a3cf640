"""The SQL files: where they are, and their statements, ready to run with positional parameters.

The files in sql/ are the only SQL there is; this module reads them and adds nothing.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

# A string literal or a comment is passed over; what is left with a colon in front is a parameter.
_PARAMETER = re.compile(r"'(?:[^']|'')*'|--[^\n]*|:([a-z]\w*)")
_READING = re.compile(r"^(--[^\n]*\n|\s)*select\b")

SCHEMA = ("schema", "laws", "views")
"""The files that make the tables, in order."""

EXTRA = ("laws_links", "laws_cascade", "laws_limits")
"""The laws that a file gets when it first needs them (QK028)."""


class Statement(NamedTuple):
    """One SQL statement with its parameters numbered: names[i] is the name of ?{i+1}."""

    text: str
    names: tuple[str, ...]


@cache
def folder() -> Path:
    """Where the SQL files are: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent
    for place in (package / "sql", package.parent / "sql"):
        if (place / "schema.sql").is_file():
            return place
    raise FileNotFoundError("queuekit's sql folder is missing: install the package again")


def source(name: str) -> str:
    """The text of sql/NAME.sql. Raises FileNotFoundError."""
    return (folder() / f"{name}.sql").read_text(encoding="utf-8")


def header(name: str) -> str:
    """The opening comment of sql/NAME.sql without its dashes: the reference documentation of the verb."""
    lines = []
    for line in source(name).splitlines():
        if not line.startswith("--"):
            break
        lines.append(line[2:].removeprefix(" "))
    return "\n".join(lines)


def split(script: str) -> Iterator[str]:
    """The statements of a script, one by one, triggers whole."""
    statement = ""
    for piece in re.split(r"(?<=;)", script):
        statement += piece
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""


@cache
def load(name: str) -> tuple[Statement, ...]:
    """The statements of sql/NAME.sql in order."""
    return tuple(_numbered(text) for text in split(source(name)))


@cache
def only_reads(name: str) -> bool:
    """True if sql/NAME.sql writes nothing."""
    return all(_READING.search(text) for text, _ in load(name))


def migrations(above: int) -> list[tuple[int, str]]:
    """(version, script) of every migration to a version higher than above, in order."""
    files = sorted((folder() / "migrations").glob("[0-9]*.sql"))
    return [(int(file.stem), file.read_text(encoding="utf-8")) for file in files if int(file.stem) > above]


@cache
def schema_version() -> int:
    """The version of the schema that these files make."""
    found = re.search(r"'schema_version', (\d+)", source("schema"))
    assert found, "schema.sql writes its version"
    return int(found[1])


def _numbered(text: str) -> Statement:
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0]
        if name not in names:
            names.append(name)
        return f"?{names.index(name) + 1}"

    body = _PARAMETER.sub(number, text)
    return Statement(body, tuple(names))
