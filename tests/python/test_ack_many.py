"""Many runs acked in one commit: each as by its own ack, and what is lost is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from queuekit import Batch, Queue, Task


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db) as queue:
        yield queue


@pytest.fixture
def tasks(queue: Queue) -> list[Task]:
    """Three that run."""
    queue.put_many(["a", "b", "c"])
    return queue.claim_many(3)


def states(queue: Queue) -> list[str]:
    return [row["state"] for row in reversed(queue.list())]


def test_all_are_done(queue: Queue, tasks: list[Task]) -> None:
    assert queue.ack_many(iter(tasks)) == []
    assert states(queue) == ["done"] * 3
    assert [task.settled for task in tasks] == [True] * 3
    assert queue.show(1)["result"] is None


def test_none_are_nothing(queue: Queue, tasks: list[Task]) -> None:
    assert queue.ack_many([]) == []
    assert states(queue) == ["running"] * 3


def test_those_whose_lease_is_lost_are_returned_and_the_others_done(queue: Queue, tasks: list[Task]) -> None:
    queue.release(tasks[0].receipt)
    queue.ack(tasks[2].receipt, "by another")
    assert queue.ack_many(tasks) == [tasks[0], tasks[2]]
    assert states(queue) == ["ready", "done", "done"]
    assert [task.settled for task in tasks] == [False, True, False]
    assert queue.show(3)["result"] == "by another"


def test_when_all_are_lost_nothing_is_written(queue: Queue, tasks: list[Task]) -> None:
    queue.tick(tasks[0].lease_until + 1)
    assert queue.ack_many(tasks) == tasks
    assert states(queue) == ["scheduled"] * 3


def test_a_run_of_later_is_not_ended_by_the_receipt_of_an_earlier_one(
    queue: Queue, tasks: list[Task]
) -> None:
    tasks[0].release()
    again = queue.claim()
    assert again is not None
    assert again.id == tasks[0].id
    assert queue.ack_many(tasks) == [tasks[0]]
    assert states(queue) == ["running", "done", "done"]


def test_one_that_is_given_twice_is_acked_once_and_not_lost(queue: Queue, tasks: list[Task]) -> None:
    assert queue.ack_many([*tasks, tasks[0]]) == []
    assert states(queue) == ["done"] * 3
    tasks[0].settled = False
    queue.put("d")
    more = queue.claim_many(1)
    assert queue.ack_many([more[0], tasks[0], more[0], tasks[0]]) == [tasks[0], tasks[0]]
    assert more[0].settled


def test_a_transaction_that_is_rolled_back_takes_it_back(queue: Queue, tasks: list[Task]) -> None:
    with suppress(ZeroDivisionError), queue.database.transaction():
        assert queue.ack_many(tasks) == []
        assert [task.settled for task in tasks] == [True] * 3
        raise ZeroDivisionError
    assert states(queue) == ["running"] * 3
    assert [task.settled for task in tasks] == [False] * 3
    with queue.database.transaction():
        assert queue.ack_many([*tasks[:2], tasks[0]]) == []
    assert states(queue) == ["done", "done", "running"]


def test_what_waits_for_them_is_set_free(queue: Queue) -> None:
    batch = Batch.open(queue.database, "all over")
    first = [queue.put("first", batch=batch.id, group=f"{n}") for n in range(3)]
    batch.close()
    queue.put("after all", after=first)
    queue.put("next of the group", group="1")
    tasks = [task for task in queue.claim_many(9) if task.payload == "first"]
    before = queue.database.version()
    assert queue.ack_many(tasks) == []
    assert queue.database.differs(before)
    assert sorted(task.payload for task in queue.claim_many(9)) == [
        "after all",
        "all over",
        "next of the group",
    ]


def test_ten_thousand_are_acked_at_once_or_all_but_one(queue: Queue) -> None:
    queue.put_many(["x"] * 20_000)
    assert queue.ack_many(queue.claim_many(10_000)) == []
    rest = queue.claim_many(10_000)
    rest[5000].release()
    assert queue.ack_many(rest) == [rest[5000]]
    assert (queue.stats()["done"], queue.stats()["ready"]) == (19_999, 1)
