"""The headers of sql/ as data: what each verb file says that it takes and gives."""

from __future__ import annotations

import re
from typing import NamedTuple

from queuekit import statements

NOT_VERBS = {"pragmas", *statements.SCHEMA, *statements.EXTRA}
VERBS = sorted(path.stem for path in statements.folder().glob("*.sql") if path.stem not in NOT_VERBS)

_PARAMETER = re.compile(r"  :(\w+) +(text|integer)(?: += (NULL|the clock|'[^']*'|-?\d+))?(?: {2,}\S.*)?")
_COLUMN = re.compile(r"  (\w+) +(text|integer)( or NULL)?(?: {2,}\S.*)?")


class Parameter(NamedTuple):
    """A line under `parameters`; default is None where a value must be given."""

    name: str
    type: str
    default: str | None


class Column(NamedTuple):
    """A line under `row`."""

    name: str
    type: str
    nullable: bool


class Header(NamedTuple):
    """The opening comment of a verb file; no_row is None where the line is missing."""

    parameters: list[Parameter]
    columns: list[Column]
    no_row: str | None
    usage: str | None


def parse(verb: str) -> Header:
    """The header of sql/VERB.sql. Raises AssertionError for a line of a section that has not its form."""
    header, section = Header([], [], None, None), ""
    for line in statements.header(verb).splitlines():
        if not line.startswith("  "):
            section = line.split(":")[0]
        elif section == "parameters":
            found = _PARAMETER.fullmatch(line)
            assert found, line
            header.parameters.append(Parameter(*found.groups()))
        elif section == "row":
            found = _COLUMN.fullmatch(line)
            assert found, line
            header.columns.append(Column(found[1], found[2], bool(found[3])))
        if line.startswith(("no row: ", "usage: ")):
            header = header._replace(**{section.replace(" ", "_"): line.split(": ", 1)[1]})
    return header
