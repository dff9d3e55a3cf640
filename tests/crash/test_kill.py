"""kill -9 at random points: nothing is lost, nothing acked twice, every second delivery is explained."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from queuekit import Queue
from tests.conftest import ROOT

ROUNDS = 30
LIMIT = 60  # seconds to wait for a process to make progress; generous, never measured
LEASES_OVER_MS = 3_600_000

# Each writes a line to its journal after the verb came back: what it promised to the outside world.
# Python is some fifty times as quick as bash: it takes breaks, so that a round is not over before bash has begun.
PYTHON_PRODUCER = """
import sys, time
from queuekit import Queue
queue = Queue(sys.argv[1], "crash", timeout=60)
n = 0
while True:
    n += 1
    print("put", queue.put(f"{sys.argv[2]} {n}", key=f"python {sys.argv[2]} {n}" if n % 2 else None), flush=True)
    time.sleep(0.005)
"""
BASH_PRODUCER = """
n=0
while n=$((n + 1)); do printf 'put %s\\n' "$("$QK" put --db "$1" -q crash --key "bash $2 $n" "$2 $n")"; done
"""
PYTHON_CONSUMER = """
import sys, time
from queuekit import Queue
queue = Queue(sys.argv[1], "crash", timeout=60)
last = None
for task in queue:
    if last:
        print("ack", last.id, flush=True)
    last = task
    time.sleep(0.005)
"""
BASH_CONSUMER = """
while :; do
  task=$("$QK" claim --db "$1" -q crash) || continue
  receipt=${task#*'"receipt":"'} receipt=${receipt%%'"'*}
  "$QK" ack --db "$1" "$receipt" && printf 'ack %s\\n' "${receipt%%:*}"
done
"""
CAST = [
    [sys.executable, "-c", PYTHON_PRODUCER],
    ["bash", "-c", BASH_PRODUCER, "producer"],
    [sys.executable, "-c", PYTHON_CONSUMER],
    ["bash", "-c", BASH_CONSUMER, "consumer"],
]


def lines(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


def wait_for_lines(journals: list[Path], count: int) -> None:
    deadline = time.monotonic() + LIMIT
    while sum(len(lines(journal)) for journal in journals) < count:
        assert time.monotonic() < deadline, f"no progress: {journals}"
        time.sleep(0.001)


def kill_a_round(db: Path, folder: Path, number: int, dice: random.Random) -> None:
    """Start everybody, let them get to a random point, kill them all at once."""
    environment = {"QK": str(ROOT / "bin" / "qk"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    journals = [folder / f"{number}.{part}" for part in range(len(CAST))]
    running = []
    for command, journal in zip(CAST, journals, strict=True):
        with journal.open("wb") as out:
            words = [*command, str(db), f"round {number}"]
            # a session of its own, so that the kill also reaches the qk and sqlite3 it is running
            running.append(subprocess.Popen(words, env=environment, stdout=out, start_new_session=True))
    try:
        wait_for_lines(journals, dice.randrange(1, 120))
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_nothing_is_lost_or_done_twice_in_thirty_rounds_of_kill_9(db: Path, tmp_path: Path) -> None:
    dice = random.Random(19)
    journals = tmp_path / "journals"
    journals.mkdir()
    queue = Queue(db, "crash", timeout=60)
    for number in range(ROUNDS):
        kill_a_round(db, journals, number, dice)
        queue.tick(int(time.time() * 1000) + LEASES_OVER_MS * (number + 1))  # the leases of the dead are over
    later = int(time.time() * 1000) + LEASES_OVER_MS * (ROUNDS + 2)
    while task := queue.claim(now=later):
        queue.ack(task.receipt, now=later)
    queue.close()

    promised = Counter(
        line for journal in journals.iterdir() for line in lines(journal) if len(line.split()) == 2
    )
    with sqlite3.connect(db) as connection:
        states = dict(connection.execute("select id, state from qk_task"))
        claims = dict(connection.execute("select id, claims from qk_task"))
        crashed = dict(
            connection.execute("select task_id, count(*) from qk_run where outcome = 'crashed' group by 1")
        )
        other = connection.execute("select * from qk_run where outcome <> 'crashed'").fetchall()
        keys = connection.execute("select key from qk_task where key is not null").fetchall()
    connection.close()
    assert [line for line in promised if line.startswith("put") and int(line.split()[1]) not in states] == []
    assert set(states.values()) == {"done"}
    assert [line for line, times in promised.items() if line.startswith("ack") and times > 1] == []
    assert other == []
    assert {id: n - 1 for id, n in claims.items() if n > 1} == crashed
    assert len(keys) == len(set(keys))
