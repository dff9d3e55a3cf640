"""Drawing a flow: a tree for the terminal, Mermaid or DOT for a page. Takes the rows of FlowRun.tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Row = dict[str, Any]
_SIGNS = {
    "done": "✓",
    "running": "▶",
    "dead": "✗",
    "cancelled": "⊘",
    "ready": "○",
    "scheduled": "◷",
    "blocked": "·",
}
_COLOURS = {
    "done": "#99dd99",
    "running": "#99bbff",
    "dead": "#ff9999",
    "cancelled": "#dddddd",
    "ready": "#ffffdd",
    "scheduled": "#ffffdd",
}


_DEEPEST = 120  # columns that a task is drawn to the right, however long the chain


def tree(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each task, under the first that it waited for; the others are named behind it."""
    known = {row["id"] for row in rows}
    children: dict[int | None, list[Row]] = {}
    for row in rows:
        above = [id for id in row["after"] if id in known]
        children.setdefault(above[0] if above else None, []).append(row)
    stack = [(row, "", last) for row, last in reversed(list(_marked(children.get(None, []))))]
    roots = {row["id"] for row in children.get(None, [])}
    while stack:  # no recursion: a chain may be long
        row, indent, last = stack.pop()
        root = row["id"] in roots
        branch = "" if root else "└─ " if last else "├─ "
        yield f"{indent}{branch}{_told(row, known)}"
        deeper = indent if root or len(indent) >= _DEEPEST else indent + ("   " if last else "│  ")
        stack += [(child, deeper, end) for child, end in reversed(list(_marked(children.get(row["id"], []))))]


def mermaid(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of a Mermaid flowchart."""
    yield "flowchart TD"
    for row in rows:
        yield f'  t{row["id"]}["{_escaped(_name(row))}<br/>{row["state"]}"]:::{row["state"]}'
        for id in row["after"]:
            yield f"  t{id} --> t{row['id']}"
    for state, colour in _COLOURS.items():
        yield f"  classDef {state} fill:{colour},color:#000"


def dot(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of a graph for Graphviz."""
    yield "digraph flow {"
    yield '  node [shape=box, style=filled, fillcolor="#ffffff"];'
    for row in rows:
        name = _name(row).replace("\\", "\\\\").replace('"', '\\"')
        colour = _COLOURS.get(row["state"], "#ffffff")
        yield f'  t{row["id"]} [label="{name}\\n{row["state"]}", fillcolor="{colour}"];'
        for id in row["after"]:
            yield f"  t{id} -> t{row['id']};"
    yield "}"


def _marked(rows: list[Row]) -> Iterator[tuple[Row, bool]]:
    for number, row in enumerate(rows, 1):
        yield row, number == len(rows)


def _told(row: Row, known: set[int]) -> str:
    above = [id for id in row["after"] if id in known][1:]
    behind = f"  (and after {', '.join(map(str, above))})" if above else ""
    error = (
        f"  {plain(row['error'])}"
        if row["error"] and row["state"] in ("dead", "cancelled", "scheduled")
        else ""
    )
    return f"{_SIGNS[row['state']]} {_name(row)}  {row['id']} {row['state']}{behind}{error}"


def _name(row: Row) -> str:
    return plain(str(row["name"] or row["kind"] or f"task {row['id']}"))


def plain(text: str) -> str:
    """On one line, without what moves a cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def _escaped(text: str) -> str:
    """Mermaid takes HTML in a label, and entities by number."""
    return "".join(char if char.isalnum() or char in " -_./:" else f"#{ord(char)};" for char in text)
