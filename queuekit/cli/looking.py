"""ls, show, stats, help, sql."""

from __future__ import annotations

from typing import Annotated

import typer

from queuekit import statements
from queuekit.cli.app import Db, Json, LockWait, Name, open_queue
from queuekit.cli.arguments import Id, count
from queuekit.cli.output import record, table, write
from queuekit.errors import Usage
from queuekit.model import a_state

_FILES = {"ls": "list", "schedule": "schedule_add"}
Verb = Annotated[str | None, typer.Argument(metavar="[VERB]")]


def ls(
    queue: Name = None,
    state: Annotated[str | None, typer.Option(metavar="S")] = None,
    kind: Annotated[str | None, typer.Option(metavar="K")] = None,
    key: Annotated[str | None, typer.Option(metavar="K")] = None,
    limit: Annotated[int, typer.Option(parser=count, metavar="N")] = 50,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Tasks, newest first."""
    given = {"queue": queue, "state": a_state(state), "kind": kind, "key": key, "limit": limit}
    table(open_queue(queue, lock_wait).database.rows("list", given), as_json=as_json)


def show(
    id: Id,
    payload: Annotated[bool, typer.Option("--payload", help="The payload alone, byte for byte.")] = False,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Everything about one task."""
    queue = open_queue(None, lock_wait)
    task = queue.show(id)
    if payload:
        write(queue.database.run("show", {"id": id})[0][-1])
    else:
        record(task, as_json=as_json)


def results(id: Id, as_json: Json = False, db: Db = None, lock_wait: LockWait = "5") -> None:
    """What the tasks that a task waited for have left."""
    table(open_queue(None, lock_wait).results(id), as_json=as_json)


def stats(queue: Name = None, as_json: Json = False, db: Db = None, lock_wait: LockWait = "5") -> None:
    """How many tasks are in each state."""
    table(open_queue(queue, lock_wait).database.rows("stats", {"queue": queue}), as_json=as_json)


def help_(context: typer.Context, verb: Verb = None) -> None:
    """Tell about a verb: the header of its SQL file."""
    group = context.parent
    assert group is not None, "help is a verb of the application"
    if verb is None:
        write(group.get_help() + "\n")
        return
    try:
        write(statements.header(_FILES.get(verb, verb)) + "\n")
    except FileNotFoundError:
        command = group.command.get_command(group, verb)  # type: ignore[attr-defined]
        if command is None:
            raise Usage(f"there is no verb {verb!r}") from None
        write(command.get_help(typer.Context(command, info_name=verb, parent=group)) + "\n")


def sql(verb: Verb = None) -> None:
    """Where the SQL files are; with VERB, the file itself."""
    if verb is None:
        write(f"{statements.folder()}\n")
        return
    try:
        write(statements.source(_FILES.get(verb, verb)))
    except FileNotFoundError:
        raise Usage(f"there is no {verb}.sql in {statements.folder()}") from None
