"""What `queuekit bench` does: a run, or the results of an earlier one, and where they go."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from queuekit.errors import Usage

from . import machine, page
from .plot import can_plot, plot
from .run import plan, run
from .tables import for_terminal

_SPEEDS = {"full": (5, 1.0), "quick": (3, 0.25), "smoke": (1, 0.01)}  # rounds, share of the counts


class Options(NamedTuple):
    """As the command line has them; names are lists, None where all are meant."""

    speed: str = "full"
    rounds: int | None = None
    systems: list[str] | None = None
    cells: list[str] | None = None
    json: str | None = None
    plot: Path | None = None
    folder: Path | None = None
    docs: Path | None = None
    earlier: Path | None = None


def bench(options: Options) -> None:
    """Measure, or read what was measured, then print and write it. Raises QueuekitError, before it measures."""
    if options.plot:
        can_plot(options.plot)
    for path in (options.plot, options.json):
        if path and not Path(path).absolute().parent.is_dir():
            raise Usage(f"there is no folder for {path}")
    if options.docs:
        page.can_write(options.docs)
    results = _earlier(options.earlier) if options.earlier else _measured(options)
    if options.json == "-":
        sys.stdout.write(page.as_json(results))
    else:
        sys.stdout.write("\n".join(table.text().replace("**", "") for table in for_terminal(results)))
    if options.json not in (None, "-"):
        Path(options.json).write_text(page.as_json(results), encoding="utf-8")
    if options.plot:
        plot(results, options.plot)
    if options.docs:
        page.write(results, options.docs)


def _measured(options: Options) -> Mapping[str, Any]:
    rounds, scale = _SPEEDS[options.speed]
    chosen = plan(options.systems, options.cells, options.rounds or rounds, scale)
    return run(chosen, options.folder or machine.default_folder(), _tell)


def _tell(line: str) -> None:
    """What is being done, on stderr: on one line of a terminal, or a line each."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{line}")
    else:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _earlier(path: Path) -> Mapping[str, Any]:
    try:
        results: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for_terminal(results)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Usage(f"{path} holds no results of a run ({type(error).__name__}: {error})") from None
    return results
