"""kill -9 between any two steps: groups keep their order, limits their count, batches and token buckets their books."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from queuekit import Batch, Queue
from queuekit.durations import now_ms
from tests.spec.books import wrong

GROUPS, EACH, KILLS = 6, 30, 10

WORKING = """
import sys
from queuekit import Queue
queue = Queue(sys.argv[1], worker=sys.argv[2])
print("begin", flush=True)
for n in range(3000):
    for task in queue.claim_many(2, lease=0.05):
        print(task.receipt, flush=True)
        task.ack()
"""


def killed(db: Path, *names: str) -> None:
    """Workers of these names, killed in the midst of it."""
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKING, str(db), name], stdout=subprocess.PIPE, text=True)
        for name in names
    ]
    for _ in range(6):  # lines of the first; the others are about as far
        assert workers[0].stdout is not None
        workers[0].stdout.readline()
    for process in workers:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()


def test_groups_limits_and_batches_survive_the_death_of_their_workers(tmp_path: Path) -> None:
    with Queue(tmp_path / "queue.db", worker="last") as queue:
        queue.policy(max_running=4, max_per_worker=3, rate=100_000, burst=50, backoff=0, max_attempts=1000)
        batch = Batch.open(queue.database, "all of it", queue="after")
        for n in range(EACH):
            for group in range(GROUPS):
                queue.put(f"{n}", group=f"g{group}", batch=batch.id, share=f"s{group}")
        batch.close()
        for _ in range(KILLS):
            killed(queue.database.path, "a", "b")
            with closing(sqlite3.connect(queue.database.path)) as file:
                assert [*wrong(file)] == []
        while batch.show()["unfinished"]:
            if task := queue.claim():
                task.ack()
        rows = queue.list(limit=1000)
        assert {row["state"] for row in rows} == {"done"}
        for row in rows:
            told = queue.show(row["id"])
            assert told["claims"] == told["crashes"] + 1  # done once, however often it was begun
        for group in range(GROUPS):
            ends = [row["ended_at"] for row in reversed(rows) if (row["id"] - 2) % GROUPS == group]
            assert len(ends) == EACH
            assert ends == sorted(ends)
        assert Queue(queue.database, "after").claim() is not None
        with closing(sqlite3.connect(queue.database.path)) as file:
            assert [*wrong(file)] == []
            assert file.execute("select running, depth from qk_queue where name = 'default'").fetchall() == [
                (0, 0)
            ]


TAKING = """
import sys, time
from queuekit import Queue
queue = Queue(sys.argv[1])
print("begin", flush=True)
for n in range(10_000):
    task = queue.claim(now=int(sys.argv[2]) + n, lease="7d")
    if task:
        print(task.receipt, flush=True)
"""


def test_a_token_is_spent_with_its_claim_or_not_at_all(tmp_path: Path) -> None:
    """Each call is a millisecond later, a token comes each ten: a worker that is killed cannot overdraw."""
    with Queue(tmp_path / "queue.db") as queue:
        queue.policy(rate=100, burst=1)
        queue.put_many(["x"] * 3000)
        start = now_ms() + 10**9
        for round in range(8):
            command = [sys.executable, "-c", TAKING, str(queue.database.path), str(start + round * 10_000)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                for _ in range(20):
                    process.stdout.readline()
                os.kill(process.pid, signal.SIGKILL)
        with closing(sqlite3.connect(queue.database.path)) as file:
            claimed = [
                at
                for (at,) in file.execute(
                    "select claimed_at from qk_task where claims > 0 order by claimed_at"
                )
            ]
            assert len(claimed) >= 8 * 19
            assert all(later - earlier >= 10 for earlier, later in pairwise(claimed))
            assert [*wrong(file)] == []
