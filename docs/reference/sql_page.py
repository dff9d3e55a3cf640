"""The page of the SQL verbs, from the headers of sql/*.sql."""

from __future__ import annotations

import re
from pathlib import Path

from headers import Header, read, sentence

GROUPS = {
    "Putting": ["put", "put_simple", "put_many"],
    "Running": ["claim", "claim_many", "ack", "nack", "extend", "release"],
    "Changing one's mind": ["cancel", "retry"],
    "What happens by itself": ["tick", "due", "purge", "bounds"],
    "Looking": ["show", "list", "stats", "count", "version"],
    "Workers": ["worker_beat", "worker_gone", "workers", "reap"],
    "Queues": ["policy", "pause", "resume", "queue_view"],
}
NO_VERBS = {"pragmas", "schema", "laws", "views"}

OPENING = """\
<!-- Written by generate.py from the headers of sql/*.sql: change them, not this page. -->
# SQL verbs

One file a verb, in `sql/`. Parameters are named; one that is not bound is NULL and means the default.
Times are milliseconds since the Unix epoch, types are those of SQLite. The [contract for clients](../../sql/README.md)
says how to run them, and lists the codes of the laws. [How to use them](../howto/sql.md) shows it.

The tables are in [schema.sql](../../sql/schema.sql), the laws in [laws.sql](../../sql/laws.sql), the views in
[views.sql](../../sql/views.sql).
"""

_TYPE = re.compile(r"(text|integer)( or NULL)?(?:\s+= (the clock|\S+))?(?:\s+(.*))?$")


def render(root: Path) -> str:
    """The page; a verb in no group comes last."""
    headers = {
        path.stem: read(path) for path in sorted((root / "sql").glob("*.sql")) if path.stem not in NO_VERBS
    }
    rest = [name for name in headers if not any(name in names for names in GROUPS.values())]
    parts = [OPENING]
    for title, names in [*GROUPS.items(), ("More", rest)]:
        there = [headers[name] for name in names if name in headers]
        parts += [f"## {title}\n"] * bool(there) + [_verb(header) for header in there]
    return "\n".join(parts)


def _verb(header: Header) -> str:
    text = f"### {header.name}\n\n{header.summary}\n\nFile: [`sql/{header.name}.sql`](../../sql/{header.name}.sql)\n"
    if header.usage:
        text += f"\nCommand: `{header.usage}`\n"
    text += _table("Parameter", ("type", "default", ""), header.parameters, _parameter)
    text += _table("Column", ("type", ""), header.row, _column)
    return text + f"\nNo row: {sentence(header.no_row)}\n"


def _table(first: str, rest: tuple[str, ...], entries: list[tuple[str, str]], cells) -> str:  # type: ignore[no-untyped-def]
    if not entries:
        return ""
    rows = [
        [first, *rest],
        ["---"] * (len(rest) + 1),
        *([f"`{name}`", *cells(entry)] for name, entry in entries),
    ]
    return "\n" + "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows
    )


def _parameter(entry: str) -> list[str]:
    kind, _, default, words = _split(entry)
    return [kind, f"`{default}`" if default and "clock" not in default else default, words]


def _column(entry: str) -> list[str]:
    kind, null, _, words = _split(entry)
    return [kind + null, words]


def _split(entry: str) -> tuple[str, str, str, str]:
    match = _TYPE.match(entry)
    if not match:
        return entry, "", "", ""
    return match[1], match[2] or "", match[3] or "", " ".join((match[4] or "").split())
