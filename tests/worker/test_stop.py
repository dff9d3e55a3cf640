"""How a worker ends: signals, grace, burst."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from test_leases import pid_in, sleeper
from workshop import Program, gone, until

from queuekit import Queue

WAITER = """
import pathlib, time
def wait(task):
    pathlib.Path("started").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    return "finished"
"""


@pytest.fixture
def waiter(tmp_path: Path) -> str:
    """A handler that waits for the file go, as --app would name it."""
    (tmp_path / "waiter.py").write_text(WAITER)
    return "waiter:wait"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_task_finish_and_claims_no_other(
    q: Queue, program: Callable[..., Program], tmp_path: Path, waiter: str, number: int
) -> None:
    first, second = q.put_many(["x", "y"])
    worker = program(app=waiter, grace=60)
    until((tmp_path / "started").exists)
    worker.process.send_signal(number)
    worker.wait_for("stopping")
    (tmp_path / "go").touch()
    assert worker.end() == 0
    assert q.show(first)["result"] == "finished"
    assert (q.show(second)["state"], q.show(second)["claims"]) == ("ready", 0)


def test_an_idle_worker_ends_at_a_signal(program: Callable[..., Program]) -> None:
    worker = program(exec="true")
    worker.wait_for("worker started")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.end() == 0


def test_a_signal_lets_a_running_command_finish(
    q: Queue, program: Callable[..., Program], tmp_path: Path
) -> None:
    id = q.put("x")
    worker = program(
        exec=["sh", "-c", "touch started; until [ -e go ]; do sleep 0.05; done; echo finished"], grace=60
    )
    until((tmp_path / "started").exists)
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_for("stopping")
    (tmp_path / "go").touch()
    assert worker.end() == 0
    assert q.show(id)["result"] == "finished\n"


def test_after_the_grace_time_commands_are_stopped_and_released(
    q: Queue, program: Callable[..., Program], tmp_path: Path
) -> None:
    id = q.put("x")
    worker = program(exec=sleeper(tmp_path), grace=0.2)
    pid = pid_in(tmp_path)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.end() == 0
    assert gone(pid)
    task = q.show(id)
    assert (task["state"], task["failures"], task["runs"][0]["outcome"]) == ("ready", 0, "released")


def test_after_the_grace_time_a_python_handler_is_given_up_and_released(
    q: Queue, program: Callable[..., Program], tmp_path: Path, waiter: str
) -> None:
    id = q.put("x")
    worker = program(app=waiter, grace=0.2)
    until((tmp_path / "started").exists)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.end() == 0
    assert (q.show(id)["state"], q.show(id)["failures"]) == ("ready", 0)


def test_a_second_signal_ends_it_at_once_and_releases(
    q: Queue, program: Callable[..., Program], tmp_path: Path
) -> None:
    id = q.put("x")
    worker = program(exec=sleeper(tmp_path, "trap '' TERM"), grace=1000)
    pid = pid_in(tmp_path)
    worker.process.send_signal(signal.SIGTERM)
    worker.wait_for("stopping")
    worker.process.send_signal(signal.SIGTERM)
    assert worker.end() == 0
    assert gone(pid)
    assert (q.show(id)["state"], q.show(id)["failures"]) == ("ready", 0)


def test_a_second_signal_gives_up_a_python_handler_at_once(
    q: Queue, program: Callable[..., Program], tmp_path: Path, waiter: str
) -> None:
    id = q.put("x")
    worker = program(app=waiter, grace=1000)
    until((tmp_path / "started").exists)
    worker.process.send_signal(signal.SIGINT)
    worker.wait_for("stopping")
    worker.process.send_signal(signal.SIGINT)
    assert worker.end() == 0
    assert q.show(id)["state"] == "ready"


def test_a_terminal_interrupt_does_not_reach_the_command(
    q: Queue, program: Callable[..., Program], tmp_path: Path
) -> None:
    """It has a session of its own; that is why the worker can let it finish."""
    id = q.put("x")
    program(exec=["sh", "-c", "cut -d' ' -f1,6 /proc/$$/stat"], burst=True)
    until(lambda: q.show(id)["state"] == "done")
    pid, session = q.show(id)["result"].split()
    assert pid == session


def test_burst_ends_when_nothing_is_ready(q: Queue, program: Callable[..., Program]) -> None:
    ids = q.put_many(["x"] * 20)
    later = q.put("x", delay=3600)
    worker = program(exec="true", burst=True, concurrency=3)
    assert worker.end() == 0
    assert {q.show(id)["state"] for id in ids} == {"done"}
    assert q.show(later)["state"] == "scheduled"


def test_a_payload_is_never_in_the_log(q: Queue, program: Callable[..., Program]) -> None:
    q.put("the-secret-itself")
    worker = program(exec="true", burst=True)
    worker.end()
    worker.wait_for("worker stopped")
    assert worker.said("done")
    assert "secret" not in worker.raw
