"""The four ways to make a queue file: sqlite3 alone, qk, the queuekit command, the Python package."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from queuekit import Queue
from tests.cli.program import QK, QUEUEKIT, run
from tests.conftest import SQL, make_database, sqlite3_program

LOCK_WAIT = ("--lock-wait", "30")


def raw(path: Path, view: str | None = None) -> None:
    """As sql/README.md tells: pragmas for a new file alone."""
    if path.exists():
        tables = "".join((SQL / f"{name}.sql").read_text() for name in ("schema", "laws", "views"))
        sqlite3_program(path, f"begin immediate; {tables} commit;")
    else:
        make_database(path)
    if view is not None:
        bound = (
            f"insert into temp.sqlite_parameters values (':queue', cast(x'{view.encode().hex()}' as text));"
        )
        sqlite3_program(
            path, sqlite3_program(path, f".parameter init\n{bound}\n.read '{SQL}/queue_view.sql'")
        )


def command(program: list[str]) -> Callable[[Path, str | None], None]:
    def init(path: Path, view: str | None = None) -> None:
        done = run(program, "init", *(["-q", view] if view else []), *LOCK_WAIT, db=path)
        if done.returncode:
            raise subprocess.CalledProcessError(done.returncode, program, done.stdout, done.stderr)

    return init


def package(path: Path, view: str | None = None) -> None:
    if view is None:
        Queue(path, timeout=30).close()
    else:
        program = [sys.executable, "-c", "import queuekit, sys; queuekit.get_queue(sys.argv[1])"]
        run(program, view, db=path).check_returncode()


MAKERS: dict[str, Callable[..., None]] = {
    "sqlite3": raw,
    "qk": command(QK),
    "queuekit": command(QUEUEKIT),
    "Queue": package,
}
