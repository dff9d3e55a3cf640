"""flow: tasks that wait for each other, put in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from queuekit.cli.app import Db, Json, LockWait, Name, open_queue
from queuekit.cli.arguments import task_id
from queuekit.cli.output import json_line, table, write
from queuekit.errors import Usage

if TYPE_CHECKING:
    from queuekit.database import Database
    from queuekit.flow_run import FlowRun

_ACTS = ("run", "show", "ls", "cancel", "retry")


def flow(
    act: Annotated[str, typer.Argument(metavar="|".join(_ACTS))],
    what: Annotated[
        str | None, typer.Argument(metavar="[FILE | ID]", help="A .toml, .json or .yaml file.")
    ] = None,
    queue: Name = None,
    whole: Annotated[bool, typer.Option("--whole", help="retry: the steps that are done, too.")] = False,
    draw: Annotated[Literal["tree", "mermaid", "dot"], typer.Option(help="show: how.")] = "tree",
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Put the flow of a file (prints its id); show, cancel or retry one."""
    from queuekit.flow_run import FlowRun

    if act not in _ACTS:
        raise Usage(f"flow takes {', '.join(_ACTS)}, not {act}")
    database = open_queue(queue, lock_wait).database
    if act == "ls":
        table(database.rows("flow_list", {}), as_json=as_json)
    elif what is None:
        raise Usage(f"flow {act} takes {'a file' if act == 'run' else 'the id of a flow'}")
    elif act == "run":
        _run(database, Path(what), queue, as_json)
    else:
        run = FlowRun(database, task_id(what))
        if act == "show":
            _show(run, draw, as_json)
        else:
            moved = run.cancel() if act == "cancel" else run.retry(whole=whole)
            if as_json:
                json_line({"id": run.id, "tasks": moved})


def _run(database: Database, path: Path, queue: str | None, as_json: bool) -> None:
    from queuekit.flow_file import read

    flow = read(path)
    flow.queue = queue or flow.queue
    id = flow.put(database).id
    json_line({"id": id, "tasks": len(flow.steps)}) if as_json else write(f"{id}\n")


def _show(run: FlowRun, draw: str, as_json: bool) -> None:
    from queuekit import drawing

    rows: Any = run.tasks()
    if as_json:
        table(rows, as_json=True)
        return
    if draw == "tree":
        told = run.show()
        name = drawing.plain(told["name"] or "")
        counts = (
            f"{told['done']} done, {told['failed']} failed, {told['unfinished']} to go of {told['total']}"
        )
        write(f"flow {told['id']} {name}: {counts}\n")
    write("".join(f"{line}\n" for line in getattr(drawing, draw)(rows)))
