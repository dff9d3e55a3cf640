"""A measurement that is run by itself, as python -m tests.bench.NAME [--smoke] [--rounds N], and not in a whole run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Measure = Callable[[float, int], list[dict[str, Any]]]


def by_hand(measure: Measure, about: str | None, *, smoke: float, rounds: int) -> None:
    """Measure as the command line asks, and print the rows; smoke is the share of the counts that --smoke takes."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(
        "--smoke", action="store_true", help="short and few: shows that it runs, not how fast"
    )
    parser.add_argument("--rounds", type=int, default=rounds)
    asked = parser.parse_args()
    for row in measure(*((smoke, 1) if asked.smoke else (1.0, asked.rounds))):
        goal = "" if row["goal"] is None else f"(goal {row['goal']:g})"
        print(f"{row['name']:48} {row['value']:8.4f} {row['unit']:11} {goal:12} {row['note']}")
