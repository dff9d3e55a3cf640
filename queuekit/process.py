"""Running an external command for a task.

The payload is on its stdin, QK_ID QK_RECEIPT QK_QUEUE QK_KIND QK_KEY QK_ATTEMPT QK_DB in its environment;
QUEUEKIT_DB is the same, so that a qk or queuekit that it calls asks the same file.
Its exit decides: 0 = done, stdout is the result; 75 = try later, no attempt counted; 65 = dead at once; anything else,
or a signal = failed.
It leads a process group of its own, so that it can be stopped with all it started.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from queuekit.child import Child
from queuekit.durations import Duration, milliseconds
from queuekit.errors import Usage
from queuekit.execution import Execution
from queuekit.model import Task
from queuekit.outcome import Outcome, done, failed, later

_TRY_LATER, _BAD_DATA = 75, 65  # EX_TEMPFAIL, EX_DATAERR of sysexits.h


class Command:
    """A handler that runs a command: text is split as a shell would (no shell runs), a list is taken as it is.

    wait is how long a task rests whose command exits 75. Raises Usage for what is no command or no duration.
    """

    def __init__(
        self, command: str | Sequence[str], *, database: str | os.PathLike[str], wait: Duration = 10
    ) -> None:
        self.argv = _split(command)
        self._database = os.fsencode(Path(database).absolute())
        self._wait = milliseconds(wait) / 1000

    def __call__(self, execution: Execution) -> Outcome:
        task = execution.task
        with execution.lock:
            if execution.reason is not None:
                return later()
            child = Child(self.argv, self._environment(task), task.payload.encode())
            execution.on_stop(child.stop)
        return self._judge(child.run(), bytes(child.stdout), bytes(child.stderr))

    def _environment(self, task: Task) -> dict[bytes, bytes]:
        return {
            **os.environb,
            b"QK_ID": b"%d" % task.id,
            b"QK_RECEIPT": task.receipt.encode(),
            b"QK_QUEUE": task.queue.encode(),
            b"QK_KIND": task.kind.encode(),
            b"QK_KEY": (task.key or "").encode(),
            b"QK_ATTEMPT": b"%d" % task.attempt,
            b"QK_DB": self._database,
            b"QUEUEKIT_DB": self._database,  # for a qk or queuekit that it calls
        }

    def _judge(self, status: int, stdout: bytes, stderr: bytes) -> Outcome:
        if status == 0:
            return done(_readable(stdout) or None)
        how = f"exit {status}" if status > 0 else f"signal {-status} ({_signal_name(-status)})"
        last = _last_line(_readable(stderr))
        why = f"{how}: {last}" if last else how
        return later(self._wait, why) if status == _TRY_LATER else failed(why, dead=status == _BAD_DATA)


def _split(command: str | Sequence[str]) -> list[str]:
    try:
        argv = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    except ValueError as error:
        raise Usage(f"cannot split the command {command!r}: {error}") from None
    if not argv:
        raise Usage("the command is empty: give a program and its arguments")
    if shutil.which(argv[0]) is None:
        raise Usage(f"there is no program {argv[0]!r} to run (not found, or not executable)")
    return argv


def _readable(output: bytes) -> str:
    return output.decode("utf-8", "replace").replace("\0", "\ufffd")


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of no name"
