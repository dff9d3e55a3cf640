"""The picture of a run: messages a second of every system in every cell, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from queuekit.errors import QueuekitError, Usage

from .summary import Figures, fate, figures, number

KINDS = (".svg", ".png")
# Okabe and Ito's colours, which the colour-blind can tell apart; the shape of the mark says the same.
_OURS, _FLOOR, _PEER, _BAD = "#0072B2", "#000000", "#666666", "#D55E00"
_COLUMNS = 3
_LEFT_OUT = {"statements"}


def can_plot(path: Path) -> None:
    """Raises Usage for a file of another kind, QueuekitError where matplotlib is not installed."""
    if path.suffix not in KINDS:
        raise Usage(f"a plot is a file of {' or '.join(KINDS)}, not {path.name}")
    if find_spec("matplotlib") is None:
        raise QueuekitError("a plot needs matplotlib, which is not installed: pip install 'queuekit[bench]'")


def plot(results: Mapping[str, Any], path: Path) -> None:
    """Write the picture to path. Raises as can_plot."""
    can_plot(path)
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams.update({"svg.hashsalt": "queuekit", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    cells = [cell for cell in results["cells"].values() if any(cell["rounds"])]
    lines = max(1, -(-len(cells) // _COLUMNS))
    figure, axes = pyplot.subplots(lines, _COLUMNS, figsize=(13.5, 3.1 * lines + 0.7), squeeze=False)
    for axis, cell in zip(axes.flat, cells, strict=False):
        _panel(axis, cell, results["systems"])
    for axis in axes.flat[len(cells) :]:
        axis.set_visible(False)
    figure.suptitle(
        "Messages a second, more is better (median of the rounds, least to most; logarithmic)", fontsize=12
    )
    figure.legend(handles=_legend(), loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.5 / (3.1 * lines + 0.7), 1, 0.99))
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, dpi=110, metadata=metadata)
    pyplot.close(figure)


def _panel(axis: Any, cell: Mapping[str, Any], systems: Mapping[str, Any]) -> None:
    seen = [(name, figures(cell["rounds"], name)) for name in systems if name not in _LEFT_OUT]
    shown = [(name, found) for name, found in seen if found and not found.failed]
    shown.sort(key=lambda pair: pair[1].median, reverse=True)  # the fastest on top
    for place, (name, found) in enumerate(shown):
        _mark(axis, place, name, found)
    axis.set_yticks(range(len(shown)), [systems[name]["title"] for name, _ in shown])
    for label, (name, _) in zip(axis.get_yticklabels(), shown, strict=True):
        label.set_fontweight("bold" if _is_ours(name) else "normal")
    _scale(axis, [found for _, found in shown])
    axis.set_ylim(-0.6, max(len(shown), 1) - 0.4)
    axis.grid(axis="x", which="major", color="#DDDDDD", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(cell["title"], fontsize=10, loc="left")


def _scale(axis: Any, shown: list[Figures]) -> None:
    """Whole powers of ten on the left, room for the figures on the right, and numbers that people read."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    least = min((1e6 / found.high for found in shown), default=1.0)
    most = max((1e6 / found.low for found in shown), default=10.0)
    low = 10 ** math.floor(math.log10(least))
    axis.set_xscale("log")
    axis.set_xlim(low * 0.9, most * (most / low) ** 0.4)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axis.xaxis.set_minor_formatter(NullFormatter())


def _tick(value: float) -> str:
    for size, name in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"


def _mark(axis: Any, place: int, name: str, found: Figures) -> None:
    """A point with its range, its figure beside it, and what became of messages that went astray."""
    bad = fate(found)
    colour, shape = _look(name)
    colour, shape = (_BAD, "X") if bad else (colour, shape)
    least, middle, most = 1e6 / found.high, 1e6 / found.median, 1e6 / found.low
    axis.plot([least, most], [place, place], color=colour, linewidth=2, alpha=0.5, solid_capstyle="butt")
    axis.plot([middle], [place], shape, color=colour, markersize=7)
    told = number(middle) + (f" ({bad.partition(' of ')[0]})" if bad else "")
    axis.annotate(told, (most, place), xytext=(7, 0), textcoords="offset points", va="center", color=colour)


def _is_ours(name: str) -> bool:
    return name in ("queuekit", "queuekit-events", "qk")


def _look(name: str) -> tuple[str, str]:
    if _is_ours(name):
        return _OURS, "o"
    return (_FLOOR, "D") if name.startswith("floor") or name == "sqlite3" else (_PEER, "s")


def _legend() -> list[Any]:
    from matplotlib.lines import Line2D

    marks = [
        ("queuekit", _OURS, "o"),
        ("the floor: by hand", _FLOOR, "D"),
        ("others", _PEER, "s"),
        ("lost messages, or delivered some twice", _BAD, "X"),
    ]
    return [
        Line2D([], [], color=colour, marker=shape, linestyle="", label=label)
        for label, colour, shape in marks
    ]
