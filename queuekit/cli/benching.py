"""bench: the benchmark, which lies in tests/bench of a checkout, and inside the package when installed."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from queuekit.errors import QueuekitError, Usage


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Three minutes: three rounds of a quarter.")] = False,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Few and small: that it runs, not how fast.")
    ] = False,
    rounds: Annotated[int | None, typer.Option(min=1, metavar="N", help="Rounds (5).")] = None,
    systems: Annotated[str | None, typer.Option(metavar="A,B", help="These systems alone.")] = None,
    cells: Annotated[str | None, typer.Option(metavar="A,B", help="These measurements alone.")] = None,
    json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="All of it as JSON (- is stdout).")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="A picture, .svg or .png.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="FOLDER", help="Where the files are, on a real disk.")
    ] = None,
    docs: Annotated[
        Path | None, typer.Option("--docs", metavar="FOLDER", help="Renew benchmarks.md there.")
    ] = None,
    earlier: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Measure nothing: the JSON of an earlier run."),
    ] = None,
) -> None:
    """Measure queuekit beside the same work by hand and other queues, on this machine: some fifteen minutes.

    What others need:  pip install 'queuekit[bench]'. One that is missing is named, and left out.
    """
    if quick and smoke:
        raise Usage("either --quick or --smoke")
    command = _command()
    speed = "quick" if quick else "smoke" if smoke else "full"
    names = [None if given is None else given.split(",") for given in (systems, cells)]
    command.bench(command.Options(speed, rounds, *names, json, plot, folder, docs, earlier))


def _command() -> Any:
    """The benchmark's own module. Raises QueuekitError if it is not there."""
    package = Path(__file__).resolve().parents[1]
    if (package / "bench").is_dir():
        return import_module("queuekit.bench.command")
    root = package.parent
    if not (root / "tests" / "bench").is_dir():
        raise QueuekitError("queuekit's benchmark is missing: install the package again")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return import_module("tests.bench.command")
