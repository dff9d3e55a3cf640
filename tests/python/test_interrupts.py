"""An interrupt of the main thread, wherever it comes: no lock stays taken, nothing open, no task forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from queuekit import Queue, Task
from queuekit.durations import now_ms
from queuekit.prefetch import Prefetch
from tests.conftest import sqlite3_program
from tests.python.interrupts import Interrupted, moments


def claim_at(next_tick: int) -> Callable[[Queue], Task | None]:
    def claim(queue: Queue) -> Task | None:
        queue._next_tick = next_tick
        return queue.claim()

    return claim


TAKES: dict[str, Callable[[Queue], Any]] = {
    "claim": claim_at(0),
    "claim, busy": claim_at(now_ms() + 3_600_000),
    "get": lambda queue: queue.get(timeout=0),
    "claim_many": lambda queue: queue.claim_many(5),
}


@pytest.fixture(params=["normal", "full"])
def queue(db: Path, request: pytest.FixtureRequest) -> Iterator[Queue]:
    with Queue(db, "work", synchronous=request.param) as queue:
        queue.put("the first")
        for take in TAKES.values():  # what is read once is read now: else each try would have other moments
            taken = take(queue)
            (taken[0] if isinstance(taken, list) else taken).release()
        yield queue


def assert_nothing_is_held(queue: Queue, moment: int) -> None:
    database = queue.database
    state = (database.held(), database.depth, database.connection().in_transaction, len(database.waiting))
    assert state == (False, 0, False, 0), f"at moment {moment}"
    id = Queue(database, "others").put("after it")
    found = sqlite3_program(database.path, f"select count(*) from qk_task where id = {id};")
    assert found == "1\n", f"at moment {moment}"


def transaction(queue: Queue) -> None:
    with queue.database.transaction():
        queue.put("x")


def nested(queue: Queue) -> None:
    with queue.database.transaction():
        with queue.database.transaction():
            queue.put("x")
        with suppress(ZeroDivisionError), queue.database.transaction():
            queue.put("y")
            raise ZeroDivisionError
        queue.put("z")


def taken_back(queue: Queue) -> None:
    with suppress(ZeroDivisionError), queue.database.transaction():
        queue.put("x")
        raise ZeroDivisionError


ACTS: dict[str, Callable[[Queue], object]] = {
    "put": lambda queue: queue.put("x"),
    "transaction": transaction,
    "nested": nested,
    "taken back": taken_back,
    "together": lambda queue: queue.database.together(lambda: queue.put("x")),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_whoever_is_interrupted_holds_nothing(queue: Queue, act: Callable[[Queue], object]) -> None:
    for moment in moments(lambda: act(queue)):
        assert_nothing_is_held(queue, moment)


def test_a_nested_transaction_that_is_interrupted_is_kept_or_undone_and_its_outer_goes_on(
    queue: Queue,
) -> None:
    def interrupted_inside() -> None:
        with queue.database.transaction():
            queue.put("outer")
            with suppress(Interrupted), queue.database.transaction():
                queue.put("inner")

    for moment in moments(interrupted_inside):
        assert_nothing_is_held(queue, moment)


@pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
def test_what_an_interrupted_claim_took_is_given_back(queue: Queue, take: Callable[[Queue], Any]) -> None:
    for moment in moments(lambda: take(queue)):
        if queue.stats()["running"]:  # it came when Python had the task already
            raise AssertionError(f"at moment {moment}")
    assert queue.stats()["running"] == 1


@pytest.mark.parametrize("take", TAKES.values(), ids=TAKES)
def test_what_was_rolled_back_is_not_given_back_when_it_is_another_s_by_then(
    queue: Queue, take: Callable[[Queue], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Queue(queue.database.path, "work", worker="another") as another:
        give_back = queue._give_back

        def too_late(rows: list[tuple[Any, ...]]) -> None:
            task = another.claim()
            give_back(rows)
            if task is not None:
                assert task.extend().until, "it is held still"
                task.release()

        monkeypatch.setattr(queue, "_give_back", too_late)
        for moment in moments(lambda: take(queue)):
            assert queue.stats()["running"] == 0, f"at moment {moment}"


def test_a_loop_that_is_interrupted_leaves_nothing_behind(queue: Queue) -> None:
    def handles_some() -> None:
        with closing(iter(queue)) as loop:  # type: ignore[type-var]
            for seen, _ in enumerate(loop):
                if seen == 4:
                    break

    queue.put_many(range(2000))
    for moment in moments(handles_some):
        assert queue.stats()["running"] == 0, f"at moment {moment}"
        assert_nothing_is_held(queue, moment)


def test_a_put_that_is_interrupted_beside_other_threads_leads_nobody_astray(db: Path) -> None:
    with Queue(db, "work", synchronous="full") as queue:

        def crowded() -> None:
            queue.database.waiting.crowded = True
            queue.put("x")

        for moment in moments(crowded):
            other = threading.Thread(target=queue.put, args=("behind it",))
            other.start()
            other.join(60)
            assert not other.is_alive(), f"at moment {moment}"
            queue.database.waiting.crowded = False
            assert_nothing_is_held(queue, moment)


def test_the_guard_of_a_loop_that_is_closed_just_as_it_looks_ends(queue: Queue) -> None:
    late, go = threading.Event(), threading.Event()

    class Late:
        """A lock for which the guard is late, the first time."""

        def __init__(self, lock: threading.RLock) -> None:  # type: ignore[valid-type]
            self.lock = lock

        def __enter__(self) -> None:
            if threading.current_thread().name == "queuekit-prefetch" and not late.is_set():
                late.set()
                assert go.wait(60)
            self.lock.acquire()  # type: ignore[attr-defined]

        def __exit__(self, *_: object) -> None:
            self.lock.release()  # type: ignore[attr-defined]

    ahead = Prefetch(queue, 8)
    ahead._lock = Late(ahead._lock)  # type: ignore[assignment]
    assert ahead._is_guarded()
    assert late.wait(60)
    ahead.close()
    go.set()
    assert ahead._guard is not None
    ahead._guard.join(60)
    assert not ahead._guard.is_alive()
