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
    """As get_queue, with the faces of persist-queue's SQLiteAckQueue."""
    return AckQueue(get_queue(name))


class AckQueue:
    """Items with explicit acknowledgement: get, then ack or nack by id. An item is the decoded payload."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._held: dict[int, Task] = {}

    def put(self, item: Any) -> int:
        """Put an item; its id."""
        return self.queue.put(item)

    def get(self, block: bool = True, timeout: float | None = None, *, raw: bool = False) -> Any:
        """The next item, or with raw (id, item). Blocks up to timeout seconds, then raises Empty."""
        task = self.queue.get(block, timeout)
        self._held[task.id] = task
        return (task.id, task.data) if raw else task.data

    def ack(self, id: int) -> None:
        """The item is done. Raises LeaseLost if it is not held here any more."""
        self._take(id).ack()

    def nack(self, id: int) -> None:
        """The item comes back after its backoff. Raises LeaseLost if it is not held here any more."""
        self._take(id).nack()

    def empty(self) -> bool:
        """True if nothing is ready."""
        return self.queue.empty()

    def _take(self, id: int) -> Task:
        try:
            return self._held.pop(id)
        except KeyError:
            raise LeaseLost(f"item {id} is not held by this consumer; nothing was written") from None


@cache
def _open(path: Path, name: str) -> Queue:
    prepare(path)
    queue = Queue(path, name)
    queue.database.make_view(name)
    return queue


__all__ = ["AckQueue", "Empty", "enqueue_task", "get_ack_queue", "get_queue"]
