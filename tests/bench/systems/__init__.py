"""The systems that are compared, by name; each adapter is loaded when it is asked for, and what it needs with it."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import NamedTuple

from .system import System


class NotInstalled(Exception):
    """A system cannot be loaded here; the text says what to install."""


class Entry(NamedTuple):
    """Where an adapter is: its module and class, and the distribution on PyPI that it needs ("": none)."""

    module: str
    name: str
    distribution: str = ""
    install: str = "pip install 'queuekit[bench]'"


SYSTEMS = {
    "floor": Entry("floor", "Floor"),
    "floor-2048": Entry("floor", "SmallPages"),
    "queuekit": Entry("queuekit_python", "QueuekitPython"),
    "queuekit-events": Entry("queuekit_python", "QueuekitEvents"),
    "statements": Entry("statements", "Statements"),
    "persist-queue": Entry("persist_queue", "PersistQueue", "persist-queue"),
    "huey": Entry("huey", "Huey", "huey"),
    "litequeue": Entry("litequeue", "Litequeue", "litequeue"),
    "liteq": Entry("liteq", "Liteq", "liteq"),
    "diskcache": Entry("diskcache", "Diskcache", "diskcache"),
    "honker": Entry(
        "honker", "Honker", "honker", "pip install honker (a wheel for your machine, or Rust to build it)"
    ),
    "qk": Entry("queuekit_bash", "QueuekitBash"),
    "sqlite3": Entry("sqlite3_shell", "Sqlite3Shell"),
}


def load(name: str) -> type[System]:
    """The adapter of a system. Raises NotInstalled."""
    entry = SYSTEMS[name]
    try:
        adapter: type[System] = getattr(import_module(f"{__name__}.{entry.module}"), entry.name)
    except ModuleNotFoundError as error:
        if not entry.distribution or (error.name or "").startswith(__name__):
            raise
        raise NotInstalled(f"not installed: {entry.install}") from None
    except ImportError as error:
        raise NotInstalled(f"cannot be loaded here: {error}") from None
    if missing := adapter.missing():
        raise NotInstalled(missing)
    return adapter


def version(name: str) -> str:
    """The version of the distribution that a system is from ("": it is of this benchmark)."""
    distribution = SYSTEMS[name].distribution
    return metadata.version(distribution) if distribution else ""
