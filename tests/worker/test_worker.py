"""A worker among its queues: slots, turns, waking."""

from __future__ import annotations

import math
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workshop import Program, until, working

from queuekit import App, BadPayload, Queue, Retry, SchemaMismatch, Task, Usage
from queuekit.execution import Execution
from queuekit.outcome import Outcome, done
from queuekit.worker import Worker

NO_FALLBACK = 3600.0


def test_as_many_tasks_run_side_by_side_as_there_are_slots(q: Queue) -> None:
    together = threading.Barrier(4)
    ids = q.put_many(["x"] * 8)
    app = App({"*": lambda task: str(together.wait(30) >= 0)})
    Worker(q.database, [q.name], app, concurrency=4, burst=True).run()
    assert {q.show(id)["state"] for id in ids} == {"done"}


def test_no_more_tasks_run_than_there_are_slots(q: Queue) -> None:
    lock, running, most = threading.Lock(), set[int](), list[int]()

    def function(task: Task) -> None:
        with lock:
            running.add(task.id)
            most.append(len(running))
        with lock:
            running.discard(task.id)

    q.put_many(["x"] * 200)
    Worker(q.database, [q.name], App({"*": function}), concurrency=2, burst=True).run()
    assert len(most) == 200
    assert max(most) <= 2


def test_commands_run_side_by_side(q: Queue, program: Callable[..., Program], tmp_path: Path) -> None:
    ids = q.put_many(["x"] * 3)
    meet = "touch at.$QK_ID; until [ -e at.1 ] && [ -e at.2 ] && [ -e at.3 ]; do sleep 0.05; done"
    program(exec=["sh", "-c", meet], concurrency=3)
    until(lambda: {q.show(id)["state"] for id in ids} == {"done"})


def test_queues_take_turns_so_that_none_starves(db: Path, q: Queue) -> None:
    other = Queue(q.database, "other")
    q.put_many(["x"] * 50)
    other.put_many(["y"] * 3)
    seen: list[str] = []
    app = App({"*": lambda task: seen.append(task.queue)})
    Worker(q.database, ["default", "other"], app, burst=True).run()
    assert seen[:6] == ["default", "other"] * 3
    assert len(seen) == 53


def test_a_sleeping_worker_wakes_when_another_process_commits(q: Queue, db: Path) -> None:
    with working(Worker(db, [q.name], App({"*": lambda task: "seen"}), fallback=NO_FALLBACK)):
        for _ in range(20):
            sql = "insert into qk_task(payload) values ('x') returning id"
            id = int(subprocess.check_output(["sqlite3", "-cmd", ".timeout 5000", db, sql]))
            until(lambda id=id: q.show(id)["state"] == "done")


def test_a_sleeping_worker_wakes_for_a_put_of_its_own_process(q: Queue) -> None:
    with working(Worker(q.database, [q.name], App({"*": lambda task: "seen"}), fallback=NO_FALLBACK)):
        for _ in range(20):
            id = q.put("x")
            until(lambda id=id: q.show(id)["state"] == "done")


