"""The Typer application, the options that many verbs share, and the way to the queue they name."""

from __future__ import annotations

import atexit
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from queuekit.durations import milliseconds

if TYPE_CHECKING:
    from queuekit.queue import Queue

# The module of each verb, in the order of --help.
_MODULES = {
    **dict.fromkeys(("init", "put"), "producing"),
    **dict.fromkeys(("claim", "ack", "nack", "extend", "release"), "consuming"),
    **dict.fromkeys(("cancel", "retry", "snooze", "tick", "purge", "pause", "resume"), "managing"),
    **dict.fromkeys(("policy", "batch"), "ruling"),
    "schedule": "scheduling",
    "flow": "flowing",
    **dict.fromkeys(("ls", "show", "results", "stats", "sql", "help"), "looking"),
    **dict.fromkeys(("work", "daemon"), "working"),
    "bench": "benching",
}

_EPILOG = """\b
Exit codes:
  0   done
  1   an error, or a waited task failed
  2   the call is wrong: an option, a number, a time
  3   nothing to claim
  4   lease lost, or refused by a law or the task's state
  65  bad payload: NUL, invalid UTF-8
  66  no such database or task
  75  busy: another writer held the file, try again
  124 timed out
\b
Hooks use qk: it starts in milliseconds, this one in a tenth of a second.
"""


def _use(database: Path | None) -> Path | None:
    """A --db, before or after the verb, counts for all that follows, and for the commands that a worker starts."""
    if database is not None:
        os.environ["QUEUEKIT_DB"] = str(database.absolute())
    return database


Db = Annotated[
    Path | None,
    typer.Option("--db", callback=_use, help="The queue file; else $QUEUEKIT_DB, else in the state folder."),
]
LockWait = Annotated[
    str, typer.Option("--lock-wait", metavar="D", help="Give up with 75 after waiting this long for others.")
]
Name = Annotated[
    str | None, typer.Option("-q", "--queue", metavar="NAME", help="The queue (default: default).")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def open_queue(name: str | None, lock_wait: str, **claims: Any) -> Queue:
    """The queue in the file that --db, the environment or the default names, closed at exit; claims as Queue takes.

    Raises NoDatabase: it is not made here.
    """
    from queuekit.database import Database
    from queuekit.queue import Queue
    from queuekit.schema import default_path

    database = Database(default_path(), create=False, timeout=milliseconds(lock_wait) / 1000)
    atexit.register(database.close)  # the last to leave the file puts the -wal back into it
    return Queue(database, "default" if name is None else name, **claims)


def _version(asked: bool) -> None:
    if asked:
        from queuekit import __version__

        typer.echo(f"queuekit {__version__}")
        raise typer.Exit


def common(
    context: typer.Context,
    db: Db = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """A task queue that is one SQLite file."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


class _Verbs(TyperGroup):
    """Loads and builds a verb when it is asked for: Typer takes milliseconds for each option of each verb."""

    def list_commands(self, ctx: object) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: object, name: str) -> Any:
        if name not in _MODULES:
            return None
        module = import_module(f"queuekit.cli.{_MODULES[name]}")
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(getattr(module, f"{name}_" if name == "help" else name))
        return typer.main.get_command(alone)


app = typer.Typer(
    cls=_Verbs,
    callback=common,
    epilog=_EPILOG,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
