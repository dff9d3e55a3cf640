"""The slots of a worker: threads that run a handler for one task each.

There is one thread more than tasks may run. One of those that run nothing is on watch: it sleeps until it has claimed
a task, lets another go on watch, and runs the task itself: no task is handed from one thread to another.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from queuekit.database import Database
from queuekit.errors import Usage
from queuekit.execution import Execution, Handle
from queuekit.keeper import Keeper
from queuekit.model import Task
from queuekit.outcome import Outcome, later, of_exception
from queuekit.settle import note, settle, write


class Slots:
    """Runs handle for count tasks side by side. watch sleeps until there is a task for a free slot; None = no more.

    When a run is through, its thread takes the next task with claim, in the same transaction.
    ended is called when a slot has become free, without a lock held.
    """

    def __init__(
        self,
        count: int,
        database: Database,
        handle: Handle,
        worker: str,
        watch: Callable[[], Task | None],
        claim: Callable[[], Task | None],
        ended: Callable[[], None],
    ) -> None:
        self._count = count
        self._database = database
        self._handle = handle
        self._worker = worker
        self._watch = watch
        self._claim = claim
        self._tell = ended
        self._keeper = Keeper(worker)
        self._duty = threading.Lock()  # held by the thread on watch
        self._lock = threading.Lock()
        self._running: set[Execution] = set()
        self._given_up = False
        self.begun = 0  # runs, so far

    @property
    def running(self) -> int:
        """How many tasks are held."""
        return len(self._running)

    @property
    def free(self) -> int:
        """How many more tasks can be run."""
        return self._count - len(self._running)

    @property
    def stoppable(self) -> bool:
        """True if something runs that can be stopped."""
        with self._lock:
            return any(execution.stoppable for execution in self._running)

    def start(self) -> None:
        """Begin; call once. Raises Usage for more slots than there can be threads."""
        try:
            self._keeper.start()
            for number in range(self._count + 1):
                threading.Thread(target=self._serve, name=f"queuekit-slot-{number}", daemon=True).start()
        except RuntimeError as error:
            raise Usage(f"{self._count} slots are more threads than this system gives: {error}") from error

    def wait_for_the_watch(self) -> None:
        """Return when watch has, so that what it claimed at the last moment counts as running."""
        with self._duty:
            pass

    def stop(self, *, force: bool = False) -> None:
        """Ask all that can be stopped to stop, or force it. Returns without waiting."""
        with self._lock:
            running = list(self._running)
        for execution in running:
            execution.stop("shutdown", force)

    def close(self) -> None:
        """Release what still runs. The threads end when their handlers return."""
        self._given_up = True
        with self._lock:
            running = list(self._running)
        for execution in running:
            if execution.take():
                settle(execution, later(why="its worker stopped"), self._worker, lambda: True)
        self._keeper.close()

    def _serve(self) -> None:
        while execution := self._watched():
            following: Execution | None = execution
            while following is not None:
                following = self._run(following)
            self._tell()

    def _watched(self) -> Execution | None:
        with self._duty:
            task = self._watch()
            return None if task is None else self._begin(task)

    def _run(self, execution: Execution) -> Execution | None:
        """Run a task to its end; the next one, claimed with it."""
        outcome = self._handled(execution)
        self._keeper.forget(execution)
        task = self._end(execution, outcome) if execution.take() else None
        following = None if task is None else self._begin(task)
        with self._lock:
            self._running.discard(execution)
        return following

    def _handled(self, execution: Execution) -> Outcome:
        try:
            outcome = self._handle(execution)
        except BaseException as error:  # SystemExit too: a bad task never stops a worker
            outcome = of_exception(error)
        stopped = execution.reason is not None and outcome.verb != "ack"
        return later(why=f"stopped ({execution.reason})") if stopped else outcome

    def _end(self, execution: Execution, outcome: Outcome) -> Task | None:
        if execution.reason == "lost":
            note(execution, self._worker, "lost", logging.WARNING, error="stopped; its result is dropped")
            return None
        try:
            return self._database.together(lambda: self._write_and_claim(execution, outcome))
        except BaseException:  # one of the two, or the commit: the end alone then, with patience
            settle(execution, outcome, self._worker, lambda: self._given_up)
            return None

    def _write_and_claim(self, execution: Execution, outcome: Outcome) -> Task | None:
        write(execution, outcome, self._worker)
        return self._claim()

    def _begin(self, task: Task) -> Execution:
        execution = Execution(task)
        with self._lock:
            self._running.add(execution)
            self.begun += 1
        self._keeper.watch(execution)
        return execution
