"""qk as its users run it: a process of its own, with bytes on stdin and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
QK = ROOT / "bin" / "qk"
LIMIT = 30.0


class Qk:
    """Calls qk on one queue file. Every call returns the finished process, its output as bytes."""

    def __init__(self, db: Path, home: Path) -> None:
        self.db = db
        self._started: list[subprocess.Popen[bytes]] = []
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "QUEUEKIT_DB": str(db), "TZ": "UTC"}

    def __call__(
        self, *args: str | bytes, stdin: bytes | None = None, **env: str
    ) -> subprocess.CompletedProcess[bytes]:
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run(
            [QK, *args], capture_output=True, env={**self.env, **env}, timeout=4 * LIMIT, **given
        )

    def out(self, *args: str | bytes, stdin: bytes | None = None, **env: str) -> str:
        """stdout of a call that must succeed silently."""
        done = self(*args, stdin=stdin, **env)
        assert (done.returncode, done.stderr) == (0, b""), done
        return done.stdout.decode()

    def put(self, *args: str | bytes, stdin: bytes | None = None) -> int:
        return int(self.out("put", *args, stdin=stdin))

    def claim(self, *args: str) -> dict[str, Any]:
        return dict(json.loads(self.out("claim", *args)))

    def show(self, task: int) -> dict[str, Any]:
        return dict(json.loads(self.out("show", str(task), "--json")))

    def refused(self, code: int, *args: str | bytes, stdin: bytes | None = None, **env: str) -> str:
        """The one line on stderr of a call that must fail with this exit code."""
        done = self(*args, stdin=stdin, **env)
        assert done.returncode == code, done
        assert done.stdout == b"", done
        message = done.stderr.decode()
        assert message.count("\n") == 1, message
        assert message.startswith("qk: "), message
        return message

    def start(self, *args: str, **env: str) -> subprocess.Popen[bytes]:
        """A call that runs on, in a session of its own; what is left of it is killed by close()."""
        process = subprocess.Popen(
            [QK, *args],
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()

    def sql(self, text: str) -> list[list[str]]:
        shell = [
            "sqlite3",
            "-batch",
            "-bail",
            "-init",
            "/dev/null",
            "-separator",
            "\t",
            "-cmd",
            ".timeout 30000",
            self.db,
        ]
        done = subprocess.run(shell, input=text, text=True, capture_output=True, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Until the condition holds; fails after a generous limit."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)
