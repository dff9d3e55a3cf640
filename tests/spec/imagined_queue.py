"""What a queue file should hold, worked out in plain Python: the state machine of the contract, without SQL."""

from __future__ import annotations

from dataclasses import dataclass, field

FINISHED = {"done", "dead", "cancelled"}
WAITING = {"ready", "scheduled"}


@dataclass
class Imagined:
    """One task; times in ms. A crash or nack leaves due open (None) until the real wait has been checked."""

    id: int
    queue: str
    key: str | None
    priority: int
    attempts: int
    state: str
    due: int | None
    holds_key: bool = False
    claims: int = 0
    failures: int = 0
    crashes: int = 0
    duplicates: int = 0
    cancel_asked: bool = False
    ended: int | None = None
    runs: list[str] = field(default_factory=list)

    @property
    def receipt(self) -> str:
        return f"{self.id}:{self.claims}"

    @property
    def settled(self) -> int:
        return self.claims - (self.state == "running")

    def finish(self, state: str, now: int) -> None:
        self.state, self.due, self.ended, self.holds_key = state, None, now, False

    def fail(self, outcome: str, now: int, *, dead: bool = False) -> bool:
        """The run failed or crashed; True if it is tried again."""
        self.failures += 1
        self.crashes += outcome == "crashed"
        self.runs.append(outcome)
        if self.cancel_asked:
            self.finish("cancelled", now)
        elif dead or self.failures >= self.attempts:
            self.finish("dead", now)
        else:
            self.state, self.ended = "scheduled", now
        return self.state == "scheduled"

    def wait(self, now: int, delay: int) -> None:
        self.state, self.due = ("scheduled", now + delay) if delay else ("ready", None)


class ImaginedQueue:
    """A file of tasks by id, with the verbs as the contract tells them."""

    def __init__(self) -> None:
        self.tasks: dict[int, Imagined] = {}
        self.paused: set[str] = set()

    def holder(self, queue: str, key: str | None) -> Imagined | None:
        held = (
            task for task in self.tasks.values() if task.holds_key and (task.queue, task.key) == (queue, key)
        )
        return next(held, None)

    def put(
        self, now: int, queue: str, key: str | None, priority: int, attempts: int, delay: int
    ) -> Imagined:
        if holder := self.holder(queue, key):
            holder.duplicates += 1
            return holder
        task = Imagined(max(self.tasks, default=0) + 1, queue, key, priority, attempts, "ready", None)
        task.wait(now, delay)
        task.holds_key = key is not None
        self.tasks[task.id] = task
        return task

    def tick(self, now: int) -> tuple[list[Imagined], bool]:
        """One batch: (the tasks that crashed and are tried again, whether anything moved)."""
        due = [task for task in self.tasks.values() if task.due is not None and task.due <= now]
        for task in due:
            if task.state == "scheduled":
                task.state, task.due = "ready", None
        crashed = [task for task in due if task.state == "running"]
        return [task for task in crashed if task.fail("crashed", now)], bool(due)

    def claim(self, now: int, queue: str, lease: int, limit: int) -> list[Imagined]:
        ready = [task for task in self.tasks.values() if task.state == "ready" and task.queue == queue]
        ready.sort(key=lambda task: (-task.priority, task.id))
        taken = [] if queue in self.paused else ready[:limit]
        for task in taken:
            task.state, task.due, task.ended = "running", now + lease, None
            task.claims += 1
        return taken

    def by_receipt(self, receipt: str) -> Imagined | None:
        """The running task whose run in progress has this receipt."""
        running = (
            task for task in self.tasks.values() if task.state == "running" and task.receipt == receipt
        )
        return next(running, None)

    def release(self, task: Imagined, now: int, delay: int) -> None:
        task.runs.append("cancelled" if task.cancel_asked else "released")
        task.ended = now
        if task.cancel_asked:
            task.finish("cancelled", now)
        else:
            task.wait(now, delay)

    def cancel(self, task: Imagined, now: int) -> None:
        task.cancel_asked = True
        if task.state in WAITING:
            task.finish("cancelled", now)

    def retry(self, task: Imagined, now: int, delay: int) -> None:
        if task.state == "done":
            task.runs.append("done")
        task.failures = task.crashes = 0
        task.cancel_asked = False
        task.holds_key = task.key is not None and self.holder(task.queue, task.key) is None
        task.wait(now, delay)

    def purge(self, now: int, queue: str, state: str | None, older: int) -> int:
        """How many tasks it forgets: all that are old enough, but never the newest."""
        states = {state} if state else {"done", "cancelled"}
        gone = [
            task.id
            for task in self.tasks.values()
            if task.state in states and task.queue == queue and (task.ended or 0) <= now - older
        ]
        newest = max(self.tasks, default=0)
        for id in (gone := [id for id in gone if id != newest]):
            del self.tasks[id]
        return len(gone)
