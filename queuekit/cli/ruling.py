"""policy and batch: how a queue treats its tasks, and tasks that are counted together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from queuekit.cli.app import Db, Json, LockWait, Name, open_queue
from queuekit.cli.arguments import task_id, whole
from queuekit.cli.output import json_line, record, write
from queuekit.errors import NoTask, Usage

Limit = Annotated[int | None, typer.Option(parser=whole, metavar="N", help="0: no limit.")]
Length = Annotated[str | None, typer.Option(metavar="D")]


def policy(
    queue: Name = None,
    lease: Length = None,
    attempts: Annotated[int | None, typer.Option(parser=whole, metavar="N")] = None,
    backoff: Length = None,
    backoff_cap: Length = None,
    retention: Length = None,
    strategy: Annotated[
        str | None, typer.Option(metavar="S", help="priority, fifo, lifo, random or fair.")
    ] = None,
    max_running: Limit = None,
    max_per_worker: Limit = None,
    rate: Annotated[
        str | None, typer.Option(metavar="N/D", help="So many claims in that time: 10/1m.")
    ] = None,
    burst: Limit = None,
    max_depth: Limit = None,
    max_bytes: Limit = None,
    on_full: Annotated[str | None, typer.Option(metavar="F", help="reject, drop_oldest or coalesce.")] = None,
    on_group: Annotated[str | None, typer.Option(metavar="G", help="block or aside.")] = None,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Set how a queue treats its tasks; what is not given stays."""
    given: dict[str, Any] = {
        "lease": lease,
        "max_attempts": attempts,
        "backoff": backoff,
        "retention": retention,
    }
    given |= {"backoff_cap": backoff_cap, "strategy": strategy, "max_running": max_running, "burst": burst}
    given |= {"max_per_worker": max_per_worker, "rate": rate, "max_depth": max_depth, "max_bytes": max_bytes}
    row = open_queue(queue, lock_wait).policy(**given, on_full=on_full, on_group=on_group)
    if as_json:
        json_line(row)


def batch(
    act: Annotated[Literal["open", "close", "show"], typer.Argument(metavar="open|close|show")],
    argument: Annotated[
        str | None, typer.Argument(metavar="[ID | PAYLOAD]", help="The batch; of open, the callback.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="N", help="For people.")] = None,
    queue: Name = None,
    kind: Annotated[str, typer.Option(metavar="K", help="Of the callback.")] = "",
    callback: Annotated[
        int | None, typer.Option(parser=task_id, metavar="ID", help="show: the batch that this task is of.")
    ] = None,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Begin a batch (prints its id), close it, or show how far it is."""
    from queuekit.batch import Batch

    database = open_queue(None, lock_wait).database
    if act == "open":
        id = Batch.open(database, argument, name=name, queue=queue or "default", kind=kind).id
        json_line({"id": id}) if as_json else write(f"{id}\n")
        return
    if act == "show" and callback is not None and argument is None:
        there = Batch.of_callback(database, callback)
        if there is None:
            raise NoTask(f"there is no batch with the callback {callback} in {database.path}")
    elif argument is None or callback is not None:
        raise Usage(f"batch {act} takes the id of a batch")
    else:
        there = Batch(database, task_id(argument))
    if act == "close":
        there.close()
    else:
        record(there.show(), as_json=as_json)
