"""kill -9 of loops that have claimed ahead: nothing is lost, and a task that was never begun is never charged."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from queuekit import Queue

ROUNDS, LOOPS = 12, 3
TASKS = 3000
LEASES_OVER_MS = 3_600_000
LIMIT = 60  # seconds to wait for a process to make progress; generous, never measured

# Each writes into its journal which task it begins, before it does. A poison task kills whoever begins it.
LOOP = """
import os, signal, sys
import queuekit.prefetch
from queuekit import Queue
queuekit.prefetch._BUDGET = 1.0  # so that a slow machine, too, claims many at once
journal = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for task in Queue(sys.argv[1], timeout=60, lease=3600):
    os.write(journal, f"{task.id}\\n".encode())
    if task.payload == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def begun(journals: list[Path]) -> list[int]:
    return [int(line) for journal in journals if journal.exists() for line in journal.read_text().split()]


def started(db: Path, journals: list[Path]) -> list[subprocess.Popen[bytes]]:
    return [subprocess.Popen([sys.executable, "-c", LOOP, str(db), str(journal)]) for journal in journals]


def charged(db: Path) -> set[tuple[int, int]]:
    """(task, claim) of every run that counts as crashed."""
    with closing(sqlite3.connect(db)) as file:
        return set(file.execute("select task_id, claim from qk_run where outcome = 'crashed'"))


def finish(queue: Queue, later: int) -> None:
    while tasks := queue.claim_many(100, now=later):
        assert queue.ack_many(tasks, now=later) == []


def test_each_kill_costs_one_task_an_attempt_at_most_and_it_was_begun_or_the_very_next(
    db: Path, tmp_path: Path
) -> None:
    dice = random.Random(20)
    queue = Queue(db, timeout=60)
    queue.put_many(["x"] * TASKS * ROUNDS)
    kills, known = 0, charged(db)
    for number in range(ROUNDS):
        journals = [tmp_path / f"{number}.{part}" for part in range(LOOPS)]
        loops = started(db, journals)
        count, deadline = dice.randrange(1, 1000), time.monotonic() + LIMIT
        while len(begun(journals)) < count:
            assert time.monotonic() < deadline, "no progress"
        for process in loops:
            os.kill(process.pid, signal.SIGKILL)
        for process in loops:
            process.wait()
        kills += LOOPS
        queue.tick(int(time.time() * 1000) + LEASES_OVER_MS * (number + 1))  # the leases of the dead are over
        new = {id for id, _ in charged(db) - known}
        known = charged(db)
        assert (
            len(new) <= LOOPS
        )  # (after an ack the next task counts as begun, a moment before it is in the journal)
    assert len(known) <= kills
    finish(queue, int(time.time() * 1000) + LEASES_OVER_MS * (ROUNDS + 2))
    queue.close()
    with closing(sqlite3.connect(db)) as file:
        assert file.execute("select distinct state from qk_task").fetchall() == [("done",)]
        assert file.execute("select count(*) from qk_task").fetchone() == (TASKS * ROUNDS,)
        assert file.execute("select count(*) from qk_task where claims < 1").fetchone() == (0,)
        assert {outcome for (outcome,) in file.execute("select outcome from qk_run")} <= {
            "crashed",
            "released",
        }
        assert file.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_task_that_kills_whoever_begins_it_takes_none_behind_it_down(db: Path, tmp_path: Path) -> None:
    """With one attempt each: every task but the poisonous ones is done, by loops that are started until all is."""
    queue = Queue(db, timeout=60)
    payloads = ["poison" if n % 40 == 39 else "x" for n in range(400)]
    ids = queue.put_many(payloads, max_attempts=1)
    poison = {id for id, payload in zip(ids, payloads, strict=True) if payload == "poison"}
    for number in range(len(poison)):
        (loop,) = started(db, [tmp_path / f"{number}"])
        assert loop.wait(LIMIT) == -signal.SIGKILL
        queue.tick(int(time.time() * 1000) + LEASES_OVER_MS * (number + 1))
    finish(queue, int(time.time() * 1000) + LEASES_OVER_MS * (len(poison) + 2))
    states = {id: queue.show(id)["state"] for id in ids}
    queue.close()
    assert {id for id, state in states.items() if state == "dead"} == poison
    assert set(states.values()) == {"dead", "done"}
    assert {id for id, _ in charged(db)} == poison
    journal = begun([tmp_path / f"{number}" for number in range(len(poison))])
    assert len(journal) == len(set(journal))
