"""schedule: tasks that come again and again, or once at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from queuekit.cli.app import Db, Json, LockWait, Name, open_queue
from queuekit.cli.arguments import some
from queuekit.cli.output import complain, json_line, table, write
from queuekit.cli.producing import (
    Attempts,
    Backoff,
    Group,
    Kind,
    Lease,
    Priority,
    Require,
    Share,
    Within,
)
from queuekit.durations import iso
from queuekit.errors import Usage

if TYPE_CHECKING:
    from queuekit.schedule import Schedules

_ACTS = ("add", "ls", "next", "run-now", "pause", "resume", "rm")
_ALL_TAKE = {"act", "name", "payload", "as_json", "db", "lock_wait"}


def schedule(
    context: typer.Context,
    act: Annotated[str, typer.Argument(metavar="|".join(_ACTS))],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of the schedule; not for ls.")] = None,
    payload: Annotated[
        str | None,
        typer.Argument(metavar="[PAYLOAD]", help="add: of its tasks; - from stdin (default: null)."),
    ] = None,
    cron: Annotated[
        str | None, typer.Option(metavar="WORDS", help="add: at five or six cron words, or @daily.")
    ] = None,
    every: Annotated[
        str | None, typer.Option(metavar="D", help="add: or again and again after this long.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="add: or once; without a zone on the clock of --zone."),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            metavar="Z",
            help="add: whose clock --cron and --at mean, such as Europe/Berlin (UTC); --every counts seconds.",
        ),
    ] = None,
    catch_up: Annotated[
        str,
        typer.Option(metavar="C", help="add: of late instants put one (the last), all, or skip them."),
    ] = "one",
    grace: Annotated[
        str | None, typer.Option(metavar="D", help="add: what is later than this is not put.")
    ] = None,
    jitter: Annotated[str, typer.Option(metavar="D", help="add: each runs up to so much later.")] = "0",
    queue: Name = None,
    kind: Kind = None,
    priority: Priority = 0,
    within: Within = None,
    require: Require = None,
    share: Share = None,
    group: Group = None,
    attempts: Attempts = None,
    lease: Lease = None,
    backoff: Backoff = None,
    number: Annotated[
        int, typer.Option("-n", "--number", parser=some, metavar="N", help="next: how many instants.")
    ] = 5,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Make, list, pause or forget schedules; show their next instants; run one now.

    add takes one of --cron, --every and --at, and the options of put that are named here; the other acts take none of
    these. run-now prints the id of its task.
    """
    from queuekit.schedule import Schedules

    _must_fit(act, name, payload)
    _must_take(act, context)
    schedules = Schedules(open_queue(queue, lock_wait).database)
    if act == "ls" or name is None:
        table(schedules.list(), as_json=as_json)
    elif act == "add":
        given: dict[str, Any] = {"kind": kind or "", "priority": priority, "within": within}
        given |= {"require": require, "share": share, "group": group, "max_attempts": attempts}
        given |= {"lease": lease, "backoff": backoff, "catch_up": catch_up, "grace": grace, "jitter": jitter}
        given |= {"zone": "UTC" if zone is None else zone, "queue": "default" if queue is None else queue}
        first = schedules.add(name, _rule(cron, every, at), _text(payload), **given)
        _tell(name, [] if first is None else [first], as_json)
    elif act == "next":
        _tell(name, schedules.upcoming(name, number), as_json)
        _hint(schedules.show(name))
    elif act == "run-now":
        id = schedules.run_now(name)
        json_line({"id": id}) if as_json else write(f"{id}\n")
    else:
        _move(schedules, act, name)


def _must_fit(act: str, name: str | None, payload: str | None) -> None:
    if act not in _ACTS:
        raise Usage(f"schedule takes {', '.join(_ACTS)}, not {act}")
    if act == "ls" and name is not None:
        raise Usage("schedule ls takes no name")
    if act != "ls" and not name:
        raise Usage(f"schedule {act} takes the name of a schedule")
    if act != "add" and payload is not None:
        raise Usage(f"schedule {act} takes one name and nothing else")


def _must_take(act: str, context: typer.Context) -> None:
    """Refuse an option that the act does not know."""
    names = {str(parameter.name) for parameter in context.command.params}
    takes = {"add": names - {"number"}, "next": {*_ALL_TAKE, "number"}}.get(act, _ALL_TAKE)
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if source is not None and source.name == "COMMANDLINE" and parameter.name not in takes:
            raise Usage(f"schedule {act} has no option {parameter.opts[-1]}")


def _rule(cron: str | None, every: str | None, at: str | None) -> str:
    given = [text for text in (cron, every and f"every {every}", at and f"at {at}") if text]
    if len(given) != 1:
        raise Usage("schedule add takes one of --cron, --every and --at")
    return given[0]


def _text(payload: str | None) -> str | bytes | None:
    if payload != "-":
        return payload
    if sys.stdin is None:
        raise Usage("schedule add - reads the payload from stdin, which is closed")
    return sys.stdin.buffer.read()


def _tell(name: str, instants: Iterable[int], as_json: bool) -> None:
    for instant in instants:
        json_line({"name": name, "next_at": instant}) if as_json else write(f"{iso(instant)}\n")


def _hint(row: dict[str, Any]) -> None:
    """Why the instants that were told will not be put, if so."""
    if row["error"]:
        complain(f"{row['name']} is stopped by an error: {row['error']}", 0)
    elif row["paused"]:
        complain(f"{row['name']} is paused: it fires when it is resumed", 0)


def _move(schedules: Schedules, act: str, name: str) -> None:
    {"rm": schedules.remove, "pause": schedules.pause, "resume": schedules.resume}[act](name)
