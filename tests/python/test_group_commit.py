"""Threads that write at the same time share commits; each is told what came of its own work, as if it were alone."""

from __future__ import annotations

import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from queuekit import (
    BadPayload,
    Batch,
    Busy,
    Database,
    Full,
    LeaseLost,
    Queue,
    QueuekitError,
    Refused,
    group_commit,
)

THREADS = 8
LIMIT = 60.0  # seconds
BRACKETS = ("begin immediate", "commit")
ONE = list(BRACKETS)


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db, "work", synchronous="full") as queue:
        yield queue


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextmanager
def transactions(database: Database) -> Iterator[list[str]]:
    """The begins and commits meanwhile."""
    seen: list[str] = []
    connection = database.connection()
    connection.set_trace_callback(lambda text: seen.append(text) if text in BRACKETS else None)
    yield seen
    connection.set_trace_callback(None)


def at_once(queue: Queue, *works: Callable[[], Any]) -> list[Any]:
    """What each returned or raised; all of them have waited for the same transaction to end."""

    def outcome(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        with queue.database.transaction():
            futures = [pool.submit(outcome, work) for work in works]
            until(lambda: len(queue.database.waiting) == len(works))
        return [future.result(LIMIT) for future in futures]


def putting(queue: Queue, payload: Any, **options: Any) -> Callable[[], Any]:
    return lambda: queue.put(payload, **options)


def payloads(queue: Queue) -> list[str]:
    return sorted(queue.show(row["id"])["payload"] for row in queue.list(limit=1000))


def test_puts_that_wait_share_one_commit_and_each_is_told_its_own_id(queue: Queue) -> None:
    texts = [f"task {n}" for n in range(THREADS)]
    with transactions(queue.database) as seen:
        ids = at_once(queue, *(putting(queue, text) for text in texts))
    assert seen == ONE + ONE, "the one that they waited for, and theirs"
    assert [queue.show(id)["payload"] for id in ids] == texts


def test_every_verb_that_writes_shares_and_what_reads_does_not(queue: Queue) -> None:
    queue.put_many(["a", "b", "c"])
    first, second = queue.claim(), queue.claim()
    assert first is not None
    assert second is not None
    with transactions(queue.database) as seen:
        acked, failed, third = at_once(queue, first.ack, lambda: second.nack("no"), queue.claim)
    assert (acked, failed, third.payload) == (None, "scheduled", "c")
    assert seen == ONE + ONE
    assert [queue.show(id)["state"] for id in (1, 2, 3)] == ["done", "scheduled", "running"]


def test_what_is_refused_fails_alone(queue: Queue) -> None:
    Queue(queue.database, "narrow").policy(max_depth=1)
    Queue(queue.database, "narrow").put("fills it")
    good, nul, full, batch, late, again = at_once(
        queue,
        putting(queue, "good"),
        putting(queue, "a\0b"),
        putting(Queue(queue.database, "narrow"), "x"),
        putting(queue, "x", batch=999),
        lambda: queue.ack("1:7"),
        putting(queue, "good too"),
    )
    assert [type(error) for error in (nul, full, batch, late)] == [BadPayload, Full, Refused, LeaseLost]
    assert [queue.show(id)["payload"] for id in (good, again)] == ["good", "good too"]
    assert payloads(queue) == ["good", "good too"]


def test_a_key_that_two_put_at_once_is_one_task(queue: Queue) -> None:
    ids = at_once(queue, *(putting(queue, "x", key="k") for _ in range(THREADS)))
    assert len(set(ids)) == 1
    assert sorted(id.duplicates for id in ids) == list(range(THREADS))


def test_the_laws_that_come_when_they_are_needed_come_in_the_middle_of_a_group(queue: Queue) -> None:
    ids = at_once(
        queue,
        putting(queue, "before"),
        putting(queue, "heads a group", group="g"),
        putting(queue, "waits", group="g"),
        putting(queue, "refused", after=[999]),
        putting(queue, "after"),
    )
    assert isinstance(ids.pop(3), Refused)
    assert [queue.show(id)["state"] for id in ids] == ["ready", "ready", "blocked", "ready"]


@pytest.mark.parametrize("alone", [False, True], ids=["shared", "in the caller's transaction"])
def test_laws_that_break_off_half_way_are_taken_back_whole(queue: Queue, alone: bool) -> None:
    queue.put("first")
    real = sqlite3.Connection.execute

    class Full(sqlite3.Connection):
        """The disk is full at the fourth thing that the extra laws make."""

        made = 0

        def execute(self, text: str, *given: Any) -> sqlite3.Cursor:
            Full.made += text.startswith("create ")
            if Full.made == 4:
                Full.made = 99
                raise sqlite3.OperationalError("database or disk is full")
            return real(self, text, *given)

    queue.database.close()
    whole = sqlite3.connect(queue.database.path, isolation_level=None, check_same_thread=False, factory=Full)
    whole.text_factory = bytes
    things = "select count(*) from sqlite_master"
    before = real(whole, things).fetchone()
    queue.database._connection = whole
    queue.database.look_at = time.monotonic() + LIMIT
    if alone:
        with queue.database.transaction():
            with pytest.raises(QueuekitError, match="full"):
                queue.put("heads a group", group="g")
            queue.put("after")
    else:
        broken, after = at_once(queue, putting(queue, "heads a group", group="g"), putting(queue, "after"))
        assert isinstance(broken, QueuekitError)
        assert queue.show(after)["payload"] == "after"
    assert real(whole, things).fetchone() == before
    ids = [queue.put(text, group="g") for text in ("heads a group", "waits")]
    assert [queue.show(id)["state"] for id in ids] == ["ready", "blocked"]


def test_a_group_that_meets_a_locked_file_is_busy_each_with_an_error_of_its_own(db: Path) -> None:
    with Queue(db, "work", synchronous="full", timeout=0.05) as queue:
        begun, other = threading.Event(), sqlite3.connect(db, isolation_level=None, check_same_thread=False)

        def first() -> None:
            with queue.database.lock:  # as if it had just come back from the disk
                begun.set()
                until(lambda: len(queue.database.waiting) == THREADS)
                other.execute("begin immediate")

        holder = threading.Thread(target=first)
        holder.start()
        begun.wait(LIMIT)
        with ThreadPoolExecutor(THREADS) as pool:
            futures = [pool.submit(queue.put, "x") for _ in range(THREADS)]
            errors = [future.exception(LIMIT) for future in futures]
        holder.join()
        other.close()
        assert {type(error) for error in errors} == {Busy}
        assert len(set(map(id, errors))) == THREADS
        assert queue.qsize() == 0
        assert queue.put("x") == 1


def test_who_makes_sqlite_roll_back_everything_fails_alone_and_the_others_are_kept_once(queue: Queue) -> None:
    with queue.database.transaction() as connection:
        connection.execute(
            "create trigger mine before insert on qk_task when new.payload = 'bad' "
            "begin select raise(rollback, 'not with me'); end"
        )
    outcomes = at_once(queue, *(putting(queue, text) for text in ("a", "b", "bad", "c", "d")))
    assert [type(outcome).__name__ for outcome in outcomes].count("QueuekitError") == 1
    assert isinstance(outcomes[2], QueuekitError)
    assert payloads(queue) == ["a", "b", "c", "d"]


def test_a_database_that_is_closed_while_others_wait_opens_again_for_them(queue: Queue) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        with queue.database.lock:
            futures = [pool.submit(queue.put, "x") for _ in range(THREADS)]
            until(lambda: len(queue.database.waiting) == THREADS)
            queue.database.close()
        ids = [future.result(LIMIT) for future in futures]
    assert sorted(ids) == list(range(1, THREADS + 1))


def test_a_file_that_is_removed_while_others_wait_is_made_anew_by_their_puts(queue: Queue) -> None:
    queue.put("lost with the file")
    with ThreadPoolExecutor(THREADS) as pool:
        with queue.database.lock:
            futures = [pool.submit(queue.put, "x") for _ in range(THREADS)]
            until(lambda: len(queue.database.waiting) == THREADS)
            for suffix in ("", "-wal", "-shm"):
                Path(f"{queue.database.path}{suffix}").unlink()
            queue.database.look_at = 0.0
        ids = [future.result(LIMIT) for future in futures]
    assert sorted(ids) == list(range(1, THREADS + 1))
    with Queue(queue.database.path, "work") as other:
        assert other.qsize() == THREADS


def test_work_of_several_verbs_is_kept_or_undone_as_one_among_others(queue: Queue) -> None:
    queue.put_many(["a", "b", "c"])
    first, second = queue.claim(), queue.claim()
    assert first is not None
    assert second is not None

    def ends_and_fails() -> None:
        second.ack()
        raise ZeroDivisionError

    def ends_and_goes_on() -> Any:
        first.ack()
        return queue.claim()

    with transactions(queue.database) as seen:
        third, error = at_once(
            queue,
            lambda: queue.database.together(ends_and_goes_on),
            lambda: queue.database.together(ends_and_fails),
        )
    assert seen == ONE + ONE
    assert third.payload == "c"
    assert isinstance(error, ZeroDivisionError)
    assert not second.settled
    assert [queue.show(id)["state"] for id in (1, 2, 3)] == ["done", "running", "running"]


def test_work_of_several_verbs_alone_and_inside_a_transaction(queue: Queue) -> None:
    assert queue.database.together(lambda: [queue.put("a"), queue.put("b")]) == [1, 2]
    with pytest.raises(ZeroDivisionError), queue.database.transaction():
        assert queue.database.together(lambda: queue.put("c")) == 3
        raise ZeroDivisionError
    assert payloads(queue) == ["a", "b"]


def test_a_batch_of_threads_that_write_all_the_time_loses_and_doubles_nothing(queue: Queue) -> None:
    each = 100
    batch = Batch.open(queue.database, "all done", queue="work")
    acked: list[str] = []

    def write(thread: int) -> None:
        for n in range(each):
            queue.put(f"{thread} {n}", batch=batch.id)
            if (task := queue.claim()) is not None:
                task.ack()
                acked.append(task.payload)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(THREADS)))
    while (task := queue.claim()) is not None:
        task.ack()
        acked.append(task.payload)
    assert sorted(acked) == sorted(f"{thread} {n}" for thread in range(THREADS) for n in range(each))
    batch.close()
    assert queue.get(timeout=LIMIT).payload == "all done"


