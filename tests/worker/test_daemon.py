"""The daemon: several queues, the spool, and the housekeeping of one file."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from workshop import LIMIT, until, working

from queuekit import NoDatabase, Queue, SchemaMismatch, Usage
from queuekit.config import Config, QueueConfig
from queuekit.daemon import Daemon
from queuekit.durations import now_ms

WEEK = 7 * 86_400_000  # ms
PROGRAM = """
import sys
from pathlib import Path
from queuekit import logs
from queuekit.config import Config
from queuekit.daemon import Daemon
from queuekit.signals import serve
logs.start()
serve(Daemon(Config.load(Path(sys.argv[1]))))
"""


def spool(db: Path, name: str, payload: str) -> None:
    """As a hook does it: what stands in new/ is whole."""
    for folder in ("tmp", "new"):
        Path(f"{db}.spool", folder).mkdir(parents=True, exist_ok=True)
    written = Path(f"{db}.spool/tmp", name)
    written.write_text(f"key={name}\n\n{payload}")
    written.rename(Path(f"{db}.spool/new", name))


def test_each_queue_has_its_worker(
    q: Queue, db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "daemon_app.py").write_text("def run(task): return 'python'\n")
    other = Queue(q.database, "other")
    queues = (
        QueueConfig("default", exec="printf command"),
        QueueConfig("other", app="daemon_app:run", concurrency=2),
    )
    with working(Daemon(Config(db, queues))):
        ids = [q.put("x"), other.put("x"), q.put("x"), other.put("x")]
        until(lambda: {q.show(id)["state"] for id in ids} == {"done"})
    assert [q.show(id)["result"] for id in ids] == ["command", "python"] * 2


def test_the_spool_is_drained_at_the_start_while_it_runs_and_at_the_end(q: Queue, db: Path) -> None:
    spool(db, "before", "1")
    with working(Daemon(Config(db, (QueueConfig("default", exec="true"),)))):
        until(lambda: q.stats()["done"] == 1)
        spool(db, "meanwhile", "2")
        until(lambda: q.stats()["done"] == 2)
        spool(db, "last", "3")
    assert {task["key"] for task in q.list()} == {"before", "meanwhile", "last"}
    assert not list(Path(f"{db}.spool/new").iterdir())


def test_old_tasks_are_forgotten_but_never_dead_ones(q: Queue, db: Path) -> None:
    old, fresh = now_ms() - WEEK - 1000, now_ms()
    ended = {"old": old, "fresh": fresh, "dead": old}
    ids = {name: q.put("x", now=old - 1) for name in ended}
    for name, now in ended.items():
        task = q.claim(now=now)
        assert task
        if name == "dead":
            q.nack(task.receipt, dead=True, now=now)
        else:
            q.ack(task.receipt, now=now)
    newest = q.put("x")
    with working(Daemon(Config(db))):
        until(lambda: not q.database.rows("show", {"id": ids["old"]}), "the purge")
    assert [q.show(id)["state"] for id in (ids["fresh"], ids["dead"], newest)] == ["done", "dead", "ready"]


def test_a_daemon_without_queues_moves_what_is_due(q: Queue, db: Path) -> None:
    id = q.put("x", delay=3600, now=now_ms() - 3_600_000)
    with working(Daemon(Config(db))):
        until(lambda: q.show(id)["state"] == "ready")


def test_a_daemon_makes_a_missing_database(tmp_path: Path) -> None:
    db = tmp_path / "new.db"
    spool(db, "1", "x")
    with working(Daemon(Config(db, (QueueConfig("default", exec="true"),)))), Queue(db) as q:
        until(lambda: q.stats()["done"] == 1)


def test_a_signal_ends_it_with_0_when_the_running_task_has_ended(q: Queue, db: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    (tmp_path / "d.toml").write_text(
        f"database = '{db}'\n[[queue]]\nname = 'default'\n"
        f"exec = ['sh', '-c', 'until [ -e {go} ]; do sleep 0.05; done']\n"
        "[[queue]]\nname = 'other'\nexec = 'true'\n"
    )
    id = q.put("x")
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path / "d.toml")]
    log = tmp_path / "log"
    with log.open("w") as stderr, subprocess.Popen(argv, stderr=stderr) as process:
        try:
            until(lambda: q.show(id)["state"] == "running")
            process.send_signal(signal.SIGTERM)
            until(lambda: "stopping" in log.read_text())
            go.touch()
            assert process.wait(LIMIT) == 0
        finally:
            process.kill()
    assert q.show(id)["state"] == "done"


def test_a_handler_that_cannot_be_loaded_is_refused_before_anything_starts(db: Path) -> None:
    with pytest.raises(Usage, match="no program 'no-such-thing'"):
        Daemon(Config(db, (QueueConfig("default", exec="no-such-thing"),)))
    with pytest.raises(Usage, match="no module"):
        Daemon(Config(db, (QueueConfig("default", app="no_such_module:x"),)))


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, but it is long enough to be one" * 20)
    with pytest.raises(NoDatabase):
        Daemon(Config(tmp_path / "text"))


def test_a_worker_that_fails_ends_the_daemon_with_its_error(
    q: Queue, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(Config(db, (QueueConfig("a", exec="true"), QueueConfig("b", exec="true"))))

    def fail() -> None:
        raise SchemaMismatch("another version")

    monkeypatch.setattr(daemon._workers[0], "run", fail)
    with pytest.raises(SchemaMismatch, match="another version"):
        daemon.run()


def test_housekeeping_that_fails_leaves_no_worker_behind(
    q: Queue, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(Config(db, (QueueConfig("a", exec="true"),)))

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(daemon, "_tick", fail)
    with pytest.raises(ZeroDivisionError):
        daemon.run()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("queuekit-slot")])
