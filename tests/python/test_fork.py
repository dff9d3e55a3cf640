"""A queue across fork: nothing of SQLite's may come along, for a child would take its parent's locks for its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuekit import Queue, QueuekitError
from tests.conftest import sqlite3_program

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # 3.12 warns of any fork beside threads
]

FORK = """
import os, subprocess, sys, time
from queuekit import Queue
queue = Queue(sys.argv[1])
queue.put_many(["one", "two", "three"])
parent = os.getpid()
if os.fork():
    {end}
    sys.exit()
while os.getppid() == parent:
    time.sleep(0.01)
"""
OTHER = "from queuekit import Queue; import sys; task = Queue(sys.argv[1]).claim(); print(task.payload); task.ack()"


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db) as queue:
        yield queue


def run(script: str, *words: str | Path) -> str:
    """What a process prints, its forked children included: until the last of them has ended."""
    return subprocess.run(
        [sys.executable, "-c", script, *words], stdout=subprocess.PIPE, text=True, check=True, timeout=120
    ).stdout


def test_a_forked_child_opens_its_own_connection_and_the_parent_keeps_its_locks(queue: Queue) -> None:
    queue.put("parent")
    child = os.fork()
    if child == 0:
        queue.put("child")
        queue.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    queue.put("parent again")
    tasks = queue.claim_many(10)
    assert [task.payload for task in tasks] == ["parent", "child", "parent again"]
    assert sqlite3_program(queue.database.path, "pragma integrity_check") == "ok\n"


def test_a_child_forked_inside_a_transaction_is_told_that_it_cannot_use_the_file(queue: Queue) -> None:
    with queue.database.transaction():
        child = os.fork()
        if child == 0:
            try:
                queue.qsize()
            except QueuekitError as error:
                os._exit(0 if "forked inside a transaction" in str(error) else 1)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        queue.put("parent")
    assert queue.qsize() == 1


@pytest.mark.parametrize(
    "end", ["pass", "queue.close()"], ids=["the parent ends", "the parent closes and ends"]
)
def test_a_child_that_outlives_its_parent_loses_nothing_when_others_come_and_go(end: str, db: Path) -> None:
    by_shell = """
queue.put("child")
subprocess.run(["sqlite3", sys.argv[1], "insert into qk_task (payload) values ('shell')"], check=True)
for n in range(3):
    queue.put(f"later {n}")
os._exit(0)
"""
    run(FORK.format(end=end) + by_shell, db)
    there = sqlite3_program(
        db, "select payload from qk_task order by id; pragma integrity_check;"
    ).splitlines()
    assert there == ["one", "two", "three", "child", "shell", "later 0", "later 1", "later 2", "ok"]


def test_a_child_that_outlives_its_parent_runs_no_task_of_another(db: Path) -> None:
    in_turns = """
first = queue.claim(); print(first.payload, flush=True); first.ack()
subprocess.run([sys.executable, "-c", sys.argv[2], sys.argv[1]], check=True)
last = queue.claim(); print(last.payload, flush=True); last.ack()
os._exit(0)
"""
    assert run(FORK.format(end="pass") + in_turns, db, OTHER).split() == ["one", "two", "three"]
    assert sqlite3_program(db, "select distinct state, claims from qk_task") == "done|1\n"


def test_a_fork_waits_for_the_transaction_of_another_thread(queue: Queue) -> None:
    inside, forked = threading.Event(), threading.Event()

    def write() -> None:
        with queue.database.transaction():
            queue.put("by a thread")
            inside.set()
            forked.wait(0.2)  # the fork cannot come before this ends: nothing else tells of it

    thread = threading.Thread(target=write)
    thread.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        queue.put("by the child")
        queue.close()
        os._exit(0)
    forked.set()
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
    assert [task.payload for task in queue.claim_many(5)] == ["by a thread", "by the child"]


def test_a_consumer_that_sleeps_through_a_fork_wakes_for_what_comes_then(queue: Queue) -> None:
    got: list[str] = []
    consumer = threading.Thread(target=lambda: got.append(queue.get(timeout=60).payload))
    consumer.start()
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    with Queue(queue.database.path) as other:
        other.put("x")
    consumer.join()
    assert got == ["x"]
