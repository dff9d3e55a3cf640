"""claim, and what is done by receipt: ack, nack, extend, release."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from queuekit.cli.app import Db, Json, LockWait, Name, open_queue
from queuekit.cli.arguments import Capability, Receipt, Strategy, some
from queuekit.cli.output import json_line
from queuekit.durations import milliseconds, positive_milliseconds
from queuekit.errors import LeaseLost
from queuekit.model import Task

Delay = Annotated[str | None, typer.Option(metavar="D", help="Ready again after this long.")]
_FIELDS = ("id", "receipt", "queue", "kind", "key", "payload", "attempt", "lease_until")


def claim(
    queue: Name = None,
    number: Annotated[
        int | None, typer.Option("-n", "--number", parser=some, metavar="N", help="Up to N tasks.")
    ] = None,
    strategy: Strategy = None,
    capability: Capability = None,
    worker: Annotated[str | None, typer.Option(metavar="NAME", help="Who takes it.")] = None,
    lease: Annotated[str | None, typer.Option(metavar="D", help="Length of the lease.")] = None,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Take the next ready task; prints one JSON object a task. Exit 3: nothing is ready."""
    source = open_queue(queue, lock_wait, worker=worker, strategy=strategy, capabilities=capability)
    tasks = [source.claim(lease=lease)] if number is None else source.claim_many(number, lease=lease)
    found = [task for task in tasks if task is not None]
    for task in found:
        json_line(_fields(task))
    if not found:
        raise typer.Exit(3)


def ack(
    receipt: Receipt,
    result: Annotated[str | None, typer.Option(metavar="TEXT", help="Kept with the task.")] = None,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """The run succeeded: the task is done."""
    queue = open_queue(None, lock_wait)
    try:
        queue.ack(receipt, result)
    except LeaseLost:
        queue.show(_id(receipt))  # NoTask says more
        raise
    if as_json:
        json_line({"id": _id(receipt), "state": "done"})


def nack(
    receipt: Receipt,
    error: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept with the task.")] = None,
    delay: Annotated[str | None, typer.Option(metavar="D", help="Wait this long, not the backoff.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Dead at once.")] = False,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """The run failed: tried again after its backoff, or dead."""
    given = {"error": error, "delay_ms": None if delay is None else milliseconds(delay), "dead": int(dead)}
    _end("nack", receipt, given, as_json, lock_wait)


def extend(
    receipt: Receipt,
    lease: Annotated[str | None, typer.Option(metavar="D", help="Length, from now.")] = None,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """The worker is still at it: another lease from now."""
    given = {"lease_ms": None if lease is None else positive_milliseconds(lease)}
    _end("extend", receipt, given, as_json, lock_wait)


def release(
    receipt: Receipt, delay: Delay = None, as_json: Json = False, db: Db = None, lock_wait: LockWait = "5"
) -> None:
    """Give the task back unfinished; costs no attempt."""
    given = {"delay_ms": None if delay is None else milliseconds(delay)}
    _end("release", receipt, given, as_json, lock_wait)


def _end(verb: str, receipt: str, given: dict[str, Any], as_json: bool, lock_wait: str) -> None:
    queue = open_queue(None, lock_wait)
    try:
        row = queue.by_receipt(verb, {"receipt": receipt, **given})
    except LeaseLost:
        queue.show(_id(receipt))
        raise
    if as_json:
        json_line(row)


def _id(receipt: str) -> int:
    return int(receipt.partition(":")[0])


def _fields(task: Task) -> dict[str, Any]:
    return {name: getattr(task, name) for name in _FIELDS}
