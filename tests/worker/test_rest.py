"""A worker or daemon that has nothing to do does nothing; and it holds no more after many tasks than after a few."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from workshop import LIMIT, Program, until

from queuekit import Queue
from queuekit.schema import prepare
from tests.conftest import unmeasured

_SETTLED = 0.05  # seconds after which a sleeper no longer looks by itself, as else after some
_QUIET = 1.5  # seconds
_QUEUES = [f"queue{number}" for number in range(10)]
_NO_FALLBACK = 3600.0

_HANDLERS = "def run(task): pass\n"


def turns(pid: int) -> list[tuple[str, int]]:
    """How often each thread of the process has gone to sleep, or was put to it, so far."""
    threads = sorted(Path(f"/proc/{pid}/task").iterdir())
    words = [(thread.name, read(thread / "status").split()) for thread in threads]
    return [
        (name, sum(int(status[status.index(f"{kind}voluntary_ctxt_switches:") + 1]) for kind in ("", "non")))
        for name, status in words
        if status
    ]


def read(path: Path) -> str:
    """What a file of /proc tells; nothing if its thread, or its process, has ended since it was listed."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return path.read_text()
    return ""


def sleeps_soundly(pid: int) -> bool:
    """True if no thread of the process got up for a while."""
    before = turns(pid)
    time.sleep(_QUIET)
    return turns(pid) == before


def test_an_idle_worker_of_many_queues_never_gets_up(
    q: Queue, program: Callable[..., Program], tmp_path: Path
) -> None:
    (tmp_path / "handlers.py").write_text(_HANDLERS)
    worker = program(
        app="handlers:run", queues=_QUEUES, concurrency=3, fallback=_NO_FALLBACK, settled=_SETTLED
    )
    worker.wait_for("worker started")
    until(lambda: sleeps_soundly(worker.process.pid), "a rest")
    id = Queue(q.database, _QUEUES[7]).put("x")
    until(lambda: q.show(id)["state"] == "done")
    until(lambda: sleeps_soundly(worker.process.pid), "the rest after a task")


def test_an_idle_daemon_of_many_queues_never_gets_up(tmp_path: Path) -> None:
    queues = "".join(f"[[queue]]\nname = '{queue}'\nexec = 'true'\n" for queue in _QUEUES)
    (tmp_path / "daemon.toml").write_text(f"database = 'q.db'\n[daemon]\nfallback = '1h'\n{queues}")
    prepare(tmp_path / "q.db")
    program = (
        f"import queuekit.wake; queuekit.wake._SETTLED = {_SETTLED}; from queuekit.cli import main; main()"
    )
    command = [sys.executable, "-c", program, "daemon", str(tmp_path / "daemon.toml")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        while b"worker started" not in process.stderr.readline():
            assert process.poll() is None
        until(lambda: len(turns(process.pid)) > 2 * len(_QUEUES), "a worker for each queue")
        until(lambda: sleeps_soundly(process.pid), "a rest")
    finally:
        process.terminate()
        process.communicate(timeout=LIMIT)
    assert process.returncode == 0


_THREADS = 6  # of a worker with two slots: the first, the worker's, the keeper, and three that take turns


def held(pid: int) -> tuple[int, int]:
    """How many threads and descriptors a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir())), len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.parametrize("handler", [{"app": "handlers:run"}, {"exec": "true"}], ids=["app", "exec"])
def test_a_worker_holds_no_more_after_many_tasks_than_after_one(
    q: Queue, program: Callable[..., Program], tmp_path: Path, handler: dict[str, str]
) -> None:
    (tmp_path / "handlers.py").write_text(_HANDLERS)
    worker = program(**handler, concurrency=2, fallback=_NO_FALLBACK)

    until(lambda: watches(worker.process.pid), "the first sleep")
    until(lambda: held(worker.process.pid)[0] == _THREADS, "the last thread")

    def run(times: int) -> tuple[int, int]:
        for _ in range(times):
            ids = q.put_many(["x"] * 3)
            until(lambda ids=ids: {q.show(id)["state"] for id in ids} == {"done"})
        until(lambda: not children(worker.process.pid))
        return held(worker.process.pid)

    assert run(2) == run(40)


def watches(pid: int) -> bool:
    """True once the process has an inotify descriptor, with which comes an eventfd."""
    return any("inotify" in leads_to(link) for link in Path(f"/proc/{pid}/fd").iterdir())


def leads_to(link: Path) -> str:
    """What a descriptor stands for; nothing if it was closed since it was listed."""
    with suppress(FileNotFoundError):
        return os.readlink(link)
    return ""


def children(pid: int) -> str:
    return " ".join(map(read, Path(f"/proc/{pid}/task").glob("*/children"))).strip()


_LOADED = """
import sys, tempfile
from queuekit import App, Queue
from queuekit.worker import Worker

with Queue(sys.argv[1]) as queue:
    queue.put("x")
    queue.wake.wait(lambda: False, 0.01)
    Worker(queue.database, ["default"], App({"*": lambda task: None}), burst=True).run()
print(*sorted(sys.modules))
"""


def test_a_worker_loads_only_what_it_needs(db: Path) -> None:
    command = [sys.executable, "-c", _LOADED, str(db)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=unmeasured())
    loaded = set(told.stdout.split())
    assert "watchdog" in loaded
    needless = {"asyncio", "concurrent.futures", "multiprocessing", "zoneinfo", "email", "http", "ssl"}
    needless |= {"typer", "click", "rich", "pydantic", "yaml", "cronsim"}
    assert not needless & loaded


def test_a_worker_of_the_command_line_loads_only_what_it_needs(q: Queue, db: Path, tmp_path: Path) -> None:
    tells = "import atexit, sys\natexit.register(lambda: print(*sys.modules))\n"
    (tmp_path / "handlers.py").write_text(tells + _HANDLERS)
    q.put("x")
    command = [sys.executable, "-m", "queuekit", "work", "default", "--app", "handlers:run", "--burst"]
    told = subprocess.run(
        [*command, "--db", str(db)],
        cwd=tmp_path,
        env=unmeasured(),
        check=True,
        capture_output=True,
        text=True,
    )
    needless = {"asyncio", "concurrent.futures", "multiprocessing", "zoneinfo", "email", "http", "ssl"}
    assert not (needless | {"rich", "pydantic", "yaml", "cronsim"}) & set(told.stdout.split())
