"""History events and Python: the switch, and who is woken by an ack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from queuekit import Database, Queue, Task


@pytest.fixture(params=[False, True], ids=["events off", "events on"])
def queue(request: pytest.FixtureRequest, db: Path) -> Iterator[Queue]:
    with Queue(db, "work") as queue:
        queue.database.events(request.param)
        yield queue


def stirs(queue: Queue, task: Task | None) -> bool:
    """True if an ack of the task gives the other consumers of this process reason to look."""
    assert task is not None
    before = queue.database.version()
    task.ack()
    return queue.database.differs(before)


def test_an_ack_alone_stirs_nobody(queue: Queue) -> None:
    for id in range(1, 20):
        queue.put("x")
        task = queue.claim()
        begins_a_page = id * 3 % 32 in (
            0,
            1,
            2,
        )  # of events: the book grows, which looks like something set free
        assert not stirs(queue, task) or begins_a_page


def test_an_ack_that_sets_another_free_stirs(queue: Queue) -> None:
    queue.put("second", after=queue.put("first"))
    assert stirs(queue, queue.claim())


def test_an_ack_that_makes_room_under_a_limit_stirs(queue: Queue) -> None:
    queue.policy(max_running=1)
    for _ in range(2):
        queue.put("x")
    assert stirs(queue, queue.claim())


def test_what_another_connection_has_switched_counts(db: Path, queue: Queue) -> None:
    with Database(db) as other:
        for on in (False, True):
            other.events(on)
            queue.put("x")
            assert not stirs(queue, queue.claim())
        other.events(False)
    queue.policy(max_running=1)
    queue.put("x")
    assert stirs(queue, queue.claim())


def test_a_loop_leaves_the_events_of_what_it_claims_ahead(queue: Queue) -> None:
    queue.database.events(True)
    queue.put_many(["x"] * 100)
    for count, _ in enumerate(queue, 1):
        if count == 100:
            break
    told = queue.database.connection().execute("select event, count(*) from qk_event group by 1 order by 1")
    assert dict(told.fetchall()).items() >= {b"put": 100, b"done": 99}.items()


def test_a_switch_in_a_transaction_is_rolled_back_with_it(queue: Queue) -> None:
    queue.database.events(False)
    with pytest.raises(ZeroDivisionError), queue.database.transaction():
        queue.database.events(True)
        1 / 0  # noqa: B018
    queue.put("x")
    assert queue.database.connection().execute("select count(*) from qk_event").fetchone() == (0,)
