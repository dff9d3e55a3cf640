"""What else a run tells: each is a module with measure(scale, rounds), or is counted here for every system."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import killed
from .cells import EXTRAS
from .systems import load

_COUNTED = {"frames", "steps"}
# Times those of the run, one at least: a command is short, and a rest is long.
_ROUNDS = {"start": 3.0, "rest": 0.0}


def known() -> list[str]:
    """The names of those that there are, in the order of EXTRAS."""
    return [name for name in EXTRAS if find_spec(f"{__package__}.{name}") and _measures(name)]


def _measures(name: str) -> bool:
    return name == "killed" or hasattr(_module(name), "per_verb" if name in _COUNTED else "measure")


def _module(name: str) -> Any:
    return import_module(f".{name}", __package__)


def told(
    name: str, systems: Iterable[str], folder: Path, scale: float, rounds: int, tell: Callable[[str], None]
) -> Any:
    """What the extra of this name has measured, as plain data: rows, or a dict by system or verb.

    One that fails is {"failed": why}: the rest of a long run is not lost for it.
    """
    tell(EXTRAS[name])
    try:
        return _told(name, systems, folder, scale, max(1, round(rounds * _ROUNDS.get(name, 1))))
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}


def _told(name: str, systems: Iterable[str], folder: Path, scale: float, rounds: int) -> Any:
    if name == "killed":
        return _killed(systems, folder)
    if name in _COUNTED:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            return _module(name).per_verb(Path(place))
    return _module(name).measure(scale, rounds)


def _killed(systems: Iterable[str], folder: Path) -> dict[str, Any]:
    """All at once: most of it is waiting."""
    names = [name for name in systems if load(name).consumes]
    with ThreadPoolExecutor(len(names) or 1) as pool:
        return dict(zip(names, pool.map(partial(killed.measure, folder=folder), names), strict=True))
