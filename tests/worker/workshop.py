"""What the tests of workers share: waiting for a condition, workers in threads, workers as programs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from queuekit import Queue
from queuekit.process import Command
from queuekit.signals import Service
from queuekit.worker import Worker

LIMIT = 30.0  # seconds; reached only by a test that fails


def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Wait until condition is true, and return what it returned."""
    deadline = time.monotonic() + LIMIT
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true in {LIMIT:g} s"
        time.sleep(0.01)
    return value


@contextlib.contextmanager
def working(service: Service) -> Iterator[None]:
    """Run the service in a thread for as long as the block lasts."""
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        service.stop()
        thread.join(LIMIT)
        assert not thread.is_alive(), "it did not stop"


def run_command(queue: Queue, command: str | Sequence[str], **options: Any) -> None:
    """Let a worker run the command for all that is ready in the queue."""
    database = queue.database
    Worker(database, [queue.name], Command(command, database=database.path), burst=True, **options).run()


def wait_for_file(path: Path) -> None:
    until(path.exists, f"the file {path.name}")


def gone(pid: int) -> bool:
    """True if there is no such process any more (a zombie is none)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Program:
    """A worker in a process of its own: program.py with options as JSON. Its log lines are read as they come."""

    def __init__(self, database: Path, folder: Path, **options: Any) -> None:
        argv = [
            sys.executable,
            str(Path(__file__).with_name("program.py")),
            str(database),
            json.dumps(options),
        ]
        self.process = subprocess.Popen(argv, cwd=folder, stderr=subprocess.PIPE, text=True)
        self.log: list[dict[str, Any]] = []
        self.raw = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr
        with self.process.stderr as lines:
            for line in lines:
                self.raw += line
                with contextlib.suppress(ValueError):
                    self.log.append(json.loads(line))

    def said(self, event: str) -> bool:
        return any(line["event"] == event for line in self.log)

    def wait_for(self, event: str) -> None:
        until(lambda: self.said(event) or self.process.poll() is not None, f"the log line {event!r}")
        until(
            lambda: self.said(event), f"the log line {event!r} (its end: {self.process.poll()}, {self.raw})"
        )

    def end(self) -> int:
        return self.process.wait(LIMIT)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
