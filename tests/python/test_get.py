"""Waiting for a task: get, iteration, and what happens to a task when its consumer leaves."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuekit import Busy, Empty, LeaseLost, Queue
from tests.conftest import make_database, sqlite3_program

LIMIT = 30  # seconds; generous, never measured


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db, "work", fallback=600) as queue:
        yield queue


def put_from_another_process(db: Path, payload: str) -> None:
    words = "import sys; from queuekit import Queue; Queue(sys.argv[1], 'work').put(sys.argv[2])"
    subprocess.run([sys.executable, "-c", words, str(db), payload], check=True, timeout=LIMIT)


def state(queue: Queue, id: int) -> str:
    return str(queue.show(id)["state"])


def test_get_raises_empty_when_there_was_nothing_in_time(queue: Queue) -> None:
    with pytest.raises(Empty):
        queue.get(timeout=0.01)
    with pytest.raises(Empty):
        queue.get(block=False)


def test_a_blocked_get_wakes_when_another_process_puts(queue: Queue, db: Path) -> None:
    putting = threading.Thread(target=put_from_another_process, args=(db, "hello"))
    putting.start()
    assert queue.get(timeout=LIMIT).payload == "hello"
    putting.join()


def getting(queue: Queue) -> tuple[threading.Thread, list[str]]:
    """A thread that waits for a task, asleep; and what it got."""
    got: list[str] = []
    thread = threading.Thread(target=lambda: got.append(queue.get(timeout=LIMIT).payload))
    thread.start()
    deadline = time.monotonic() + LIMIT
    while not queue.wake.waiting:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return thread, got


def test_a_blocked_get_hears_of_a_lease_that_is_shortened_here(queue: Queue) -> None:
    queue.put("x", backoff=0)
    task = queue.claim(lease=3600)
    assert task is not None
    thread, got = getting(queue)
    task.extend(0.1)
    thread.join()
    assert got == ["x"]


def test_a_blocked_get_goes_on_when_another_queue_of_its_database_is_closed(queue: Queue, db: Path) -> None:
    other = Queue(queue.database, "other")
    for n in range(5):
        thread, got = getting(queue)
        other.close()
        put_from_another_process(db, f"{n}")
        thread.join()
        assert got == [f"{n}"]


def test_a_file_that_others_have_for_themselves_is_busy_and_no_error_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    application = sqlite3.connect(path, isolation_level=None)
    application.execute("create table mine (a)")  # no WAL: a writer shuts readers out
    with Queue(path, timeout=0.05) as queue:
        application.execute("begin exclusive")
        with pytest.raises(Busy):
            queue.database.version()
        with pytest.raises(Busy):
            queue.get(timeout=0.1)
        got: list[str] = []
        thread = threading.Thread(target=lambda: got.append(queue.get(timeout=LIMIT).payload))
        thread.start()
        application.execute("commit")
        queue.put("x")
        thread.join()
    application.close()
    assert got == ["x"]


def test_a_task_that_is_no_text_and_cannot_be_buried_hides_no_other(queue: Queue, db: Path) -> None:
    queue.database.connection().execute("pragma busy_timeout = 10")
    queue.put_many(["a", "b"])
    sqlite3_program(db, "insert into qk_task (queue, payload) values ('work', cast(x'ff' as text))")
    locked = sqlite3.connect(db, isolation_level=None)
    bury = queue._bury

    def bury_while_locked(row: tuple[object, ...], error: UnicodeDecodeError) -> None:
        locked.execute("begin immediate")
        bury(row, error)
        locked.execute("rollback")

    queue._bury = bury_while_locked  # type: ignore[method-assign]
    assert [task.payload for task in queue.claim_many(3)] == ["a", "b"]
    locked.close()


def test_a_blocked_get_wakes_when_a_thread_of_this_process_puts(queue: Queue) -> None:
    putting = threading.Timer(0.05, queue.put, args=("hello",))
    putting.start()
    assert queue.get(timeout=LIMIT).payload == "hello"
    putting.join()


def test_a_blocked_get_wakes_for_a_delayed_task_and_for_an_expired_lease(queue: Queue) -> None:
    queue.put("later", delay=0.05)
    task = queue.get(timeout=LIMIT)
    assert task.payload == "later"
    task.extend(0.05)
    queue.policy(backoff=0)
    again = queue.get(timeout=LIMIT)
    assert (again.id, again.attempt) == (task.id, 2)
    with pytest.raises(LeaseLost):
        task.ack()


def test_a_blocked_get_follows_the_path_to_a_file_that_replaced_it(
    queue: Queue, db: Path, tmp_path: Path
) -> None:
    other = make_database(tmp_path / "restored.db")
    with Queue(other, "work") as restored:
        restored.put("in the restored file")
    replacing = threading.Timer(0.05, os.replace, args=(other, db))
    replacing.start()
    assert queue.get(timeout=LIMIT).payload == "in the restored file"
    replacing.join()


def test_iteration_acks_the_last_task_when_it_claims_the_next(queue: Queue) -> None:
    ids = queue.put_many(["a", "b", "c"])
    seen = []
    for task in queue:
        seen.append(task.payload)
        assert [state(queue, id) for id in ids[: len(seen) - 1]] == ["done"] * (len(seen) - 1)
        if len(seen) == 3:
            break
    assert seen == ["a", "b", "c"]


def test_leaving_the_loop_releases_what_was_not_acked(queue: Queue) -> None:
    id = queue.put("a")
    for _task in queue:
        break
    assert state(queue, id) == "ready"
    assert queue.show(id)["failures"] == 0

    def fails() -> None:
        for _task in queue:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert state(queue, id) == "ready"


def test_a_task_settled_inside_the_loop_is_left_as_it_is(queue: Queue) -> None:
    first, second = queue.put_many(["a", "b"])
    for task in queue:
        if task.id == second:
            task.ack("second")
            break
        task.nack("no", dead=True)
    assert (state(queue, first), state(queue, second)) == ("dead", "done")


def test_a_lease_lost_inside_the_loop_does_not_stop_it(queue: Queue) -> None:
    ids = queue.put_many(["a", "b"])
    thief = Queue(queue.database, "work")
    seen = []
    for task in queue:
        seen.append(task.id)
        if task.id == ids[0]:
            thief.tick(task.lease_until + 1)
        else:
            break
    assert seen == ids
    assert state(queue, ids[0]) == "scheduled"


def test_with_a_task_acks_at_the_end_nacks_an_exception_and_releases_an_interrupt(queue: Queue) -> None:
    ids = queue.put_many(["a", "b", "c"])
    with queue.get(timeout=LIMIT):
        pass
    with pytest.raises(ValueError, match="bad"), queue.get(timeout=LIMIT):
        raise ValueError("bad")
    with pytest.raises(KeyboardInterrupt), queue.get(timeout=LIMIT):
        raise KeyboardInterrupt
    assert [state(queue, id) for id in ids] == ["done", "scheduled", "ready"]
    assert queue.show(ids[1])["error"] == "ValueError: bad"


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        ("no route", "no route"),
        (ValueError("no route"), "ValueError: no route"),
        (ValueError("a\0\ud800"), "ValueError: a\ufffd?"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (None, None),
    ],
)
def test_a_nack_takes_text_or_the_exception(
    queue: Queue, error: str | BaseException | None, kept: str | None
) -> None:
    id = queue.put("a")
    queue.get(timeout=LIMIT).nack(error)
    assert queue.show(id)["error"] == kept


def test_an_exception_goes_on_whatever_becomes_of_its_nack(queue: Queue) -> None:
    hostile = queue.put("a")
    with pytest.raises(ValueError), queue.get(timeout=LIMIT):  # noqa: PT011
        raise ValueError("no text: \udc80 \0")
    assert queue.show(hostile)["error"] == "ValueError: no text: ? \ufffd"
    queue.put("b")
    with pytest.raises(KeyError), queue.get(timeout=LIMIT) as task:
        queue.tick(task.lease_until + 1)
        raise KeyError


def test_two_threads_blocked_on_one_queue_share_what_comes(queue: Queue) -> None:
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda: got.append(queue.get(timeout=LIMIT).payload)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    queue.put("one")
    time.sleep(0)
    queue.put("two")
    for thread in threads:
        thread.join()
    assert sorted(got) == ["one", "two"]


def test_a_busy_consumer_looks_for_what_is_due_every_twentieth_of_a_second(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = 2_000_000_000_000
    clock = [start]
    monkeypatch.setattr("queuekit.claims.now_ms", lambda: clock[0])
    queue.put_many(["ready"] * 4)
    queue.put("due", delay=0.01, priority=9, now=start)
    seen = []
    for clock[0] in (start, start + 49, start + 51):
        task = queue.claim()
        assert task is not None
        seen.append(task.payload)
    assert seen == ["ready", "ready", "due"]


def test_a_purge_that_is_to_stop_ends_between_two_bites(queue: Queue) -> None:
    queue.put_many(["x"] * 3000)
    for task in queue.claim_many(3000):
        task.ack()
    stops = iter([False, True])
    assert queue.database.purge({"older_ms": 0}, lambda: next(stops)) == 1000
