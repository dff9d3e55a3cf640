"""One queue object among threads, and inside a caller's transaction."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from queuekit import BadPayload, Busy, Database, Empty, NoDatabase, Queue, QueuekitError, Refused, Usage
from queuekit.model import TaskId

EACH = 200


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db, "work") as queue:
        yield queue


def test_threads_share_one_queue_and_every_task_is_claimed_once(queue: Queue) -> None:
    done: list[int] = []

    def work() -> None:
        for _ in range(EACH):
            queue.put("x")
            task = queue.claim()
            assert task is not None
            task.ack()
            done.append(task.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(1, 4 * EACH + 1))


def test_put_and_ack_commit_with_the_callers_own_rows(queue: Queue) -> None:
    queue.put("a")
    task = queue.claim()
    assert task is not None
    with queue.database.transaction() as connection:
        connection.execute("create table orders (name text)")
        connection.execute("insert into orders values ('lamp')")
        queue.put("b")
        task.ack()
    assert (queue.show(1)["state"], queue.show(2)["state"]) == ("done", "ready")


def test_and_are_undone_with_them(queue: Queue) -> None:
    queue.put("a")
    task = queue.claim()
    assert task is not None

    def fails() -> None:
        with queue.database.transaction() as connection:
            connection.execute("create table orders (name text)")
            queue.put("b")
            task.ack()
            connection.execute("insert into nothing values (1)")

    with pytest.raises(sqlite3.OperationalError):
        fails()
    assert queue.show(1)["state"] == "running"
    assert queue.list() == [queue.list()[0]]
    task.ack()


def test_a_task_is_not_settled_by_an_ack_that_is_undone(queue: Queue) -> None:
    queue.put("x")
    task = queue.get()
    with pytest.raises(ZeroDivisionError), task, queue.database.transaction():
        task.ack()
        assert task.settled
        raise ZeroDivisionError("later in the transaction")
    shown = queue.show(task.id)
    assert (shown["state"], shown["error"]) == ("scheduled", "ZeroDivisionError: later in the transaction")


def test_nothing_is_waited_for_inside_a_transaction(queue: Queue) -> None:
    with queue.database.transaction():
        with pytest.raises(Usage, match="transaction"):
            queue.get(timeout=60)
        with pytest.raises(Empty):
            queue.get(block=False)


def test_a_nested_transaction_joins_the_outer_one(queue: Queue) -> None:
    def fails() -> None:
        with queue.database.transaction():
            with queue.database.transaction():
                queue.put("inner")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert queue.qsize() == 0


def test_a_locked_file_raises_busy_and_nothing_is_written(db: Path) -> None:
    with Queue(db, timeout=0.05) as queue:
        other = sqlite3.connect(db, isolation_level=None)
        other.execute("begin immediate")
        with pytest.raises(Busy, match="try again"):
            queue.put("x")
        with pytest.raises(Busy), queue.database.transaction():
            pass
        other.execute("rollback")
        other.close()
        assert queue.put("x") == 1


@pytest.mark.parametrize("strategy", [None, "fifo"])
def test_what_was_claimed_is_told_or_nothing_was_claimed(db: Path, strategy: str | None) -> None:
    """Many at once take two statements: a lock that comes between them must not hide what the first one took."""
    with Queue(db, timeout=0.01, strategy=strategy) as queue:
        queue.put_many(["a", "b", "c"])
        other = sqlite3.connect(db, isolation_level=None, timeout=0)
        run = queue.database.run

        def locked_afterwards(*call: Any) -> list[tuple[Any, ...]]:
            rows = run(*call)
            with suppress(sqlite3.OperationalError):
                other.execute("begin immediate")
            return rows

        queue.database.run = locked_afterwards  # type: ignore[method-assign]
        told = []
        with suppress(Busy):
            told = queue.claim_many(5)
        other.close()
        queue.database.run = run  # type: ignore[method-assign]
        assert queue.stats()["running"] == len(told)


def locked_for_a_while(db: Path) -> threading.Timer:
    """Another connection holds the write lock, longer than a queue with a short timeout waits."""
    other = sqlite3.connect(db, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    freeing = threading.Timer(0.3, other.close)
    freeing.start()
    return freeing


def test_a_loop_and_a_get_wait_out_a_lock(db: Path) -> None:
    with Queue(db, timeout=0.01) as queue:
        ids = queue.put_many(["a", "b", "c"])
        for task in queue:
            if task.payload == "b":
                break
            lock = locked_for_a_while(db)
        lock.join()
        assert queue.show(ids[0])["state"] == "done"
        lock = locked_for_a_while(db)
        assert queue.get(timeout=30).payload in ("b", "c")
        lock.join()
        lock = locked_for_a_while(db)
        with pytest.raises(Busy):
            queue.get(timeout=0.05)
        lock.join()


def test_leaving_a_loop_on_a_locked_file_keeps_the_exception(db: Path) -> None:
    with Queue(db, timeout=0.01) as queue:
        queue.put("a")

        def fails() -> None:
            for _task in queue:
                locks.append(locked_for_a_while(db))
                raise ZeroDivisionError

        locks: list[threading.Timer] = []
        with pytest.raises(ZeroDivisionError):
            fails()
        locks[0].join()


@pytest.mark.parametrize("payload", ["a\0b", "\ud800", float("nan"), {1, 2}, b"\xff", {"a": "\ud800"}])
def test_what_is_no_text_and_no_json_is_refused(queue: Queue, payload: object) -> None:
    with pytest.raises(BadPayload):
        queue.put(payload)
    with pytest.raises(BadPayload):
        queue.put_many(["good", payload])
    assert queue.qsize() == 0


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "text", "", [], {"ä": [1, {"b": None}]}, "007", "[1"])
def test_any_json_value_comes_back_and_text_stays_as_it_is(queue: Queue, value: object) -> None:
    queue.put(value)
    task = queue.claim()
    assert task is not None
    if isinstance(value, str):
        assert task.payload == value
    else:
        assert task.data == value


def test_put_tells_the_id_and_whether_it_is_a_duplicate(queue: Queue) -> None:
    first = queue.put("a", key="k")
    again = queue.put("b", key="k")
    assert isinstance(first, TaskId)
    assert (first, first.duplicates, again, again.duplicates) == (1, 0, 1, 1)
    assert queue.show(1)["payload"] == "a"


def test_a_row_that_is_no_utf8_is_dead_with_a_reason_and_the_consumer_goes_on(queue: Queue) -> None:
    bad = "insert into qk_task (queue, payload) values ('work', cast(x'61ff' as text))"
    with queue.database.transaction() as connection:
        connection.execute(bad)
    queue.put("good")
    with queue.database.transaction() as connection:
        connection.execute(bad)
    queue.put("good too")
    task = queue.claim()
    assert task is not None
    assert task.payload == "good"
    assert [task.payload for task in queue.claim_many(5)] == ["good too"]
    dead = queue.list(state="dead")
    assert [row["id"] for row in dead] == [3, 1]
    assert "UTF-8" in dead[0]["error"]


@pytest.mark.parametrize(
    "numbers", [{"max_attempts": 0}, {"priority": "urgent"}, {"lease": 0}, {"lease": 1e300}, {"delay": -1}]
)
def test_numbers_out_of_range_are_refused_in_a_sentence(queue: Queue, numbers: dict[str, float]) -> None:
    with pytest.raises(QueuekitError, match=r"QK01[89]|not a duration|longer than 0"):
        queue.put("x", **numbers)  # type: ignore[arg-type]


def test_a_database_that_is_not_there_is_not_made_unless_asked(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match="queuekit init"):
        Database(tmp_path / "none.db", create=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "text.db").write_text("this is not a database, however long it may be" * 100)
    with pytest.raises(NoDatabase, match="not a database"):
        Queue(tmp_path / "text.db")


def test_a_view_whose_name_is_taken_is_refused(queue: Queue) -> None:
    with queue.database.transaction() as connection:
        connection.execute("create table work (x)")
    with pytest.raises(QueuekitError, match="taken"):
        queue.database.make_view("work")
    with pytest.raises(Refused):
        queue.retry(queue.put("x"))
