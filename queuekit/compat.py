"""The short helpers: a queue by its name alone, in the default file, for callers used to persist-queue."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from queuekit.errors import LeaseLost
from queuekit.model import Task, TaskId
from queuekit.queue import Empty, Queue
from queuekit.schema import default_path, prepare


def enqueue_task(queue_name: str, task_type: str, data: Any, task_id: str | None = None) -> TaskId:
    """Put data as a task of kind task_type; task_id is its dedupe key. The id of the task, or of the key's holder."""
    return get_queue(queue_name).put(data, kind=task_type, key=task_id)


def get_queue(name: str) -> Queue:
    """The queue called name in the default file ($QUEUEKIT_DB), made with its view if missing; one a process.

    Raises QueuekitError when the file uses the name for something else.
    """
    return _open(default_path().absolute(), name)


def get_ack_queue(name: str) -> AckQueue:
    """As get_queue, with the faces of persist-queue's SQLiteAckQueue; one object a process."""
    return _held(get_queue(name))


def close_all() -> None:
    """Close every queue that the helpers opened; the next call opens anew."""
    while _opened:
        _opened.pop().close()
    _open.cache_clear()
    _held.cache_clear()


class AckQueue:
    """Items with explicit acknowledgement: get, then ack or nack by id. An item is the decoded payload."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._tasks: dict[int, Task] = {}

    def put(self, item: Any) -> int:
        """Put an item; its id."""
        return self.queue.put(item)

    def get(self, block: bool = True, timeout: float | None = None, *, raw: bool = False) -> Any:
        """The next item, or with raw (id, item). Blocks up to timeout seconds, then raises Empty."""
        task = self.queue.get(block, timeout)
        self._tasks[task.id] = task
        return (task.id, task.data) if raw else task.data

    def ack(self, item: Any) -> None:
        """The item, told by its id or by itself, is done. Raises LeaseLost if it is not held here any more."""
        self._take(item).ack()

    def nack(self, item: Any) -> None:
        """The item, told by its id or by itself, comes back after its backoff. Raises LeaseLost as ack does."""
        self._take(item).nack()

    def empty(self) -> bool:
        """True if nothing is ready."""
        return self.queue.empty()

    def _take(self, item: Any) -> Task:
        by_id = item if type(item) is int and item in self._tasks else None
        by_itself = (id for id, task in self._tasks.items() if task.data == item)
        id = by_id if by_id is not None else next(by_itself, None)
        if id is None:
            raise LeaseLost(f"{item!r} is not held by this consumer; nothing was written")
        return self._tasks.pop(id)


_opened: list[Queue] = []


@cache
def _open(path: Path, name: str) -> Queue:
    prepare(path)
    queue = Queue(path, name)
    _opened.append(queue)
    queue.database.make_view(name)
    return queue


@cache
def _held(queue: Queue) -> AckQueue:
    return AckQueue(queue)


__all__ = ["AckQueue", "Empty", "enqueue_task", "get_ack_queue", "get_queue"]
