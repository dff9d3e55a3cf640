"""Workers known to the file, and the tasks of those that were killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from workshop import Program, until, working

from queuekit import App, Queue, identity, presence
from queuekit.config import Config, QueueConfig
from queuekit.daemon import Daemon
from queuekit.presence import present
from queuekit.worker import Worker

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
HOUR = 3600.0


def known(q: Queue) -> list[str]:
    return [row["name"] for row in q.database.rows("workers", {})]


def test_a_worker_is_known_while_it_works(q: Queue) -> None:
    with working(Worker(q.database, ["a", "b"], App())):
        (row,) = until(lambda: q.database.rows("workers", {}))
        assert (row["name"], row["pid"], json.loads(row["queues"])) == (q.worker, os.getpid(), ["a", "b"])
    assert known(q) == []


def test_a_daemon_is_known_with_all_its_queues(q: Queue, db: Path) -> None:
    with working(Daemon(Config(db, (QueueConfig("a", exec="true"), QueueConfig("b", exec="true"))))):
        (row,) = until(lambda: q.database.rows("workers", {}))
        assert json.loads(row["queues"]) == ["a", "b"]
    assert known(q) == []


def test_the_tasks_of_a_killed_worker_come_back_when_another_starts(
    q: Queue, program: Callable[..., Program], tmp_path: Path
) -> None:
    id = q.put("x", backoff=0)
    first = program(exec=["sh", "-c", "echo $$ >pid; sleep 1000"], lease=HOUR)
    until(
        lambda: (
            q.show(id)["state"] == "running"
            and (tmp_path / "pid").exists()
            and (tmp_path / "pid").read_text()
        )
    )
    first.process.kill()
    first.process.wait()
    program(exec="true", lease=HOUR)
    until(lambda: q.show(id)["state"] == "done")
    os.killpg(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert [run["outcome"] for run in q.show(id)["runs"]] == ["crashed"]


def test_the_tasks_of_a_living_worker_are_left_to_it(
    q: Queue, program: Callable[..., Program], tmp_path: Path
) -> None:
    id = q.put("x")
    program(exec=["sh", "-c", "until [ -e go ]; do sleep 0.05; done"], lease=HOUR)
    until(lambda: q.show(id)["state"] == "running")
    assert program(exec="true", burst=True, lease=HOUR).end() == 0
    assert (q.show(id)["state"], q.show(id)["claims"]) == ("running", 1)
    (tmp_path / "go").touch()
    until(lambda: q.show(id)["state"] == "done")


def claimed_by(q: Queue, name: str, **row: object) -> int:
    """A task held by a worker called name, known by this row."""
    with present(q.database, q.worker, []):
        (me,) = q.database.rows("workers", {})
        q.database.run("worker_beat", {**me, **row, "name": name})
    q.put("x")
    task = Queue(q.database, worker=name, lease=HOUR).claim()
    assert task
    return task.id


def test_a_process_number_used_again_does_not_pass_for_the_worker(q: Queue) -> None:
    id = claimed_by(q, "old:1", pid=os.getpid(), started_ms=12)
    with present(q.database, q.worker, []):
        q.tick()
    assert (q.show(id)["state"], q.show(id)["crashes"]) == ("scheduled", 1)


def test_nothing_is_said_about_a_worker_of_another_machine(q: Queue) -> None:
    id = claimed_by(q, "far:1", host="elsewhere", pid=2**22 + 1)
    with present(q.database, q.worker, []):
        q.tick()
    assert q.show(id)["state"] == "running"
    assert known(q) == ["far:1"]


def test_a_worker_of_a_shared_name_is_not_known(q: Queue) -> None:
    with present(q.database, "crane", ["a"]):
        assert known(q) == []


def test_two_workers_of_a_process_are_known_until_the_last_has_ended(q: Queue) -> None:
    with present(q.database, q.worker, ["a"]):
        with present(q.database, q.worker, ["b"]):
            assert known(q) == [q.worker]
        assert known(q) == [q.worker]
    assert known(q) == []


def test_processes_of_two_containers_with_one_number_have_two_names(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for namespace in ("pid:[4026531836]", "pid:[4026532999]"):
        monkeypatch.setattr(os, "readlink", lambda _, namespace=namespace: namespace)
        names.add(identity.process_name())
    assert len(names) == 2
    assert {name.rpartition(":")[2] for name in names} == {str(os.getpid())}


def test_a_process_that_has_ended_and_was_not_waited_for_is_dead() -> None:
    child = subprocess.Popen(["true"])
    try:
        until(lambda: presence._start(child.pid) == -1, "the zombie")
        assert presence._is_dead({"pid": child.pid, "started_ms": 1})
    finally:
        child.wait()
