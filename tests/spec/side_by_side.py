"""A real queue file and an imagined one, given the same verbs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import RuleBasedStateMachine
from imagined_queue import FINISHED, Imagined, ImaginedQueue

from queuekit import Queue
from queuekit.database import Database
from queuekit.errors import LeaseLost, NoTask, Refused

BACKOFF = 1000  # ms
QUEUES = ("a", "b")


class SideBySide(RuleBasedStateMachine):
    """Two queues of one file, and what they should hold; the machine adds the verbs."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.imagined = ImaginedQueue()
        self.database = Database(Path(self.folder.name) / "queue.db", synchronous="off")
        self.real = {name: Queue(self.database, name, worker="w") for name in QUEUES}

    def teardown(self) -> None:
        for queue in self.real.values():
            queue.close()
        self.folder.cleanup()

    def one_tick(self, now: int) -> bool:
        retried, moved = self.imagined.tick(now)
        for task in retried:
            task.due = self.checked_wait(task, now)
        return moved

    def checked_wait(self, task: Imagined, now: int) -> int:
        """When the real task is tried again, which is the queue's choice: the backoff, and up to a quarter longer."""
        due = int(self.real["a"].show(task.id)["due_at"])
        backoff = BACKOFF << (task.failures - 1)
        assert backoff <= due - now <= backoff * 1.25
        return due

    def running(self, receipt: str, act: Callable[[], object]) -> Imagined | None:
        """Do it: the task whose run in progress this is; or None, and it was refused."""
        task = self.imagined.by_receipt(receipt)
        if task:
            act()
        else:
            with pytest.raises(LeaseLost):
                act()
        return task

    def found(self, id: int, act: Callable[[], object], *, finished: bool) -> Imagined | None:
        """Do it: the task, finished or not as the verb asks; or None, and it was refused."""
        task = self.imagined.tasks.get(id)
        if task and (task.state in FINISHED) == finished:
            act()
            return task
        with pytest.raises(Refused if task else NoTask):
            act()
        return None

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.connection().execute(query).fetchall()
