"""A loop that claims ahead: what it holds is run in order or goes back, and is never run by two."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from queuekit import LeaseLost, Queue, Task
from queuekit.prefetch import Prefetch
from tests.conftest import sqlite3_program

LIMIT = 30  # seconds; generous, never measured
FOR_EVER = 3600.0


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db, "work", lease=60, fallback=600) as queue:
        yield queue


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, handlers count as fast, and nothing waits too long."""
    monkeypatch.setattr("queuekit.prefetch._BUDGET", 1e15)
    monkeypatch.setattr("queuekit.prefetch._HOLD", FOR_EVER)


def until(true: Callable[[], object]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def running(queue: Queue) -> int:
    return int(queue.stats()["running"])


def states(queue: Queue, ids: list[int]) -> list[str]:
    return [str(queue.show(id)["state"]) for id in ids]


def begun(loop: Iterator[Task], count: int) -> list[Task]:
    """The next tasks of a loop; the last of them is at hand."""
    return [next(loop) for _ in range(count)]


def crowds(queue: Queue, loop: Iterator[Task], count: int) -> list[int]:
    """How many tasks run while each of the next tasks of a loop is at hand."""
    return [running(queue) for _ in range(count) if next(loop)]


# 1 is claimed alone, then 2 and 3, then 4 to 7: this many are begun when three are held behind the one at hand.
THREE_HELD = 4


def down_from(count: int) -> list[int]:
    return list(range(count, 0, -1))


@pytest.mark.parametrize(("most", "largest"), [(100, 100), (5, 5), (1, 1), (0, 1), (-1, 1)])
def test_a_fast_loop_claims_twice_as_many_each_time_up_to_its_most(db: Path, most: int, largest: int) -> None:
    with Queue(db, prefetch=most) as queue:
        queue.put_many(["x"] * 150)
        loop = iter(queue)
        claims = [min(2**n, largest) for n in range(95)]
        assert crowds(queue, loop, 95) == [left for count in claims for left in down_from(count)][:95]
        loop.close()  # type: ignore[attr-defined]


def test_a_loop_whose_handlers_are_slow_claims_one_by_one(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queuekit.prefetch._BUDGET", 1e-9)
    queue.put_many(["x"] * 20)
    assert crowds(queue, iter(queue), 20) == [1] * 20


def test_each_task_is_acked_before_the_next_is_begun(queue: Queue) -> None:
    ids = queue.put_many(["x"] * 40)
    loop = iter(queue)
    for n in range(40):
        assert next(loop).id == ids[n]
        assert queue.stats()["done"] == n


def test_what_is_put_later_and_more_urgent_comes_after_what_was_claimed_ahead_and_before_the_rest(
    queue: Queue,
) -> None:
    queue.put_many(["x"] * 20)
    loop = iter(queue)
    begun(loop, THREE_HELD)
    queue.put("urgent", priority=9)
    assert [task.id for task in begun(loop, 5)] == [5, 6, 7, 21, 8]


def leave_by_break(queue: Queue) -> None:
    for task in queue:
        if task.id == THREE_HELD:
            break


def leave_by_exception(queue: Queue) -> None:
    with pytest.raises(ZeroDivisionError):
        for task in queue:
            if task.id == THREE_HELD:
                raise ZeroDivisionError


def leave_it_lying(queue: Queue) -> None:
    begun(iter(queue), THREE_HELD)


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_exception, leave_it_lying])
def test_whoever_leaves_the_loop_gives_back_all_that_was_not_acked(
    leave: Callable[[Queue], None], queue: Queue
) -> None:
    threads = set(threading.enumerate())
    ids = queue.put_many(["x"] * 10)
    leave(queue)
    assert states(queue, ids) == ["done"] * 3 + ["ready"] * 7
    assert {queue.show(id)["failures"] for id in ids} == {0}
    until(lambda: set(threading.enumerate()) <= threads)


