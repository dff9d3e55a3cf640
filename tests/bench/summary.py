"""The figures of a run from its rounds: medians, ranges, ratios, and what of the goals was reached."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .goals import GOALS, NONE_LOST

AGAINST = "against"
"""The name in a round of the floor's other action, which the ratios of its cell are to."""

Round = Mapping[str, Mapping[str, Any]]


class Figures(NamedTuple):
    """One system in one cell: microseconds a message, ratios base / system (above 1: faster), messages lost or doubled.

    ratio and cpu_ratio are None where the base was not measured; failed says why there are no figures.
    """

    median: float = 0.0
    low: float = 0.0
    high: float = 0.0
    cpu: float = 0.0
    ratio: float | None = None
    cpu_ratio: float | None = None
    messages: int = 0
    lost: int = 0
    twice: int = 0
    refused: int = 0
    settings: Mapping[str, Any] = {}
    failed: str = ""


def figures(rounds: list[Round], system: str, base: str = "floor") -> Figures | None:
    """The system's figures over the rounds, to AGAINST or else base; None if it took no part."""
    seen = [round[system] for round in rounds if system in round]
    if not seen:
        return None
    if failed := next((one["failed"] for one in seen if "failed" in one), ""):
        return Figures(failed=failed)
    walls = [one["wall"] for one in seen]
    totals = {name: sum(one[name] for one in seen) for name in ("lost", "twice", "refused")}
    return Figures(
        median=statistics.median(walls),
        low=min(walls),
        high=max(walls),
        cpu=statistics.median(one["cpu"] for one in seen),
        ratio=ratio(rounds, system, base, "wall"),
        cpu_ratio=ratio(rounds, system, base, "cpu"),
        messages=sum(one["messages"] for one in seen),
        settings=seen[-1]["settings"],
        **totals,
    )


def ratio(rounds: list[Round], system: str, base: str, clock: str) -> float | None:
    """The median over the rounds of base / system; AGAINST takes the place of the base where it was measured."""
    pairs = [(round.get(AGAINST) or round.get(base), round.get(system)) for round in rounds]
    ratios = [one[clock] / two[clock] for one, two in pairs if one and two and clock in one and clock in two]
    return statistics.median(ratios) if ratios else None


def fate(figures: Figures) -> str:
    """What became of messages that were not delivered just once, "" if there are none."""
    told = [f"{n} {word}" for n, word in ((figures.lost, "lost"), (figures.twice, "twice")) if n]
    return f"{', '.join(told)} of {figures.messages}" if told else ""


def reached(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each goal that this run can tell of: name, goal, value, reached (True or False)."""
    return [*_ratios(results["cells"]), *_lost(results["cells"]), *_measured(results["extras"])]


def _ratios(cells: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for goal in GOALS:
        rounds = cells.get(goal.cell, {}).get("rounds", [])
        value = ratio(rounds, goal.system, goal.base, "wall")
        if value is not None:
            told = {
                "goal": f"≥ {goal.least:.2f} ×",
                "value": f"{value:.2f} ×",
                "reached": value >= goal.least,
            }
            yield {"name": goal.title, **told}


def _lost(cells: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    name, cell, system = NONE_LOST
    found = figures(cells.get(cell, {}).get("rounds", []), system)
    if found is not None:
        bad = found.lost + found.twice
        yield {"name": name, "goal": "0", "value": str(bad), "reached": not bad and not found.failed}


def _measured(extras: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for rows in extras.values():
        for row in rows if isinstance(rows, list) else []:
            if row.get("goal") is not None:
                less = row["better"] == "less"
                good = row["value"] <= row["goal"] if less else row["value"] >= row["goal"]
                goal = f"{'≤' if less else '≥'} {number(row['goal'])} {row['unit']}"
                value = f"{number(row['value'])} {row['unit']}"
                yield {"name": row["name"], "goal": goal, "value": value, "reached": good}


def number(value: float) -> str:
    """A figure for people: three digits that count, no exponent."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.5f}"
