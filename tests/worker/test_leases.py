"""What a worker holds, and what it loses: leases, cancels, crashes."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from workshop import Program, gone, run_command, until, working

from queuekit import App, Queue, Task, execution
from queuekit.durations import now_ms
from queuekit.keeper import Keeper
from queuekit.outcome import done
from queuekit.process import Command
from queuekit.settle import settle
from queuekit.worker import Worker
from tests.conftest import ROOT

FAR = 10**9  # ms; beyond every lease


def sleeper(folder: Path, before: str = ":") -> list[str]:
    """A command that tells its pid in a file, and then sleeps for ever."""
    tell = f"echo $$ >{folder}/pid.new; mv {folder}/pid.new {folder}/pid"
    return ["sh", "-c", f"{before}; {tell}; while :; do sleep 1; done"]


def pid_in(folder: Path) -> int:
    return int(until(lambda: (folder / "pid").exists() and (folder / "pid").read_text(), "the command's pid"))


def test_a_lease_is_kept_for_as_long_as_the_handler_takes(q: Queue) -> None:
    go = threading.Event()
    id = q.put("x")
    with working(Worker(q.database, [q.name], App({"*": lambda task: go.wait(60)}), lease=0.9)):
        until(
            lambda: (task := q.show(id))["due_at"] and task["due_at"] > task["claimed_at"] + 3000,
            "three leases",
        )
        go.set()
        until(lambda: q.show(id)["state"] == "done")
    assert q.show(id)["claims"] == 1


def test_the_leases_of_many_runs_are_kept_by_one_worker(q: Queue) -> None:
    go = threading.Event()
    ids = q.put_many(["x"] * 4)
    with working(
        Worker(q.database, [q.name], App({"*": lambda task: go.wait(60)}), lease=0.9, concurrency=4)
    ):
        for id in ids:
            until(
                lambda id=id: (
                    (t := q.show(id))["due_at"] and t["due_at"] > (t["claimed_at"] or t["due_at"]) + 2500
                )
            )
        go.set()
        until(lambda: {q.show(id)["state"] for id in ids} == {"done"})
    assert [q.show(id)["claims"] for id in ids] == [1, 1, 1, 1]


def grown(q: Queue, id: int, by: int) -> bool:
    """Is the lease longer by so many ms than its claim made it?"""
    task = q.show(id)
    return bool(task["state"] == "running" and task["due_at"] > task["claimed_at"] + by)


def test_a_lease_that_its_handler_made_shorter_is_kept_too(q: Queue) -> None:
    def function(task: Task) -> None:
        task.extend(2)
        first = task.lease_until
        until(lambda: (q.show(task.id)["due_at"] or 0) > first)

    id = q.put("x")
    Worker(q.database, [q.name], App({"*": function}), lease=60, burst=True).run()
    assert (q.show(id)["state"], q.show(id)["claims"]) == ("done", 1)


def test_a_lease_that_its_handler_made_longer_is_never_cut(q: Queue) -> None:
    id = q.put("x")
    task = q.claim(lease=3)
    assert task is not None
    keeper = Keeper("me")
    run = execution.Execution(task)
    keeper.watch(run)
    task.extend(600)
    keeper._keep(run)
    assert q.show(id)["due_at"] > now_ms() + 500_000


def test_a_lease_of_a_thousand_years_does_no_harm_to_others(q: Queue) -> None:
    go = threading.Event()
    q.put("x", lease="50000w")
    id = q.put("y", lease=1)
    with working(Worker(q.database, [q.name], App({"*": lambda task: go.wait(60)}), concurrency=2)):
        until(lambda: grown(q, id, 2000))
        go.set()
        until(lambda: q.show(id)["state"] == "done")
    assert q.show(id)["claims"] == 1


def test_a_lease_is_kept_through_a_time_when_the_file_is_locked(q: Queue, db: Path) -> None:
    go = threading.Event()
    id = q.put("x")
    other = sqlite3.connect(db, isolation_level=None)
    with working(Worker(q.database, [q.name], App({"*": lambda task: go.wait(60)}), lease=3)):
        claimed_at = until(lambda: q.show(id)["claimed_at"])
        other.execute("begin immediate")
        until(lambda: now_ms() > claimed_at + 1500)
        other.execute("commit")
        until(lambda: q.show(id)["due_at"] > claimed_at + 4000)
        go.set()
        until(lambda: q.show(id)["state"] == "done")
    other.close()


def test_a_command_whose_lease_is_lost_is_killed_and_its_result_dropped(
    q: Queue, db: Path, tmp_path: Path
) -> None:
    id = q.put("x")
    with working(Worker(db, [q.name], Command(sleeper(tmp_path), database=db), lease=1.2)) as _:
        pid = pid_in(tmp_path)
        q.pause()  # so that this worker does not take it again
        q.tick(now_ms() + FAR)
        until(lambda: gone(pid), "the end of the command")
    task = q.show(id)
    assert (task["state"], task["crashes"]) == ("scheduled", 1)
    assert [run["outcome"] for run in task["runs"]] == ["crashed"]


def test_a_command_that_acked_itself_is_not_stopped(q: Queue, db: Path, tmp_path: Path) -> None:
    qk, left = ROOT / "bin" / "qk", tmp_path / "left"
    command = ["sh", "-c", f'"{qk}" ack "$QK_RECEIPT" --result mine --db "$QK_DB"; sleep 1; touch {left}']
    id = q.put("x")
    run_command(q, command, lease=0.6)
    assert left.exists()
    assert (q.show(id)["state"], q.show(id)["result"]) == ("done", "mine")


def test_the_result_of_a_handler_whose_lease_was_lost_is_dropped(q: Queue) -> None:
    def function(task: Task) -> str:
        q.pause()
        q.tick(now_ms() + FAR)
        return "too late"

    id = q.put("x")
    Worker(q.database, [q.name], App({"*": function}), burst=True).run()
    task = q.show(id)
    assert (task["state"], task["crashes"], task["result"]) == ("scheduled", 1, None)


def test_a_cancel_stops_a_running_command(q: Queue, db: Path, tmp_path: Path) -> None:
    id = q.put("x")
    with working(Worker(db, [q.name], Command(sleeper(tmp_path), database=db), lease=0.9)):
        pid = pid_in(tmp_path)
        assert q.cancel(id) == "running"
        until(lambda: q.show(id)["state"] == "cancelled")
    assert gone(pid)
    assert [run["outcome"] for run in q.show(id)["runs"]] == ["cancelled"]


def test_a_command_that_ignores_sigterm_is_killed_after_a_while(
    q: Queue, db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "MERCY", 0.3)
    id = q.put("x")
    with working(Worker(db, [q.name], Command(sleeper(tmp_path, "trap '' TERM"), database=db), lease=0.9)):
        pid = pid_in(tmp_path)
        q.cancel(id)
        until(lambda: q.show(id)["state"] == "cancelled")
    assert gone(pid)


def test_a_cancelled_command_that_ends_well_all_the_same_is_done(q: Queue, db: Path, tmp_path: Path) -> None:
    id = q.put("x")
    with working(
        Worker(db, [q.name], Command(sleeper(tmp_path, "trap 'exit 0' TERM"), database=db), lease=0.9)
    ):
        pid_in(tmp_path)
        q.cancel(id)
        until(lambda: q.show(id)["state"] == "done")


def test_what_a_stopped_command_started_is_stopped_with_it(q: Queue, db: Path, tmp_path: Path) -> None:
    script = f"(trap '' TERM; while :; do sleep 1; done) & echo $! >{tmp_path}/pid; wait"
    id = q.put("x")
    with working(Worker(db, [q.name], Command(["sh", "-c", script], database=db), lease=0.9)):
        pid = pid_in(tmp_path)
        q.cancel(id)
        until(lambda: q.show(id)["state"] == "cancelled")
        until(lambda: gone(pid))


def test_a_task_of_a_killed_worker_is_delivered_again_after_its_lease(
    q: Queue, program: Callable[..., Program], tmp_path: Path
) -> None:
    id = q.put("x", backoff=0)
    first = program(exec=sleeper(tmp_path), lease=1, name="first")
    pid = pid_in(tmp_path)
    first.process.kill()
    program(exec="true", lease=30, name="second")
    until(lambda: q.show(id)["state"] == "done")
    os.killpg(pid, signal.SIGKILL)
    task = q.show(id)
    assert [(run["outcome"], run["worker"]) for run in task["runs"]] == [("crashed", "first")]
    assert (task["claims"], task["worker"]) == (2, "second")


def test_the_end_of_a_run_is_written_when_the_file_is_free_again(db: Path, q: Queue) -> None:
    other = sqlite3.connect(db, isolation_level=None, check_same_thread=False)
    timer = threading.Timer(1.0, other.execute, ["commit"])

    def function(task: Task) -> str:
        other.execute("begin immediate")
        timer.start()
        return "kept"

    id = q.put("x")
    with Queue(db, timeout=0.1) as impatient:
        Worker(impatient.database, [q.name], App({"*": function}), burst=True).run()
    timer.join()
    other.close()
    assert q.show(id)["result"] == "kept"


def test_a_row_that_is_no_text_is_dead_and_stops_nobody(q: Queue, db: Path) -> None:
    shell = sqlite3.connect(db)
    shell.execute("insert into qk_task(queue, payload) values ('default', cast(x'61ff' as text))")
    shell.commit()
    shell.close()
    id = q.put("good")
    run_command(q, "true")
    assert q.show(id)["state"] == "done"
    assert q.show(id - 1)["state"] == "dead"


def test_a_lease_is_extended_at_a_third_of_its_length(q: Queue) -> None:
    q.put("x")
    task = q.claim(lease=600)
    assert task is not None
    keeper = Keeper("me")
    run = execution.Execution(task)
    keeper.watch(run)
    assert 0 <= time.monotonic() + 200 - keeper._beats[run] < 60


def test_the_end_of_a_run_is_not_tried_beyond_its_lease(q: Queue, db: Path) -> None:
    q.put("x")
    task = q.claim(lease=0.3)
    assert task is not None
    q.database.connection().execute("pragma busy_timeout = 10")
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("begin immediate")
    settle(execution.Execution(task), done("late"), "me", lambda: False)
    other.execute("rollback")
    other.close()
    assert q.show(task.id)["state"] == "running"