def test_what_waits_too_long_behind_a_slow_handler_goes_back_at_no_cost(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queuekit.prefetch._HOLD", 0.02)
    ids = queue.put_many(["x"] * 300)
    loop = iter(queue)
    task = next(loop)
    while running(queue) == 1:  # the thread may be quicker than we are here
        task = next(loop)
    until(lambda: running(queue) == 1)
    assert queue.show(task.id)["state"] == "running"
    other = queue.claim()
    assert other is not None
    other.ack()
    assert other.id == task.id + 1
    rest = [next(loop).id for _ in range(len(ids) - other.id)]
    assert rest == list(range(other.id + 1, len(ids) + 1))
    assert {queue.show(id)["failures"] for id in ids} == {0}


def test_a_file_that_is_locked_then_is_asked_again(
    db: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Queue(db, timeout=0.01) as queue, closing(sqlite3.connect(db, isolation_level=None)) as other:
        ids = queue.put_many(["x"] * 10)
        loop = iter(queue)
        begun(loop, 2)
        monkeypatch.setattr("queuekit.prefetch._HOLD", 0.01)
        next(loop)
        with caplog.at_level(logging.WARNING, "queuekit"):
            other.execute("begin immediate")
            until(lambda: "not given back yet" in caplog.text or running(queue) == 1)
            other.execute("rollback")
        until(lambda: running(queue) <= 1)
        assert [task.id for task in begun(loop, 7)] == ids[3:]
        loop.close()  # type: ignore[attr-defined]


def test_nothing_is_begun_after_its_lease(db: Path) -> None:
    with Queue(db, lease=0.2) as queue:
        ids = queue.put_many(["x"] * 12)
        loop = iter(queue)
        *_, task = begun(loop, THREE_HELD)
        until(lambda: time.time() * 1000 > task.lease_until)
        queue.tick()
        thief = queue.claim_many(12, lease=60)
        assert set(ids[4:]) == {other.id for other in thief}
        thief[-1].release()
        assert next(loop).id == thief[-1].id
        loop.close()  # type: ignore[attr-defined]


def test_one_short_lease_is_the_end_of_all_that_are_held_with_it(queue: Queue) -> None:
    """Who finds it over gives all of the list back: none of them may be begun any more."""
    with Queue(queue.database, "short") as short:
        short.put_many(["x"] * 3)
        short.put("short", lease=0.2)
        short.put_many(["x"] * 3)
        loop = iter(short)
        *_, task = begun(loop, THREE_HELD)
        until(lambda: time.time() * 1000 > task.lease_until)
        short.tick()
        assert states(short, [4, 5, 6, 7]) == ["scheduled", "ready", "ready", "ready"]
        assert [other.id for other in short.claim_many(2)] == [5, 6]
        assert next(loop).id == 7
        loop.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("hours", "claims"), [(2, 2), (-2, 1)], ids=["forward", "back"])
def test_when_the_clock_is_set_what_is_held_is_begun_only_if_it_is_still_leased(
    hours: int, claims: int, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.put_many(["x"] * 20)
    loop = iter(queue)
    begun(loop, THREE_HELD)
    monkeypatch.setattr("queuekit.prefetch.now_ms", lambda: int((time.time() + hours * 3600) * 1000))
    taken = queue.claim()
    assert taken is not None
    assert taken.id == 8
    assert next(loop).id == 5
    assert queue.show(5)["claims"] == claims  # 2: it had gone back


def test_a_handler_may_end_its_task_itself_whatever_is_held_behind_it(queue: Queue) -> None:
    ids = queue.put_many(["x"] * 7)
    ends: list[Callable[[Task], object]] = [
        lambda task: task.ack("mine"),
        lambda task: task.nack("no", dead=True),
        lambda task: task.release(delay=600),
        lambda task: queue.ack(task.receipt),
        lambda task: None,
        lambda task: queue.tick(task.lease_until + 1) if task.id == 6 else None,
    ]
    loop = iter(queue)
    for end in ends:
        end(next(loop))
    assert states(queue, ids[:5]) == ["done", "dead", "scheduled", "done", "done"]
    assert states(queue, [6]) == ["scheduled"]


def test_two_loops_of_one_name_and_one_queue_run_each_task_once(db: Path) -> None:
    with Queue(db, worker="same") as queue:
        ids = queue.put_many(["x"] * 400)
        seen: list[int] = []

        def work() -> None:
            for task in queue:
                if task.payload == "stop":
                    task.ack()
                    break
                seen.append(task.id)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        until(lambda: len(seen) >= len(ids))
        for _ in threads:  # one each: who has claimed both gives one back
            queue.put("stop")
        for thread in threads:
            thread.join()
        assert sorted(seen) == ids
        assert queue.stats()["done"] == 402
        lists = sqlite3_program(db, "select count(distinct consumer) from qk_prefetch")
        assert int(lists) <= 2


def test_a_payload_that_is_no_utf_8_hinders_nothing_that_is_claimed_with_it(queue: Queue, db: Path) -> None:
    queue.put_many(["x"] * 5)
    sqlite3_program(db, "insert into qk_task (queue, payload) values ('work', cast(x'ff' as text))")
    queue.put_many(["x"] * 5)
    loop = iter(queue)
    assert [next(loop).id for _ in range(10)] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
    assert queue.show(6)["state"] == "dead"


@pytest.mark.parametrize("policy", [{"strategy": "fifo"}, {"max_running": 20}, {"rate": 1000, "burst": 99}])
def test_a_queue_that_gets_policies_meanwhile_is_fed_one_by_one_from_the_next_claim(
    policy: dict[str, object], queue: Queue
) -> None:
    queue.put_many(["x"] * 30)
    loop = iter(queue)
    begun(loop, THREE_HELD)
    queue.policy(**policy)  # type: ignore[arg-type]
    begun(loop, 3)
    assert crowds(queue, loop, 10) == [1] * 10


def test_a_pause_lets_run_what_was_claimed_and_no_more(queue: Queue) -> None:
    queue.put_many(["x"] * 20)
    loop = iter(queue)
    begun(loop, THREE_HELD)
    queue.pause()
    begun(loop, 3)
    assert queue.claim() is None
    resuming = threading.Timer(0.05, queue.resume)
    resuming.start()
    assert next(loop).id == 8
    resuming.join()


def test_what_is_cancelled_while_it_is_held_is_cancelled_when_it_goes_back(queue: Queue) -> None:
    queue.put_many(["x"] * 10)
    loop = iter(queue)
    begun(loop, THREE_HELD)
    assert queue.cancel(6) == "running"
    loop.close()  # type: ignore[attr-defined]
    assert states(queue, [4, 5, 6, 7]) == ["ready", "ready", "cancelled", "ready"]


def test_in_a_transaction_of_the_caller_nothing_is_claimed_ahead_and_all_is_taken_back_with_it(
    queue: Queue,
) -> None:
    ids = queue.put_many(["x"] * 30)
    loop = iter(queue)
    with suppress(ZeroDivisionError), queue.database.transaction():
        assert crowds(queue, loop, 10) == [1] * 10
        raise ZeroDivisionError
    assert states(queue, ids) == ["ready"] * 30
    others = queue.claim_many(3)  # as if the loop had never had them
    task = next(loop)
    assert task.id == 4
    assert states(queue, [1, 2, 3, 4]) == ["running"] * 4
    loop.close()  # type: ignore[attr-defined]
    assert states(queue, [1, 2, 3, 4]) == ["running"] * 3 + ["ready"]
    assert queue.ack_many(others) == []


def test_a_transaction_that_begins_when_some_are_held_loses_none_of_them(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = queue.put_many(["x"] * 12)
    loop = iter(queue)
    begun(loop, THREE_HELD)
    with suppress(ZeroDivisionError), queue.database.transaction():
        begun(loop, 1)
        monkeypatch.setattr(
            "queuekit.prefetch.now_ms", lambda: 2 * int(time.time() * 1000)
        )  # their time is over
        begun(loop, 1)
        raise ZeroDivisionError
    monkeypatch.undo()
    loop.close()  # type: ignore[attr-defined]
    assert states(queue, ids)[5:] == ["ready"] * 7


def test_a_run_begun_in_a_transaction_that_is_rolled_back_is_not_at_the_mercy_of_the_one_before_it(
    queue: Queue,
) -> None:
    """The ack before it is undone, too: the file must not take for never begun what is at work."""
    ids = queue.put_many(["x"] * 8)
    loop = iter(queue)
    *_, last = begun(loop, THREE_HELD)
    with suppress(ZeroDivisionError), queue.database.transaction():
        task = next(loop)
        assert states(queue, ids[3:]) == ["done", "running", "ready", "ready", "ready"]
        raise ZeroDivisionError
    assert not last.settled
    with pytest.raises(LeaseLost):  # nothing that was claimed before the transaction has been begun in it
        task.extend(FOR_EVER)
    queue.tick(last.lease_until + 1)
    assert states(queue, ids[3:]) == ["scheduled"] + ["ready"] * 4


def test_a_transaction_that_is_kept_takes_in_a_loop_what_was_held_before_it(queue: Queue) -> None:
    ids = queue.put_many(["x"] * 9)
    loop = iter(queue)
    begun(loop, THREE_HELD)
    with queue.database.transaction():
        assert [task.id for task in begun(loop, 2)] == ids[4:6]
    assert [task.id for task in begun(loop, 3)] == ids[6:]
    loop.close()  # type: ignore[attr-defined]
    assert states(queue, ids) == ["done"] * 8 + ["ready"]


def test_where_no_thread_can_be_started_tasks_are_claimed_one_by_one(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    queue.put_many(["x"] * 10)
    assert crowds(queue, iter(queue), 10) == [1] * 10


class AboutToGiveBack:
    """A loop whose guard thinks that what is held waits too long: it wants the lock of the database, which we have."""

    def __init__(self, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
        queue.put_many(["x"] * 9)
        self.loop, self.lock, due = iter(queue), queue.database.lock, threading.Event()
        *_, self.task = begun(self.loop, THREE_HELD)
        self.ahead: Prefetch = self.loop.gi_frame.f_locals["ahead"]  # type: ignore[attr-defined]
        self.lock.acquire()
        monkeypatch.setattr(self.ahead, "_is_over", lambda: due.set() or True)
        with self.ahead._lock:
            self.ahead._until = 0.0
            self.ahead._changed.notify()
        assert due.wait(LIMIT)

    def has_the_lock(self) -> bool:
        if not self.lock.acquire(blocking=False):
            return True
        self.lock.release()
        return False

    def close(self) -> None:
        self.loop.close()  # type: ignore[attr-defined]


def test_a_signal_handler_that_puts_while_a_task_is_taken_waits_for_nobody(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = AboutToGiveBack(queue, monkeypatch)
    with guard.ahead._lock:  # as in take, where the handler runs
        guard.lock.release()
        looks = iter(range(1000, 0, -1))
        until(lambda: guard.has_the_lock() or not next(looks, 0))
        assert guard.lock.acquire(timeout=LIMIT)
        queue.put("by the handler")
        guard.lock.release()
    guard.close()
    assert running(queue) == 0


def test_a_file_that_is_closed_after_the_loop_stays_closed(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set(threading.enumerate())
    guard = AboutToGiveBack(queue, monkeypatch)
    queue.tick(guard.task.lease_until + 1)
    guard.close()
    queue.close()
    guard.lock.release()
    until(lambda: set(threading.enumerate()) <= threads)
    assert queue.database._connection is None
