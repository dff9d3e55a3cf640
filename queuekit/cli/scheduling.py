"""schedule: tasks that come again and again, or once at a time."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from queuekit.cli.app import Db, Json, LockWait, Name, open_queue
from queuekit.cli.arguments import a_priority, some
from queuekit.cli.output import json_line, table, write
from queuekit.durations import iso
from queuekit.errors import Usage

if TYPE_CHECKING:
    from queuekit.schedule import Schedules

_ACTS = ("add", "ls", "next", "run-now", "pause", "resume", "rm")


def schedule(
    act: Annotated[str, typer.Argument(metavar="|".join(_ACTS))],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None,
    payload: Annotated[
        str | None, typer.Argument(metavar="[PAYLOAD]", help="Of its tasks; - from stdin.")
    ] = None,
    cron: Annotated[str | None, typer.Option(metavar="WORDS", help="Five or six cron words.")] = None,
    every: Annotated[str | None, typer.Option(metavar="D", help="Again and again after this long.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Once, at this time.")] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="Z", help="Whose clock the cron words mean: Europe/Berlin (UTC).")
    ] = None,
    queue: Name = None,
    kind: Annotated[str, typer.Option(metavar="K", help="What sort of work; picks the handler.")] = "",
    priority: Annotated[Any, typer.Option(parser=a_priority, metavar="N")] = 0,
    catch_up: Annotated[str, typer.Option(metavar="C", help="Of late instants: skip, one, all.")] = "one",
    grace: Annotated[
        str | None, typer.Option(metavar="D", help="What is later than this is not put.")
    ] = None,
    jitter: Annotated[str, typer.Option(metavar="D", help="Each runs up to so much later.")] = "0",
    number: Annotated[
        int, typer.Option("-n", "--number", parser=some, metavar="N", help="How many of next.")
    ] = 5,
    as_json: Json = False,
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Make, list or forget schedules; show their next instants; run one now."""
    from queuekit.schedule import Schedules

    schedules = Schedules(open_queue(queue, lock_wait).database)
    if act not in _ACTS:
        raise Usage(f"schedule takes {', '.join(_ACTS)}, not {act}")
    if act == "ls":
        table(schedules.list(), as_json=as_json)
    elif name is None:
        raise Usage(f"schedule {act} takes the name of a schedule")
    elif act == "add":
        options = {"zone": zone or "UTC", "kind": kind, "priority": priority}
        options |= {"catch_up": catch_up, "grace": grace, "jitter": jitter, "queue": queue or "default"}
        text = sys.stdin.buffer.read() if payload == "-" else payload
        first = schedules.add(name, _rule(cron, every, at), text, **options)
        _tell(name, [] if first is None else [first], as_json)
    elif act == "next":
        _tell(name, schedules.upcoming(name, number), as_json)
    else:
        _move(schedules, act, name)


def _rule(cron: str | None, every: str | None, at: str | None) -> str:
    given = [text for text in (cron, every and f"every {every}", at and f"at {at}") if text]
    if len(given) != 1:
        raise Usage("schedule add takes one of --cron, --every and --at")
    return given[0]


def _tell(name: str, instants: Any, as_json: bool) -> None:
    for instant in instants:
        json_line({"name": name, "next_at": instant}) if as_json else write(f"{iso(instant)}\n")


def _move(schedules: Schedules, act: str, name: str) -> None:
    acts = {"run-now": "run_now", "rm": "remove", "pause": "pause", "resume": "resume"}
    getattr(schedules, acts[act])(name)
