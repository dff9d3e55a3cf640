"""Where events cannot serve, the database is asked often enough, and the caller notices nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sleeper import MINUTES, Consumer

from queuekit.wake import Wake


def test_polling_sees_every_commit(db: Path, write: Callable[..., subprocess.Popen[bytes]]) -> None:
    threads = threading.active_count()
    with Wake(db, fallback=MINUTES, method="poll", poll=0.02) as wake:
        consumer = Consumer(db, wake)
        consumer.follow(write(db, "normal", 50, 0.0, 0.05), 50)
        assert threading.active_count() == threads
        consumer.connection.close()


def run(program: str, *arguments: object) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


NO_DESCRIPTOR_LEFT = """
import logging, resource, sys
import watchdog.observers.inotify_c
from queuekit.wake import Wake
logging.disable()
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # so there is no inotify instance either
looks = []
with Wake(sys.argv[1], fallback=None, method=sys.argv[2], poll=0.01) as wake:
    try:
        print(wake.wait(lambda: looks.append(1) or len(looks) > 30, 60))
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_events_alone_is_refused_where_there_are_none(db: Path) -> None:
    assert run(NO_DESCRIPTOR_LEFT, db, "events").startswith(f"QueuekitError cannot watch {db.parent}: ")


def test_auto_polls_where_there_are_no_events(db: Path) -> None:
    assert run(NO_DESCRIPTOR_LEFT, db, "auto") == "True\n"


WITHOUT_WATCHDOG = """
import sys
sys.modules["watchdog"] = None  # as if it were not installed
from queuekit.wake import Wake
looks = []
with Wake(sys.argv[1], fallback=None, poll=0.01) as wake:
    print(wake.wait(lambda: looks.append(1) or len(looks) > 30, 60))
"""


def test_without_watchdog_it_polls(db: Path) -> None:
    assert run(WITHOUT_WATCHDOG, db) == "True\n"


def test_what_watching_needs_is_not_loaded_before_the_first_wait() -> None:
    program = "import sys, queuekit.queue; print({'watchdog', 'ctypes'} & {*sys.modules})"
    assert run(program) == "set()\n"
