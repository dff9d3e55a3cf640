"""Eight consumers, in bash and Python, on a queue with limits and groups: none ever oversteps them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from queuekit import Queue
from tests.conftest import ROOT
from tests.spec.books import wrong

TASKS, GROUPS, RUNNING, EACH = 240, 12, 5, 2
PYTHON = """
import sys, time
from queuekit import Queue
queue = Queue(sys.argv[1], worker=sys.argv[2], timeout=60)
while queue.stats()["ready"] + queue.stats()["blocked"] + queue.stats()["running"]:
    for task in queue.claim_many(3):
        time.sleep(0.002)
        task.ack()
"""
BASH = """
left="select count(*) from qk_task where state in ('ready', 'blocked', 'running')"
while [ "$(sqlite3 "$1" "$left")" != 0 ]; do
  task=$("$QK" claim --db "$1" --worker "$2" --lock-wait 60) || continue
  receipt=${task#*'"receipt":"'}
  "$QK" ack --db "$1" --lock-wait 60 "${receipt%%'"'*}"
done
"""
LOOK = """
select (select count(*) from qk_task where state = 'running'),
       (select max(n) from (select count(*) as n from qk_task where state = 'running' group by group_key)),
       (select max(n) from (select count(*) as n from qk_task where state = 'running' group by worker)),
       (select count(*) from qk_task where state <> 'done')
"""


def test_no_limit_is_overstepped_and_no_group_runs_two(tmp_path: Path) -> None:
    db = tmp_path / "queue.db"
    with Queue(db) as queue:
        queue.policy(max_running=RUNNING, max_per_worker=EACH)
        for n in range(TASKS):
            queue.put(str(n), group=f"g{n % GROUPS}")
        programs = [[sys.executable, "-c", PYTHON]] * 4 + [["bash", "-c", BASH, "bash"]] * 4
        workers = [
            subprocess.Popen(
                [*program, str(db), f"w{n}"], env={"QK": str(ROOT / "bin" / "qk"), "PATH": "/usr/bin:/bin"}
            )
            for n, program in enumerate(programs)
        ]
        left, seen = TASKS, []
        with closing(sqlite3.connect(db)) as file:
            while left and any(worker.poll() is None for worker in workers):
                *most, left = file.execute(LOOK).fetchone()
                seen.append([n or 0 for n in most])
            assert [worker.wait(120) for worker in workers] == [0] * 8
            running, in_group, of_worker = (max(column) for column in zip(*seen, strict=True))
            assert 1 < running <= RUNNING
            assert in_group == 1
            assert of_worker <= EACH
            assert [*wrong(file)] == []
        rows = [queue.show(row["id"]) for row in queue.list(limit=TASKS)]
        assert [(row["state"], row["claims"]) for row in rows] == [("done", 1)] * TASKS
