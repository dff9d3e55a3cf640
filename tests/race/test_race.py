"""Many consumers of different sorts on one file: each task is done exactly once, and the history agrees."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from queuekit import Queue
from tests.conftest import ROOT

TASKS = 3000
PROCESSES = 8
PYTHON_SHARE = 550  # tasks of a Python process at most: the four in bash have 800 to do
LIMIT = 240  # seconds for everything; generous, never measured

# Python is some fifty times as quick as bash: it takes breaks, so that all are at it together.
PYTHON_CLAIMS = """
import sys, time
from queuekit import Queue
queue = Queue(sys.argv[1], "race", timeout=60)
for _ in range(int(sys.argv[2])):
    task = queue.claim()
    if task is None:
        break
    task.ack()
    print(task.id, flush=True)
    time.sleep(0.01)
"""

PYTHON_ITERATES = """
import sys, time
from queuekit import Queue
queue = Queue(sys.argv[1], "race", timeout=60)
last = None
for n in range(int(sys.argv[2]) + 1):
    with queue.database.transaction():
        if last:
            last.ack()
        task = queue.claim() if n < int(sys.argv[2]) else None
    if last:
        print(last.id, flush=True)
    if task is None:
        break
    last = task
    time.sleep(0.01)
"""

BASH_CLAIMS = """
while task=$("$QK" claim --db "$1" -q race); do
  receipt=${task#*'"receipt":"'} receipt=${receipt%%'"'*}
  "$QK" ack --db "$1" "$receipt" && printf '%s\\n' "${receipt%%:*}"
done
"""


def consumer(number: int, db: Path) -> list[str]:
    if number % 4 == 0:
        return [sys.executable, "-c", PYTHON_CLAIMS, str(db), str(PYTHON_SHARE)]
    if number % 4 == 1:
        return [sys.executable, "-c", PYTHON_ITERATES, str(db), str(PYTHON_SHARE)]
    return ["bash", "-c", BASH_CLAIMS, "consumer", str(db)]


def test_eight_processes_do_each_of_3000_tasks_exactly_once(db: Path) -> None:
    with Queue(db, "race") as queue:
        ids = queue.put_many([f"task {n}" for n in range(TASKS)])
    environment = {"QK": str(ROOT / "bin" / "qk"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    running = [
        subprocess.Popen(
            consumer(n, db), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for n in range(PROCESSES)
    ]
    outputs = [process.communicate(timeout=LIMIT) for process in running]

    assert [(p.returncode, err) for p, (_, err) in zip(running, outputs, strict=True) if err] == []
    done = sorted(int(line) for out, _ in outputs for line in out.split())
    assert done == ids
    with sqlite3.connect(db) as connection:
        assert connection.execute(
            "select state, claims, settled, failures, count(*) from qk_task"
        ).fetchall() == [("done", 1, 1, 0, TASKS)]
        assert connection.execute("select count(*) from qk_run").fetchone() == (0,)
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()
