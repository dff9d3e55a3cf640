"""The statements of a file of sql/, run on a connection, and what is taken from their rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from queuekit.schema import extend

_T = TypeVar("_T")
_NEEDS_EXTRA = "QK028"


def execute(
    connection: sqlite3.Connection,
    script: Iterable[tuple[str, Iterable[str]]],
    parameters: Mapping[str, Any],
    take: Callable[[sqlite3.Cursor], _T],
    told: list[tuple[Any, ...]] | None,
) -> _T:
    """What take makes of the last statement; the extra laws come with the first that needs them.

    With told, which take fills, an interrupt leaves there what the statement has returned, whenever it comes.
    """
    cursor: sqlite3.Cursor | None = None
    run = connection.execute
    try:
        if told is not None:
            told.clear()  # of a first time, which SQLite undid
            cursor = connection.cursor()  # now, for an interrupt may cut off what execute returns
            run = cursor.execute
        for text, names in script:
            given = tuple(map(parameters.get, names))
            try:
                cursor = run(text, given)
            except sqlite3.IntegrityError as error:
                if not str(error).startswith(_NEEDS_EXTRA):
                    raise
                extend(connection)
                cursor = run(text, given)
        assert cursor is not None
        return take(cursor)
    except BaseException:
        if cursor is not None:
            if told is not None:
                told.extend(cursor)
            cursor.close()  # the exception may keep it for long: what is not ended lets nobody commit
        raise


def dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """The rows, each by column, text decoded."""
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, map(_text, row), strict=True)) for row in cursor.fetchall()]


def largest(parameters: Mapping[str, Any]) -> str:
    """The number that is the farthest from 0, with its name."""
    name, value = max(
        ((name, value) for name, value in parameters.items() if isinstance(value, int)),
        key=lambda pair: abs(pair[1]),
    )
    return f"{name} = {value}"


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
