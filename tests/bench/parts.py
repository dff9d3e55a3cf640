"""Where the time of a verb goes: SQLite's machine, the commit, and Python's share; beside the floor, in turns with it.

The machine is the statement in a transaction that is open already, without its commit. The commit is what the same
statement takes longer by itself. Python is what the verb takes longer through queuekit.Queue than by its SQL alone.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .systems import load
from .systems.system import System

_COUNT = 2000
_SYSTEMS = ("floor", "statements", "queuekit")
_VERBS = ("put", "claim", "ack")
Times = dict[str, tuple[float, float]]


def measure(scale: float, rounds: int) -> list[dict[str, Any]]:
    """Microseconds of each part, as rows of a table; the floor's in the note."""
    count = max(20, int(_COUNT * scale))
    seen = [{name: _times(name, count) for name in _SYSTEMS} for _ in range(rounds)]
    return [row for verb in _VERBS for row in _rows(verb, seen)]


def _times(name: str, count: int) -> Times:
    """(alone, in a transaction) of each verb, in microseconds."""
    with tempfile.TemporaryDirectory() as folder:
        system = load(name)(Path(folder), "normal")
        alone = _each(system, count)
        system.query("begin immediate")
        inside = _each(system, count)
        system.query("commit")
        system.close()
    return {verb: (alone[verb], inside[verb]) for verb in _VERBS}


def _each(system: System, count: int) -> dict[str, float]:
    messages: list[Any] = []
    acts: dict[str, Callable[[], object]] = {
        "put": lambda: system.put("x" * 200),
        "claim": lambda: messages.append(system.claim()),
        "ack": lambda: system.done(messages.pop()),
    }
    return {verb: _microseconds(act, count) for verb, act in acts.items()}


def _microseconds(act: Callable[[], object], count: int) -> float:
    begin = time.perf_counter()
    for _ in range(count):
        act()
    return (time.perf_counter() - begin) / count * 1e6


def _rows(verb: str, seen: list[dict[str, Times]]) -> list[dict[str, Any]]:
    def median(name: str, part: int) -> float:
        return statistics.median(one[name][verb][part] for one in seen)

    machine, alone = median("statements", 1), median("statements", 0)
    theirs = median("floor", 1)
    parts = [
        ("SQLite's machine", machine, theirs),
        ("its commit", alone - machine, median("floor", 0) - theirs),
        ("Python", median("queuekit", 0) - alone, 0.0),
    ]
    return [
        {
            "name": f"{verb}: {part}",
            "value": value,
            "unit": "µs",
            "goal": None,
            "better": "less",
            "note": f"the floor {floor:.1f}",
        }
        for part, value, floor in parts
    ]


if __name__ == "__main__":
    for row in measure(1, 7):
        print(f"{row['name']:28} {row['value']:6.1f}   {row['note']}")
