"""The consumers that wake.py wakes and rest.py watches, each a process of its own: sleeper.py KIND DATABASE...

A consumer tells on stdout, as a line, the time at which its handler was entered (time.monotonic_ns, the same clock in
all processes), and that it is ready by an empty line.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from queuekit.model import Task
from queuekit.queue import Queue

from . import children


def stamp(task: Task) -> None:
    """The handler of every consumer here."""
    os.write(1, b"%d\n" % time.monotonic_ns())


def loop(path: str) -> None:
    """for task in queue."""
    with Queue(path) as queue:
        os.write(1, b"\n")
        for task in queue:
            stamp(task)


def loops(*paths: str) -> None:
    """One process that watches as many files."""
    for path in paths[1:]:
        threading.Thread(target=loop, args=(path,), daemon=True).start()
    loop(paths[0])


def worker(path: str, *queues: str) -> None:
    """A Worker in a program of one's own."""
    from queuekit.handlers import App
    from queuekit.worker import Worker

    os.write(1, b"\n")
    Worker(path, queues or ["default"], App({"*": stamp})).run()


def quiet(path: str) -> None:
    """A Worker whose handler does nothing at all."""
    from queuekit.handlers import App
    from queuekit.worker import Worker

    os.write(1, b"\n")
    Worker(path, ["default"], App({"*": lambda task: None})).run()


def work(path: str, *queues: str) -> None:
    """queuekit work."""
    from queuekit.cli import main

    os.write(1, b"\n")
    sys.argv[1:] = ["work", *(queues or ["default"]), "--app", f"{__spec__.name}:stamp", "--db", path]
    main()


def daemon(path: str) -> None:
    """queuekit daemon."""
    from queuekit.cli import main

    os.write(1, b"\n")
    sys.argv[1:] = ["daemon", path]
    main()


KINDS: dict[str, Callable[..., None]] = {
    kind.__name__: kind for kind in (loop, loops, worker, quiet, work, daemon)
}


def start(kind: str, *words: str | Path) -> subprocess.Popen[bytes]:
    """A consumer that is ready, or about to be."""
    command = [*children.command("sleeper"), kind, *map(str, words)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "bufsize": 0}
    process = subprocess.Popen(command, env=children.environment(), **pipes)
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n", f"no {kind} has begun"
    return process


if __name__ == "__main__":
    KINDS[sys.argv[1]](*sys.argv[2:])
