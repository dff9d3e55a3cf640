"""init and put."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any, Literal

import typer

from queuekit.cli.app import Db, Json, LockWait, Name, open_queue
from queuekit.cli.arguments import a_priority, ids, whole
from queuekit.cli.output import json_line, write
from queuekit.durations import milliseconds
from queuekit.errors import BadPayload, Usage

_CONTROL = re.compile(r"[\x01-\x08\x0b-\x1f\x7f]")


def init(
    queue: Name = None,
    events: Annotated[
        Literal["on", "off"] | None,
        typer.Option(metavar="on|off", help="Write each put and change of state to qk_event, or no longer."),
    ] = None,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Make the queue file, or bring an older one up to date; with -q also a view of the queue's name."""
    from queuekit.schema import default_path, prepare

    if queue is not None:
        _viewable(queue)
    prepare(default_path(), timeout=milliseconds(lock_wait) / 1000)
    if queue is None and events is None:
        return
    database = open_queue(queue, lock_wait).database
    if queue is not None:
        database.make_view(queue)
    if events is not None:
        database.events(events == "on")


def _viewable(queue: str) -> None:
    """Refuse, before a file is made, what can be no view's name in the shell."""
    if not queue:
        raise Usage("init -q takes the name of a queue")
    try:
        queue.encode()
    except UnicodeError as error:
        raise BadPayload("the name of the queue is not text (invalid UTF-8); nothing was made") from error
    if _CONTROL.search(queue):
        raise BadPayload("a view's name cannot hold control characters; nothing was made")


Payload = Annotated[str | None, typer.Argument(help="The work; - or nothing: from stdin.")]
Kind = Annotated[str | None, typer.Option(metavar="K", help="What sort of work; picks the handler.")]
Key = Annotated[str | None, typer.Option(metavar="K", help="One unfinished task a key.")]
Unique = Annotated[
    str | None, typer.Option(metavar="D", help="How long it holds its key: a length, unclaimed or forever.")
]
OnConflict = Annotated[
    str | None, typer.Option(metavar="C", help="What a waiting holder does: keep, replace or merge.")
]
Priority = Annotated[
    Any,
    typer.Option(
        parser=a_priority, metavar="N", help="Higher is claimed first; low, normal, high, critical."
    ),
]
Within = Annotated[str | None, typer.Option(metavar="D", help="Cancelled if it still waits after this long.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Cancelled if it still waits at this time.")]
Require = Annotated[list[str] | None, typer.Option(metavar="WORDS", help="What a worker must be able to do.")]
Share = Annotated[str | None, typer.Option(metavar="S", help="Whose share of the work it is.")]
Group = Annotated[str | None, typer.Option(metavar="G", help="One at a time, in order.")]
After = Annotated[list[str] | None, typer.Option(metavar="ID,ID...", help="Wait until these are done.")]
OnFailure = Annotated[
    str | None, typer.Option(metavar="F", help="When one of these fails: cancel, run or wait.")
]
InBatch = Annotated[int | None, typer.Option(parser=whole, metavar="ID", help="Count it in this batch.")]
Delay = Annotated[str | None, typer.Option(metavar="D", help="Run this much later.")]
At = Annotated[str | None, typer.Option(metavar="TIME", help="Run at this time.")]
Attempts = Annotated[int | None, typer.Option(parser=whole, metavar="N", help="Failures that make it dead.")]
Lease = Annotated[str | None, typer.Option(metavar="D", help="Length of its leases.")]
Backoff = Annotated[str | None, typer.Option(metavar="D", help="Wait after the first failure; doubles.")]
Null = Annotated[bool, typer.Option("-0", "--null", help="Many from stdin, each ended by NUL.")]
Lines = Annotated[bool, typer.Option("--lines", help="Many from stdin, one a line; blank lines are skipped.")]


def put(
    payload: Payload = None,
    queue: Name = None,
    kind: Kind = None,
    key: Key = None,
    unique: Unique = None,
    on_conflict: OnConflict = None,
    priority: Priority = 0,
    delay: Delay = None,
    at: At = None,
    within: Within = None,
    until: Until = None,
    require: Require = None,
    share: Share = None,
    group: Group = None,
    after: After = None,
    on_failure: OnFailure = None,
    batch: InBatch = None,
    attempts: Attempts = None,
    lease: Lease = None,
    backoff: Backoff = None,
    null: Null = False,
    lines: Lines = False,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Give a queue a task; prints its id."""
    if delay is not None and at is not None:
        raise Usage("put takes --delay or --at, not both")
    given: dict[str, Any] = {"kind": kind, "priority": priority, "delay": delay, "at": at, "within": within}
    given |= {"until": until, "require": require, "share": share, "group": group, "on_failure": on_failure}
    given |= {"after": ids(after) if after else None, "batch": batch}
    given |= {"max_attempts": attempts, "lease": lease, "backoff": backoff}
    if null or lines:
        if null and lines:
            raise Usage("put takes -0 or --lines, not both")
        if key is not None:
            raise Usage("one key cannot be given to many tasks: put them one by one")
        _put_many(payload, queue, lock_wait, null, given, as_json)
        return
    target = open_queue(queue, lock_wait)
    id = target.put(_payload(payload), key=key, unique=unique, on_conflict=on_conflict, **given)
    _tell(target, [id], as_json, id.duplicates)


def _put_many(
    payload: str | None, queue: str | None, lock_wait: str, null: bool, given: dict[str, Any], as_json: bool
) -> None:
    if payload not in (None, "-"):
        raise Usage("many payloads come from stdin, not as an argument")
    target = open_queue(queue, lock_wait)
    texts, bad = _items(_stdin(), b"\0" if null else b"\n", blank=not null)
    _tell(target, target.put_many(texts, **given), as_json)
    if bad:
        left_out = " ".join(map(str, bad))
        raise BadPayload(f"not text (NUL or invalid UTF-8), left out: item {left_out}; the others were put")


def _items(data: bytes, separator: bytes, *, blank: bool) -> tuple[list[str], list[int]]:
    """The texts, and the numbers (from 1) of the items that are none. A blank item is left out where blank says so."""
    texts, bad = [], []
    for number, item in enumerate(data.removesuffix(separator).split(separator) if data else [], 1):
        try:
            text = item.decode("utf-8")
        except UnicodeDecodeError:
            bad.append(number)
            continue
        if "\0" in text:
            bad.append(number)
        elif not blank or text.strip(" \t\r"):
            texts.append(text)
    return texts, bad


def _payload(argument: str | None) -> str | bytes:
    if argument is not None and argument != "-":
        return argument
    if argument is None and sys.stdin is not None and sys.stdin.isatty():
        raise Usage("put needs a payload: an argument, or stdin")
    return _stdin()


def _stdin() -> bytes:
    if sys.stdin is None:
        raise Usage("put needs a payload: an argument, or stdin")
    return sys.stdin.buffer.read()


def _tell(queue: Any, ids: list[int], as_json: bool, duplicates: int = 0) -> None:
    if not as_json:
        write("".join(f"{id}\n" for id in ids))
        return
    for id in ids:
        json_line({"id": id, "duplicates": duplicates, "state": queue.show(id)["state"]})
