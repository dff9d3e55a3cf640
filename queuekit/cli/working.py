"""work and daemon: the consumers that run handlers."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from queuekit.cli.app import Db, LockWait, open_queue
from queuekit.cli.arguments import Capability, Strategy
from queuekit.durations import milliseconds
from queuekit.errors import Usage

Log = Annotated[Literal["human", "json"], typer.Option("--log", help="Log lines on stderr: human or json.")]
Queues = Annotated[list[str], typer.Argument(metavar="QUEUE...", help="The queues, taken in turns.")]
Exec = Annotated[str | None, typer.Option("--exec", metavar="CMD", help="A command, run for each task.")]
Application = Annotated[str | None, typer.Option("--app", metavar="MODULE:OBJECT", help="Python handlers.")]
Concurrency = Annotated[int, typer.Option("-j", "--concurrency", metavar="N", min=1, help="Side by side.")]
Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="The worker's name (host.xxxx:pid).")
]
Lease = Annotated[str | None, typer.Option(metavar="D", help="Length of the leases.")]
Burst = Annotated[bool, typer.Option("--burst", help="Stop when nothing is ready.")]
Grace = Annotated[str, typer.Option(metavar="D", help="What running tasks have after a stop.")]
Later = Annotated[str, typer.Option(metavar="D", help="Rest of a task whose command exits 75.")]


def work(
    queues: Queues,
    command: Exec = None,
    application: Application = None,
    concurrency: Concurrency = 1,
    name: Name = None,
    lease: Lease = None,
    strategy: Strategy = None,
    capability: Capability = None,
    burst: Burst = False,
    grace: Grace = "10",
    later: Later = "10",
    log: Log = "human",
    db: Db = None,
    lock_wait: LockWait = "5",
) -> None:
    """Run a handler for every task of the queues, until SIGTERM or SIGINT.

    CMD gets the payload on stdin and QK_ID QK_RECEIPT QK_QUEUE QK_KIND QK_KEY QK_ATTEMPT QK_DB in its environment.
    Exit 0 is an ack (stdout is the result), 75 try later, 65 dead at once, anything else a failure.
    """
    from queuekit import logs
    from queuekit.handlers import load_app
    from queuekit.process import Command
    from queuekit.signals import serve
    from queuekit.worker import Worker

    if (command is None) == (application is None):
        raise Usage("work needs either --exec CMD or --app module:object")
    database = open_queue(None, lock_wait).database
    handle = (
        Command(command, database=database.path, wait=later)
        if command is not None
        else load_app(application or "")
    )
    logs.start(as_json=log == "json")
    limits: dict[str, Any] = {"concurrency": concurrency, "lease": lease, "grace": milliseconds(grace) / 1000}
    limits |= {"strategy": strategy, "capabilities": capability}
    serve(Worker(database, queues, handle, name=name, burst=burst, **limits))


def daemon(
    config: Annotated[Path | None, typer.Argument(metavar="[CONFIG]", help="A TOML file.")] = None,
    log: Annotated[Literal["human", "json"] | None, typer.Option("--log", help="human or json")] = None,
    db: Db = None,
) -> None:
    """Work on many queues as a TOML file says, drain the hooks' spool, purge what is old.

    Without CONFIG: queuekit/daemon.toml in the user's configuration folder; without that file only drain and purge.
    """
    from queuekit import logs
    from queuekit.config import Config
    from queuekit.daemon import Daemon
    from queuekit.schema import default_path, prepare
    from queuekit.signals import serve

    usual = _configuration_folder() / "queuekit" / "daemon.toml"
    path = config or (usual if usual.is_file() else None)
    settings = Config.load(path) if path else Config(default_path())
    settings = dataclasses.replace(settings, database=default_path()) if db else settings
    settings = dataclasses.replace(settings, log=log) if log else settings
    logs.start(as_json=settings.log == "json")
    if not settings.database.exists():
        prepare(settings.database)  # hooks that came before it have left their tasks in the spool
    serve(Daemon(settings))


def _configuration_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
