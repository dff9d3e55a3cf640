"""A run: the cells, each system in its turn, round after round, and what else was asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from queuekit import __version__
from queuekit.errors import Usage

from . import children, extras, machine, systems
from .cell import Task
from .cells import BATCH, CELLS, HUNDRED, Cell
from .summary import AGAINST
from .systems import SYSTEMS, NotInstalled

_LIMIT = 600  # seconds of one measurement
_LEAST = {"put_many": BATCH, "claim_many": HUNDRED, "processes": 100, "threads": 80}  # messages

Tell = Callable[[str], None]


class Plan(NamedTuple):
    """What is asked for: names of systems, cells and extras, rounds, and the share of the counts in cells.py."""

    systems: list[str]
    cells: list[Cell]
    extras: list[str]
    rounds: int
    scale: float


def plan(names: list[str] | None, cells: list[str] | None, rounds: int, scale: float) -> Plan:
    """The plan for these names of systems and of cells or extras (None: all). Raises Usage for unknown ones."""
    by_name = {cell.name: cell for cell in CELLS}
    chosen = _known("system", names, list(SYSTEMS))
    wanted = _known("cell", cells, [*by_name, *extras.known()])
    return Plan(
        chosen,
        [by_name[name] for name in wanted if name in by_name],
        [name for name in wanted if name not in by_name],
        rounds,
        scale,
    )


def _known(what: str, names: list[str] | None, known: list[str]) -> list[str]:
    for name in names or []:
        if name not in known:
            raise Usage(f"there is no {what} {name!r}; there are {', '.join(known)}")
    return known if names is None else [name for name in known if name in names]


def run(plan: Plan, folder: Path, tell: Tell) -> dict[str, Any]:
    """Measure it all, in a folder on a real disk that is removed afterwards; the results as plain data for JSON.

    tell gets a line now and then. Raises Usage for a folder that will not do.
    """
    place = machine.real_disk(folder)
    before, tempfile.tempdir = tempfile.tempdir, str(place)
    try:
        began = time.monotonic()
        told = _described(plan.systems)
        here = [name for name in plan.systems if "missing" not in told[name]]
        results: dict[str, Any] = {
            "release": __version__,
            "machine": machine.facts(folder),
            "rounds": plan.rounds,
            "scale": plan.scale,
            "systems": told,
            "cells": {cell.name: _cell(cell, plan, here, place, tell) for cell in plan.cells},
            "extras": {n: extras.told(n, here, place, plan.scale, plan.rounds, tell) for n in plan.extras},
        }
        results["machine"]["load at the end"] = machine.load()
        return {**results, "seconds": round(time.monotonic() - began)}
    finally:
        tempfile.tempdir = before
        shutil.rmtree(place, ignore_errors=True)


def _described(names: list[str]) -> dict[str, dict[str, str]]:
    """What the systems are; of one that is not installed, what to install."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        try:
            adapter = systems.load(name)
        except NotInstalled as error:
            found[name] = {"title": name, "missing": str(error)}
            continue
        version = systems.version(name)
        fields = ("title", "ack", "lease", "history", "note")
        found[name] = {"version": version, **{field: getattr(adapter, field) for field in fields}}
    return found


def _cell(cell: Cell, plan: Plan, names: list[str], place: Path, tell: Tell) -> dict[str, Any]:
    rounds = []
    for nth in range(plan.rounds):
        tell(f"{cell.title}, round {nth + 1} of {plan.rounds}")
        rounds.append(one_round(cell, plan.scale, _turned(names, nth), place))
    return {**cell._asdict(), "rounds": rounds}


def _turned(names: list[str], nth: int) -> list[str]:
    """The names in another order each round, so that none is always the first."""
    start = nth % len(names) if names else 0
    return names[start:] + names[:start]


def one_round(cell: Cell, scale: float, names: list[str], place: Path) -> dict[str, Any]:
    """Each system that takes part in the cell, measured once; the floor's other action where the cell names one."""
    seen: dict[str, Any] = {}
    for name in names:
        adapter = systems.load(name)
        if not adapter.offers(cell.action, cell.synchronous) or (
            adapter.only and cell.name not in adapter.only
        ):
            continue
        if name == "floor" and cell.against:
            seen[AGAINST] = measure(_task(cell._replace(action=cell.against), scale, name, place))
        seen[name] = measure(_task(cell, scale * adapter.pace, name, place))
    return seen


def _task(cell: Cell, scale: float, system: str, place: Path) -> Task:
    least = _LEAST.get(cell.action, 1)
    count = max(round(cell.messages * scale), least) // least * least
    if cell.action == "loop":
        count = min(count, systems.load(system).loops)
    return Task(system, cell.action, count, cell.size, cell.synchronous, str(place))


def measure(task: Task) -> dict[str, Any]:
    """The measurement of a task in a process of its own, or failed: why there is none."""
    process = children.start("cell", stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(json.dumps(task._asdict()), timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"failed": f"took longer than {_LIMIT} s"}
    if process.returncode:
        lines = err.strip().splitlines()
        return {"failed": lines[-1][:200] if lines else f"exit {process.returncode}"}
    found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    return found