def test_the_thread_that_wakes_and_claims_runs_the_task(q: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is handed over from thread to thread, and meanwhile another thread is on watch."""
    claimed: dict[int, threading.Thread] = {}
    ran: dict[int, threading.Thread] = {}
    claim = Queue.claim

    def noted(queue: Queue, **given: Any) -> Task | None:
        if task := claim(queue, **given):
            claimed[task.id] = threading.current_thread()
        return task

    def function(task: Task) -> None:
        ran[task.id] = threading.current_thread()
        together.wait(30)

    together = threading.Barrier(3)
    monkeypatch.setattr(Queue, "claim", noted)
    with working(Worker(q.database, [q.name], App({"*": function}), concurrency=3, fallback=NO_FALLBACK)):
        for _ in range(9):
            q.put("x")
        until(lambda: q.stats()["done"] == 9)
    assert ran == claimed


def test_a_sleeping_worker_wakes_when_a_task_falls_due(q: Queue) -> None:
    id = q.put("x", delay=1)
    with working(Worker(q.database, [q.name], App({"*": lambda task: "seen"}), fallback=NO_FALLBACK)):
        until(lambda: q.show(id)["state"] == "done")


def test_a_failed_task_is_tried_again_after_its_backoff(q: Queue) -> None:
    def function(task: Task) -> str:
        if task.attempt < 3:
            raise ValueError("not yet")
        return f"attempt {task.attempt}"

    id = q.put("x", backoff=0.05)
    with working(Worker(q.database, [q.name], App({"*": function}), fallback=NO_FALLBACK)):
        until(lambda: q.show(id)["state"] == "done")
    assert q.show(id)["result"] == "attempt 3"
    assert [run["text"] for run in q.show(id)["runs"]] == ["ValueError: not yet"] * 2


def test_a_paused_queue_is_left_alone_until_it_is_resumed(q: Queue, db: Path) -> None:
    q.pause()
    id = q.put("x")
    with Queue(db) as elsewhere, working(Worker(q.database, [q.name], App({"*": lambda task: "seen"}))):
        other = elsewhere.put("y")
        assert elsewhere.show(other)["claims"] == 0
        elsewhere.resume()
        until(lambda: q.show(id)["state"] == "done")


def test_a_handler_of_a_burst_may_put_more_work(q: Queue) -> None:
    def function(task: Task) -> None:
        if task.data:
            q.put(task.data - 1)

    q.put(10)
    Worker(q.database, [q.name], App({"*": function}), concurrency=2, burst=True).run()
    assert q.stats()["done"] == 11


def test_a_thousand_tasks_are_done_once_each(q: Queue) -> None:
    seen: list[str] = []
    q.put_many(str(number) for number in range(1000))
    Worker(
        q.database, [q.name], App({"*": lambda task: seen.append(task.payload)}), concurrency=3, burst=True
    ).run()
    assert sorted(map(int, seen)) == list(range(1000))
    assert q.stats()["done"] == 1000


def test_the_runs_go_by_the_name_of_the_worker(q: Queue) -> None:
    id = q.put("x")
    Worker(q.database, [q.name], App({"*": lambda task: None}), name="crane", burst=True).run()
    assert q.show(id)["worker"] == "crane"


@pytest.mark.parametrize(("queues", "slots"), [([], 1), (["a"], 0)])
def test_a_worker_without_queue_or_slot_is_refused(q: Queue, queues: list[str], slots: int) -> None:
    with pytest.raises(Usage):
        Worker(q.database, queues, App(), concurrency=slots)


def test_a_stop_before_the_start_lets_nothing_be_claimed(q: Queue) -> None:
    id = q.put("x")
    worker = Worker(q.database, [q.name], App({"*": lambda task: None}))
    worker.stop()
    worker.run()
    assert q.show(id)["claims"] == 0


@pytest.mark.parametrize("names", [{"queues": ["a", "\udcff"]}, {"queues": ["a"], "name": "\udcff"}])
def test_a_name_that_is_no_text_is_refused_before_anything_starts(q: Queue, names: dict[str, Any]) -> None:
    with pytest.raises(BadPayload, match="name of a queue or worker"):
        Worker(q.database, handle=App(), **names)


def test_a_time_that_never_ends_is_waited_for_all_the_same(q: Queue) -> None:
    worker = Worker(
        q.database, [q.name], App({"*": lambda task: worker.stop()}), grace=math.inf, fallback=math.inf
    )
    q.put("x")
    worker.run()
    assert q.stats()["done"] == 1


@pytest.mark.parametrize("error", ["Retry", "result"])
def test_a_slot_lives_on_whatever_its_handler_leaves(q: Queue, error: str) -> None:
    class Forgetful(Retry):
        def __init__(self) -> None:
            pass

    class Exits(dict[str, int]):
        def items(self) -> Any:
            raise SystemExit

    def handle(run: Execution) -> Outcome:
        if run.task.payload == "good":
            return done()
        if error == "Retry":
            raise Forgetful
        return done(Exits(a=1))

    q.put("bad", max_attempts=1)
    good = q.put("good")
    Worker(q.database, [q.name], handle, burst=True).run()
    assert q.show(good)["state"] == "done"
    assert q.show(1)["state"] == ("scheduled" if error == "Retry" else "dead")


def test_the_end_of_a_run_and_the_next_claim_are_one_transaction(q: Queue) -> None:
    q.put_many(["a", "b"])
    said: list[str] = []
    q.database.connection().set_trace_callback(said.append)
    Worker(q.database, [q.name], App({"*": lambda task: None}), burst=True).run()
    q.database.connection().set_trace_callback(None)
    first = said.index("begin immediate")
    inside = " ".join(said[first : said.index("commit", first)])
    assert "set state = 'done'" in inside
    assert "claims = claims + 1" in inside


def test_an_error_that_no_patience_helps_ends_the_worker_after_what_runs(q: Queue) -> None:
    def function(task: Task) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(q.database, "version", fail)
            failed.wait(30)
        return "seen"

    def fail() -> None:
        failed.set()
        raise SchemaMismatch("another version")

    failed, monkeypatch = threading.Event(), pytest.MonkeyPatch()
    first, second = q.put_many(["x"] * 2)
    worker = Worker(q.database, [q.name], App({"*": function}), concurrency=1, fallback=NO_FALLBACK)
    with pytest.raises(SchemaMismatch, match="another version"):
        worker.run()
    assert q.show(first)["result"] == "seen"
    assert q.show(second)["claims"] == 0