class Interrupted(Exception):
    """Raised by a signal handler."""


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Interrupts the main thread, and returns when its handler has run."""
    ran = threading.Event()

    def handler(*_: object) -> None:
        ran.set()
        raise Interrupted

    def send() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        assert ran.wait(LIMIT)

    before = signal.signal(signal.SIGUSR1, handler)
    yield send
    signal.signal(signal.SIGUSR1, before)


def test_a_handler_that_puts_in_the_midst_of_a_shared_put_waits_for_nothing_that_it_holds_up(
    queue: Queue,
) -> None:
    """At every step of it: a signal that comes while the main thread joins, leads itself, waits, and leaves."""
    steps, at = 0, 0
    others: list[threading.Thread] = []

    def look(frame: FrameType, event: str, _: Any) -> None:
        nonlocal steps
        if event != "call" or not frame.f_code.co_filename.endswith(("waiting.py", "group_commit.py")):
            return
        steps += 1
        if steps == at:
            sys.setprofile(None)
            taken = threading.Event()
            other = threading.Thread(target=hold, args=(taken,))
            other.start()
            taken.wait(LIMIT)
            queue.put("from the handler")
            others.append(other)

    def hold(taken: threading.Event) -> None:
        free = queue.database.lock.acquire(timeout=0.1)  # not if the main thread has it
        taken.set()
        queue.put("beside it")
        if free:
            queue.database.lock.release()

    while steps >= at:
        steps, at = 0, at + 1
        queue.database.waiting.crowded = True
        sys.setprofile(look)
        queue.put("interrupted")
        sys.setprofile(None)
        for other in others:
            other.join(LIMIT)
    assert at > 5
    found = payloads(queue)
    assert (found.count("from the handler"), found.count("interrupted")) == (at - 1, at)


def test_a_loop_that_is_dropped_while_its_thread_joins_gives_back_without_joining(queue: Queue) -> None:
    joined = []

    def work() -> None:
        with ThreadPoolExecutor(1) as pool:
            thread = threading.get_ident()
            queue.database.waiting.threads.add(thread)  # as in the midst of join
            queue.database.waiting.crowded = True
            joined.append(queue.put("x"))
            queue.database.waiting.threads.discard(thread)
            joined.append(pool.submit(queue.put, "y").result(LIMIT))

    before = queue.database.waiting.leader
    work()
    assert joined == [1, 2]
    assert queue.database.waiting.leader is before is None


class Uncopied(Exception):
    """One that copy.copy cannot copy."""

    def __reduce__(self) -> Any:
        raise TypeError("no")


def test_whatever_comes_out_of_a_group_each_of_its_threads_is_told(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise Uncopied

    monkeypatch.setattr(group_commit, "_commit_together", breaks)
    queue.database.look_at = time.monotonic() + LIMIT
    errors = at_once(queue, putting(queue, "a"), putting(queue, "b"), putting(queue, "c"))
    assert [type(error) for error in errors] == [Uncopied] * 3
    monkeypatch.undo()
    assert queue.put("d") == 1


def test_a_put_that_is_interrupted_while_it_waits_is_not_done_and_another_leads_those_behind_it(
    queue: Queue, interrupt: Callable[[], None]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        taken = threading.Event()

        def others() -> Any:
            with queue.database.lock:
                taken.set()
                until(lambda: len(queue.database.waiting) == 1)
                behind = pool.submit(queue.put, "behind it")
                until(lambda: len(queue.database.waiting) == 2)
                interrupt()
                until(lambda: len(queue.database.waiting) == 1)
            return behind.result(LIMIT)

        other = pool.submit(others)
        taken.wait(LIMIT)
        with pytest.raises(Interrupted):
            queue.put("interrupted")
        assert queue.show(other.result(LIMIT))["payload"] == "behind it"
    assert payloads(queue) == ["behind it"]


def test_a_put_that_is_interrupted_after_another_thread_has_begun_it_ends_with_its_group(
    queue: Queue, interrupt: Callable[[], None]
) -> None:
    writer = sqlite3.connect(queue.database.path, isolation_level=None, check_same_thread=False)
    with ThreadPoolExecutor(2) as pool:
        gathered = threading.Event()

        def others() -> Any:
            with queue.database.lock:
                leads = pool.submit(queue.put, "leads")
                until(lambda: len(queue.database.waiting) == 1)
                gathered.set()
                until(lambda: len(queue.database.waiting) == 2)
                writer.execute("begin immediate")
            until(lambda: len(queue.database.waiting) == 0)  # begun, and waiting for the file
            interrupt()
            writer.execute("rollback")
            return leads.result(LIMIT)

        other = pool.submit(others)
        gathered.wait(LIMIT)
        with pytest.raises(Interrupted):
            queue.put("interrupted")
        assert payloads(queue) == ["interrupted", "leads"], "and it came back no sooner"
        other.result(LIMIT)
    writer.close()
