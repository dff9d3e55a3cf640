"""Who works on the file: a row for each working process, so that the tasks of one that was killed need not wait.

Without this they come back when their leases end. It helps where it is sure: on Linux, on the same machine, for names
that hold the process number. Numbers of another container or of an earlier boot say nothing here, so the host's name
holds both. The start of a process counts from the boot: a clock that is set must not make a living worker look dead.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from queuekit.database import Database
from queuekit.errors import QueuekitError
from queuekit.identity import host
from queuekit.logs import say

_here: Counter[tuple[Path, str]] = Counter()  # how many blocks of this process are present, by file and name
_counting = threading.Lock()


@contextlib.contextmanager
def present(
    database: Database, name: str, queues: Sequence[str], capabilities: str | None = None
) -> Iterator[None]:
    """While the block lasts, this process works as name. First the tasks of dead workers of this machine are let go."""
    me = _process(name)
    if me is None:
        yield
        return
    with _carry_on():
        _bury(database, me["host"])
        database.run("worker_beat", {**me, "queues": json.dumps(list(queues)), "capabilities": capabilities})
    _count(database, name, +1)
    try:
        yield
    finally:
        if not _count(database, name, -1):
            with _carry_on():
                database.run("worker_gone", me)


def _count(database: Database, name: str, by: int) -> int:
    with _counting:
        _here[database.path, name] += by
        return _here[database.path, name]


@contextlib.contextmanager
def _carry_on() -> Iterator[None]:
    """A worker can do without being known."""
    try:
        yield
    except QueuekitError as error:
        say(logging.WARNING, "presence not written", error=str(error))


def _bury(database: Database, host: str) -> None:
    for other in database.rows("workers", {"host": host}):
        if _is_dead(other):
            _reap(database, other)


def _reap(database: Database, dead: dict[str, Any]) -> None:
    runs = database.count("reap", {"worker": dead["name"]})
    database.run("worker_gone", dead)
    if runs:
        say(logging.WARNING, "worker died", name=dead["name"], pid=dead["pid"], runs=runs)


def _is_dead(other: dict[str, Any]) -> bool:
    try:
        os.kill(other["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # another user's, and perhaps hidden in /proc
    there = _start(other["pid"])
    return there is not None and there != other["started_ms"]


def _process(name: str) -> dict[str, Any] | None:
    """The row of this process; None where nothing sure can be said about it."""
    pid = os.getpid()
    started = _start(pid)
    if started is None or not name.endswith(f":{pid}"):
        return None
    return {"name": name, "host": host(), "pid": pid, "started_ms": started}


def _start(pid: int) -> int | None:
    """When the process started, in ms since the boot; -1 for a zombie, None if /proc does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return -1 if fields[0] in "ZX" else int(fields[19]) * 1000 // os.sysconf("SC_CLK_TCK")
