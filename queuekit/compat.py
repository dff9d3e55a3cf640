"""The short helpers: a queue by its name alone, in the default file, for callers used to persist-queue."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from queuekit.errors import Busy, LeaseLost
from queuekit.model import Task, TaskId
from queuekit.queue import Empty, Queue
from queuekit.schema import default_path, prepare


def enqueue_task(
    queue_name: str, task_type: str, data: Any, task_id: str | None = None, priority: int | str = 0
) -> TaskId:
    """Put data as a task of kind task_type; task_id is its dedupe key. The id of the task, or of the key's holder."""
    return get_queue(queue_name).put(data, kind=task_type, key=task_id, priority=priority)


def get_queue(name: str) -> Queue:
    """The queue called name in the default file ($QUEUEKIT_DB), made with its view if missing; one a process.

    Raises QueuekitError when the file uses the name for something else.
    """
    with _lock:
        return _open(default_path().absolute(), name)


def get_ack_queue(name: str) -> AckQueue:
    """As get_queue, with the faces of persist-queue's SQLiteAckQueue; one object a process."""
    with _lock:
        return _held(get_queue(name))


def close_all() -> None:
    """Close every queue that the helpers opened; the next call opens anew."""
    with _lock:
        while _opened:
            _opened.pop().close()
        _open.cache_clear()
        _held.cache_clear()


class AckQueue:
    """Items with explicit acknowledgement: get, then ack or nack. An item is the decoded payload.

    What came with its id (raw=True) is told by its id; what came alone is told by itself, or else by its id.
    """

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._with_id: dict[int, Task] = {}
        self._alone: dict[int, Task] = {}
        self._lock = threading.Lock()  # held while the two change

    def put(self, item: Any) -> int:
        """Put an item; its id."""
        return self.queue.put(item)

    def get(self, block: bool = True, timeout: float | None = None, *, raw: bool = False) -> Any:
        """The next item, or with raw (id, item). Blocks up to timeout seconds, then raises Empty."""
        task = self.queue.get(block, timeout)
        with self._lock:
            (self._with_id if raw else self._alone)[task.id] = task
        return (task.id, task.data) if raw else task.data

    def ack(self, item: Any) -> None:
        """The item is done. Raises LeaseLost if it is not held here any more."""
        self._end(item, Task.ack)

    def nack(self, item: Any) -> None:
        """The item comes back after its backoff. Raises LeaseLost as ack does."""
        self._end(item, Task.nack)

    def empty(self) -> bool:
        """True if nothing is ready."""
        return self.queue.empty()

    def _end(self, item: Any, verb: Callable[[Task], object]) -> None:
        with self._lock:
            held, id = self._find(item)
            task = held.pop(id)
        try:
            verb(task)
        except Busy:
            with self._lock:
                held[id] = task  # it is still ours: to be tried again
            raise

    def _find(self, item: Any) -> tuple[dict[int, Task], int]:
        if type(item) is int and item in self._with_id:
            return self._with_id, item
        same = _text(item)
        for held in (self._alone, self._with_id):
            for id, task in held.items():
                if _text(task.data) == same:
                    return held, id
        if type(item) is int and item in self._alone:
            return self._alone, item
        raise LeaseLost(f"{item!r} is not held by this consumer; nothing was written")


def _text(item: Any) -> str:
    """What tells an item from others: 1, 1.0, True and "1" are four, the order of keys is nothing."""
    try:
        return json.dumps(item, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return repr(item)


_lock = threading.RLock()
_opened: list[Queue] = []


@cache
def _open(path: Path, name: str) -> Queue:
    prepare(path)
    queue = Queue(path, name)
    try:
        queue.database.make_view(name)
    except BaseException:
        queue.close()
        raise
    _opened.append(queue)
    return queue


@cache
def _held(queue: Queue) -> AckQueue:
    return AckQueue(queue)


__all__ = ["AckQueue", "Empty", "enqueue_task", "get_ack_queue", "get_queue"]
