"""The spool: tasks that a hook could not put (locked, missing or full database), kept as files until they are drained.

A file <database>.spool/new/NAME is lines name=value (queue, kind, key, priority), an empty line, and the payload to its
end. Draining takes a file by a lock on it and the name NAME.taken, puts the task, then deletes the file. So nothing is
lost when a drain is killed, and a file that was taken before is put only if the queue has no such task of since then.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from itertools import chain, count
from pathlib import Path
from typing import Any

from queuekit.database import Database
from queuekit.errors import BadPayload, Full, QueuekitError, Refused, Usage
from queuekit.logs import say
from queuekit.model import PRIORITIES

_TAKEN = ".taken"
_ABANDONED = 3600.0  # seconds
_NAMES = {"queue", "kind", "key", "priority"}


def arrivals(database: Database) -> Path:
    """The folder into which hooks put their files."""
    return Path(f"{os.path.realpath(database.path)}.spool") / "new"


def drain(database: Database) -> int:
    """Put the tasks of the database's spool, oldest first; how many. What is no task is moved to bad/.

    Raises nothing: what cannot be put now (busy, disk full) stays for the next time, a file that cannot be read stays,
    and none hinders another.
    """
    new = arrivals(database)
    drained = 0
    try:
        database.follow_the_path(
            create=True
        )  # a file is deleted when it is a task in the queue that all can see
        for path in _abandoned(new.parent / "tmp"):
            _set_aside(path, new.parent / "bad", "a hook was killed while it wrote this")
        for path in _files(new):
            drained += _drain_file(database, path, new.parent / "bad")
    except (QueuekitError, OSError) as error:
        say(logging.WARNING, "spool not drained now", path=new.parent, error=str(error))
    if drained:
        say(logging.INFO, "spool drained", path=new.parent, tasks=drained)
    return drained


def _files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
            return [Path(path) for _, path in sorted((file.stat().st_mtime_ns, file.path) for file in files)]
    except FileNotFoundError:
        return []


def _abandoned(folder: Path) -> list[Path]:
    """Files that no living hook still writes: hooks take seconds."""
    return [path for path in _files(folder) if path.stat().st_mtime < time.time() - _ABANDONED]


def _drain_file(database: Database, path: Path, bad: Path) -> bool:
    """True if the file became a task. Raises QueuekitError if none can become one now."""
    try:
        with open(path, "rb") as file:
            return _lock(file.fileno(), path) and _drain_open_file(database, path, file.read(), bad)
    except FileNotFoundError:
        return False  # another drain was faster
    except OSError as error:
        say(logging.WARNING, "spool file not drained now", path=path, error=error.strerror)
        return False


def _drain_open_file(database: Database, path: Path, content: bytes, bad: Path) -> bool:
    taken = path.with_name(path.name.removesuffix(_TAKEN) + _TAKEN)
    if path != taken and taken.exists():
        return False  # another of this name is being put: the next drain finds this one
    path.rename(taken)
    try:
        _put(database, _parse(content, path.name), taken.stat(), again=path == taken)
    except Full as error:
        say(logging.WARNING, "spool file not drained now", path=path, error=str(error))
        return False
    except (BadPayload, Refused, Usage, ValueError) as error:
        _set_aside(taken, bad, error)
        return False
    taken.unlink()
    return True


def _lock(descriptor: int, path: Path) -> bool:
    """Take the file; False if another drain has it, or had it. The lock ends with the descriptor, or the process."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.path.samestat(os.fstat(descriptor), path.stat())


def _parse(content: bytes, name: str) -> dict[str, Any]:
    """The parameters of put. Raises ValueError (of which UnicodeDecodeError is one)."""
    head, empty_line, payload = (b"\n" + content).partition(b"\n\n")
    if b"\0" in head:
        raise ValueError("a NUL byte")
    if not empty_line:
        raise ValueError("no empty line before the payload")
    pairs = [line.partition("=") for line in head.decode("utf-8").split("\n")[1:]]
    given: dict[str, Any] = {key: value for key, _, value in pairs if value}
    if unknown := [key for key, equals, _ in pairs if key not in _NAMES or not equals]:
        raise ValueError(f"not a line of a spool file: {unknown[0]!r}")
    if given.setdefault("priority", 0) not in PRIORITIES:
        given["priority"] = int(given["priority"])
    given.setdefault("key", f"spool:{name.removesuffix(_TAKEN)}")
    return {**given, "payload": payload.decode("utf-8")}


def _put(database: Database, given: dict[str, Any], spooled: os.stat_result, *, again: bool) -> None:
    if not (again and _was_put(database, given, spooled.st_mtime_ns // 1_000_000)):
        database.run("put", given)


def _was_put(database: Database, given: dict[str, Any], since: int) -> bool:
    """True if the queue has, or had until its end, this very task: put after it was spooled."""
    same_key = database.rows(
        "list", {"queue": given.get("queue", "default"), "key": given["key"], "limit": -1}
    )
    ids = [row["id"] for row in same_key if row["created_at"] >= since]
    return any(database.rows("show", {"id": id})[0]["payload"] == given["payload"] for id in ids)


def _set_aside(taken: Path, bad: Path, error: object) -> None:
    bad.mkdir(exist_ok=True)
    kept = taken.replace(_unused(bad / taken.name.removesuffix(_TAKEN)))
    say(logging.ERROR, "bad spool file", path=kept, error=str(error))


def _unused(path: Path) -> Path:
    """The path, or the first of path.1, path.2, … that is not there: what was kept before is not written over."""
    numbered = (path.with_name(f"{path.name}.{number}") for number in count(1))
    return next(free for free in chain([path], numbered) if not free.exists())
