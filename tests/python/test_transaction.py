"""What is undone with a transaction, and that none is left open."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuekit import Queue, QueuekitError
from tests.conftest import sqlite3_program


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db, "work") as queue:
        yield queue


def payloads(queue: Queue) -> list[str]:
    return [str(row["payload"]) for row in map(queue.show, sorted(row["id"] for row in queue.list()))]


def test_a_nested_transaction_that_fails_is_undone_alone(queue: Queue) -> None:
    with queue.database.transaction():
        queue.put("before")
        with pytest.raises(ZeroDivisionError), queue.database.transaction():
            queue.put("inside")
            raise ZeroDivisionError
        queue.put("after")
    assert payloads(queue) == ["before", "after"]


def test_what_is_undone_alone_is_not_settled_and_what_was_before_is(queue: Queue) -> None:
    queue.put_many(["one", "two"])
    one, two = queue.claim_many(2)
    with queue.database.transaction():
        one.ack()
        with pytest.raises(ZeroDivisionError), queue.database.transaction():
            two.ack()
            raise ZeroDivisionError
        assert (one.settled, two.settled) == (True, False)
    assert (queue.show(one.id)["state"], queue.show(two.id)["state"]) == ("done", "running")


def test_the_outer_transaction_undoes_the_nested_one_that_went_well(queue: Queue) -> None:
    queue.put("x")
    task = queue.get()
    with pytest.raises(ZeroDivisionError), queue.database.transaction():
        with queue.database.transaction():
            task.ack()
        raise ZeroDivisionError
    assert (task.settled, queue.show(task.id)["state"]) == (False, "running")


def test_after_a_rollback_by_sqlite_itself_nothing_more_is_written(queue: Queue) -> None:
    queue.database.connection().execute("create table mine (a unique)")
    queue.database.connection().execute("insert into mine values (1)")
    with pytest.raises(QueuekitError, match="rolled back"), queue.database.transaction() as connection:
        queue.put("before")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute("insert or rollback into mine values (1)")
        queue.put("after")
    assert payloads(queue) == []


def test_a_rollback_by_sqlite_itself_is_told_at_the_end_at_the_latest(queue: Queue) -> None:
    with pytest.raises(QueuekitError, match="rolled back"), queue.database.transaction() as connection:
        queue.put("before")
        connection.execute("rollback")
    queue.put("later")
    assert payloads(queue) == ["later"]


INTERRUPTED = """
import sys
from queuekit import Queue
queue = Queue(sys.argv[1], "work", timeout=60)
print("waits", flush=True)
try:
    with queue.database.transaction():
        print("inside")
except KeyboardInterrupt:
    queue.put("after the interrupt")
    print(queue.database.depth, queue.database.connection().in_transaction)
"""


def test_an_interrupt_while_the_lock_is_waited_for_leaves_no_transaction_open(queue: Queue, db: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", INTERRUPTED, db], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with queue.database.transaction():
        assert child.stdout.readline() == "waits\n"
        time.sleep(0.3)  # so that it waits for the lock; were it slower, the interrupt would only come sooner
        child.send_signal(signal.SIGINT)
        time.sleep(0.1)
    assert child.communicate(timeout=60)[0] == "0 False\n"
    assert sqlite3_program(db, "select payload from qk_task") == "after the interrupt\n"
