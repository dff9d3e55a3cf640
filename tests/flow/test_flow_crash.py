"""kill -9 between two steps of a flow: it is whole or not there, and no step is lost or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from test_flow import states

from queuekit import Flow, FlowRun, Queue, chain, group, step

WORKING = """
import sys
from queuekit import Queue
queue = Queue(sys.argv[1])
while task := queue.claim(lease=0.05):
    print(task.receipt, flush=True)
    task.ack()
"""
PUTTING = """
import sys
from queuekit import Flow, Queue, chain, group, step
queue = Queue(sys.argv[1])
for n in range(10_000):
    Flow(str(n), chain(step(1), group(*(step(2) for _ in range(20))), step(3))).put(queue.database)
    print(n, flush=True)
"""


def killed(code: str, db: Path, lines: int) -> list[str]:
    """What the program printed until it was killed, after so many lines."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(db)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        return seen + process.stdout.readlines()


def test_a_flow_whose_producer_is_killed_is_whole_or_not_there(queue: Queue) -> None:
    for round in range(5):
        killed(PUTTING, queue.database.path, 3 + round)
    flows = queue.database.rows("flow_list", {"limit": 10_000})
    assert len(flows) >= 25
    assert {flow["total"] for flow in flows} == {22}
    assert {states(FlowRun(queue.database, flow["id"])) for flow in flows} == {"r" + "b" * 21}


def test_a_flow_whose_workers_are_killed_loses_no_step(queue: Queue) -> None:
    parts = [group(*(step(n) for n in range(10))) for _ in range(30)]
    flow = Flow("long", chain(*parts)).put(queue.database)
    for _ in range(6):
        killed(WORKING, queue.database.path, 30)
    while flow.show()["unfinished"]:
        queue.tick()
        if task := queue.claim():
            task.ack()
    assert states(flow) == "d" * 300
    claims = [queue.show(row["id"])["claims"] - queue.show(row["id"])["crashes"] for row in flow.tasks()]
    assert claims == [1] * 300  # every step was done once, however often it was begun
