"""The short helpers; and the same consumer code run on persist-queue and on queuekit."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import persistqueue
import pytest

from queuekit import Busy, Empty, LeaseLost, QueuekitError, compat, enqueue_task, get_ack_queue, get_queue

NOTHING = (Empty, persistqueue.Empty)  # persist-queue's is a class of its own


@pytest.fixture(autouse=True)
def default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("QUEUEKIT_DB", str(tmp_path / "default.db"))
    yield tmp_path / "default.db"
    compat.close_all()


def test_enqueue_task_makes_the_file_and_the_view_and_keeps_one_task_per_id(default_file: Path) -> None:
    first = enqueue_task("notifications", "email", {"to": "ada"}, task_id="mail-1")
    again = enqueue_task("notifications", "email", {"to": "eve"}, task_id="mail-1")
    assert (first, again, again.duplicates) == (1, 1, 1)
    shell = sqlite3.connect(default_file, isolation_level=None)
    shell.execute("""insert into notifications (data) values ('{"to": "bob"}')""")
    shell.close()
    queue = get_queue("notifications")
    tasks = [queue.get(timeout=5), queue.get(timeout=5)]
    assert [(task.kind, task.key, task.data) for task in tasks] == [
        ("email", "mail-1", {"to": "ada"}),
        ("", None, {"to": "bob"}),
    ]


def test_enqueue_task_takes_a_priority() -> None:
    for name in ("low", "critical", 5):
        enqueue_task("notifications", "email", name, priority=name)
    queue = get_queue("notifications")
    assert [task.data for task in queue.claim_many(3)] == ["critical", 5, "low"]


def test_threads_that_ask_at_once_get_one_object() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: get_ack_queue("items"), range(8)))) == 1


def test_threads_may_share_an_ack_queue() -> None:
    items = get_ack_queue("items")
    items.queue.put_many([{"n": n} for n in range(400)])

    def work(_: int) -> None:
        while True:
            try:
                items.ack(items.get(block=False))
            except Empty:
                return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert items.queue.stats()["done"] == 400


@pytest.mark.parametrize("pair", [(1, True), (1, 1.0), (0, False)])
def test_items_that_python_takes_for_equal_are_told_apart(pair: tuple[object, object]) -> None:
    items = get_ack_queue("items")
    for item in pair:
        items.put(item)
    first, second = items.get(), items.get()
    items.ack(second)
    assert [items.queue.show(id)["state"] for id in (1, 2)] == ["running", "done"]
    items.ack(first)


def test_a_name_that_is_taken_leaves_nothing_open(default_file: Path) -> None:
    get_queue("a")

    def open_after(calls: int) -> int:
        for _ in range(calls):
            with pytest.raises(QueuekitError, match="taken"):
                get_queue("qk_task")
        return len(os.listdir("/proc/self/fd"))

    few = open_after(3)  # some: SQLite closes a descriptor only when the file is unlocked
    assert open_after(20) <= few


def test_get_queue_gives_one_object_per_name() -> None:
    assert get_queue("a") is get_queue("a")
    assert get_queue("a") is not get_queue("b")


@pytest.fixture(params=["persistqueue", "queuekit"])
def ack_queue(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "persistqueue":
        return persistqueue.SQLiteAckQueue(str(tmp_path / "persist"))
    return get_ack_queue("items")


def test_an_item_is_got_acked_and_gone(ack_queue: Any) -> None:
    ack_queue.put({"n": 1})
    ack_queue.put("two")
    item = ack_queue.get()
    assert item == {"n": 1}
    ack_queue.ack(item)
    assert ack_queue.get(timeout=5) == "two"
    with pytest.raises(NOTHING):
        ack_queue.get(block=False)


def test_get_on_an_empty_queue_raises_the_standard_empty(ack_queue: Any) -> None:
    with pytest.raises(NOTHING):
        ack_queue.get(timeout=0.01)


def test_a_nacked_item_comes_back(ack_queue: Any) -> None:
    ack_queue.put("a")
    item = ack_queue.get()
    ack_queue.nack(item)
    assert ack_queue.get(timeout=30) == "a"


def test_raw_gives_the_id_with_the_item_and_acks_by_it() -> None:
    queue = get_ack_queue("items")
    assert queue.empty()
    queue.put(["a"])
    assert not queue.empty()
    id, item = queue.get(timeout=5, raw=True)
    assert item == ["a"]
    queue.ack(id)
    with pytest.raises(LeaseLost):
        queue.ack(id)
    assert queue.queue.show(id)["state"] == "done"


def test_whole_numbers_as_items_are_not_taken_for_ids() -> None:
    queue = get_ack_queue("items")
    ids = {item: queue.put(item) for item in (2, 7)}
    assert [queue.get(timeout=5), queue.get(timeout=5)] == [2, 7]
    queue.ack(2)
    assert [queue.queue.show(ids[item])["state"] for item in (2, 7)] == ["done", "running"]
    queue.nack(7)
    assert queue.queue.show(ids[7])["state"] == "scheduled"


def test_an_item_that_came_with_its_id_is_told_by_it() -> None:
    queue = get_ack_queue("items")
    for item in (2, 1):
        queue.put(item)
    got = dict(queue.get(timeout=5, raw=True) for _ in range(2))
    assert got == {1: 2, 2: 1}
    queue.ack(1)
    assert [queue.queue.show(id)["state"] for id in (1, 2)] == ["done", "running"]


def test_an_ack_that_found_the_file_locked_can_be_tried_again(default_file: Path) -> None:
    queue = get_ack_queue("items")
    queue.put("a")
    item = queue.get(timeout=5)
    other = sqlite3.connect(default_file, isolation_level=None)
    other.execute("begin immediate")
    queue.queue.database.connection().execute("pragma busy_timeout = 10")
    with pytest.raises(Busy):
        queue.ack(item)
    other.close()
    queue.ack(item)
    assert queue.queue.show(1)["state"] == "done"
