"""cancel, retry, tick, purge, pause, resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from queuekit.cli.app import Db, Json, LockWait, Name, open_queue
from queuekit.cli.arguments import Ids
from queuekit.cli.output import complain, json_line
from queuekit.durations import milliseconds
from queuekit.errors import QueuekitError, Usage


def cancel(ids: Ids, as_json: Json = False, db: Db = None, lock_wait: LockWait = "5") -> None:
    """Cancel waiting tasks; ask running ones to stop."""
    _each(ids, open_queue(None, lock_wait).cancel, as_json)


def retry(
    ids: Ids,
    delay: Annotated[str | None, typer.Option(metavar="D", help="Ready after this long.")] = None,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Run finished tasks again, with all their attempts."""
    queue = open_queue(None, lock_wait)
    wait = None if delay is None else milliseconds(delay) / 1000
    _each(ids, lambda id: queue.retry(id, delay=wait), as_json)


def snooze(
    ids: Ids,
    delay: Annotated[str | None, typer.Option(metavar="D", help="Run this long from now.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Run at this time.")] = None,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Let waiting tasks run later, or sooner."""
    if (delay is None) == (at is None):
        raise Usage("snooze takes --delay or --at")
    queue = open_queue(None, lock_wait)
    _each(ids, lambda id: queue.snooze(id, delay=delay, at=at), as_json)


def tick(as_json: Json = False, db: Db = None, lock_wait: LockWait = "5") -> None:
    """Move what is due (claim does it, too), and fire the schedules."""
    from queuekit import logs

    logs.start(as_json=False)
    open_queue(None, lock_wait).tick()


def purge(
    queue: Name = None,
    older: Annotated[
        str | None, typer.Option(metavar="D", help="Age since the end; else as the queue says.")
    ] = None,
    state: Annotated[str | None, typer.Option(metavar="S", help="done, cancelled or dead.")] = None,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Forget what finished long ago; dead tasks only with --state dead."""
    if state not in (None, "done", "cancelled", "dead"):
        raise Usage(f"purge forgets what is done, cancelled or dead, not {state}")
    given = {"queue": queue, "state": state, "older_ms": None if older is None else milliseconds(older)}
    purged = open_queue(queue, lock_wait).database.purge(given)
    if as_json:
        json_line({"purged": purged})


def pause(queue: Name = None, as_json: Json = False, db: Db = None, lock_wait: LockWait = "5") -> None:
    """Claims of the queue find nothing until it is resumed."""
    target = open_queue(queue, lock_wait)
    target.pause()
    _gate(target.name, 1, as_json)


def resume(queue: Name = None, as_json: Json = False, db: Db = None, lock_wait: LockWait = "5") -> None:
    """End a pause."""
    target = open_queue(queue, lock_wait)
    target.resume()
    _gate(target.name, 0, as_json)


def _gate(queue: str, paused: int, as_json: bool) -> None:
    if as_json:
        json_line({"queue": queue, "paused": paused})


def _each(ids: list[int], move: Callable[[int], Any], as_json: bool) -> None:
    """Move every one; the exit code is that of the last that could not be."""
    code = 0
    for id in ids:
        try:
            state = move(id)
        except QueuekitError as error:
            code = complain(str(error), error.exit_code)
            continue
        if as_json:
            json_line({"id": id, "state": state})
    raise typer.Exit(code)
