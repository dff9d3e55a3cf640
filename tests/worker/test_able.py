"""A worker announces what it can do, takes only what it can, and in the order that it was told."""

from __future__ import annotations

from pathlib import Path

from queuekit import Queue
from queuekit.execution import Execution
from queuekit.outcome import Outcome, done
from queuekit.worker import Worker
from tests.cli.program import QK, QUEUEKIT, run


def work(queue: Queue, **options: object) -> list[str]:
    """The payloads in the order in which a worker has run them until nothing was ready."""
    seen: list[str] = []

    def handle(execution: Execution) -> Outcome:
        seen.append(execution.task.payload)
        return done()

    Worker(queue.database, [queue.name], handle, burst=True, **options).run()  # type: ignore[arg-type]
    return seen


def test_a_worker_takes_what_it_can_do(tmp_path: Path) -> None:
    with Queue(tmp_path / "queue.db") as queue:
        queue.put("plain")
        queue.put("gpu", require="gpu")
        assert work(queue) == ["plain"]
        assert work(queue, capabilities=["ssd", "gpu"]) == ["gpu"]


def test_a_worker_takes_in_the_order_it_was_told(tmp_path: Path) -> None:
    with Queue(tmp_path / "queue.db") as queue:
        for n in range(3):
            queue.put(str(n), priority=n)
        assert work(queue, strategy="fifo") == ["0", "1", "2"]


def test_it_says_so_in_the_file(tmp_path: Path) -> None:
    with Queue(tmp_path / "queue.db") as queue:
        queue.put("gpu", require="gpu")
        told: list[str] = []

        def handle(execution: Execution) -> Outcome:
            told.extend(row["capabilities"] for row in queue.database.rows("workers", {}))
            return done()

        Worker(queue.database, ["default"], handle, burst=True, capabilities="gpu ssd").run()
        assert told == ["gpu ssd"]


def test_the_commands_pass_it_on(tmp_path: Path) -> None:
    db = tmp_path / "queue.db"
    with Queue(db) as queue:
        for program in (
            [*QK, "work", "default", "--capability", "a gpu", "--strategy", "lifo", "--burst", "--", "true"],
            [
                *QUEUEKIT,
                "work",
                "default",
                "--capability",
                "gpu",
                "--strategy",
                "lifo",
                "--burst",
                "--exec",
                "true",
            ],
        ):
            ids = queue.put_many(["x", "y"], require="gpu") + queue.put_many(["z"], require="tpu")
            assert run(program, db=db).returncode == 0
            assert [queue.show(id)["state"] for id in ids] == ["done", "done", "ready"]
            assert queue.show(ids[1])["claimed_at"] <= queue.show(ids[0])["claimed_at"]
