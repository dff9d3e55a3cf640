"""kill -9 in the midst of everything that flows and groups know: failures, retries, cancels, purges, late puts."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from queuekit import Flow, FlowRun, Queue, chain, chord, step
from tests.spec.books import wrong

KILLS, LINES = 6, 150

LIVING = """
import random, sys
from queuekit import FlowRun, LeaseLost, Queue, Refused
queue = Queue(sys.argv[1], worker=sys.argv[2])
late = Queue(queue.database, "late", worker=sys.argv[2])
dice = random.Random(sys.argv[2])
flows = [FlowRun(queue.database, row["id"]) for row in queue.database.rows("flow_list", {})]
print("begin", flush=True)
while True:
    try:
        act = dice.random()
        if act < 0.7:
            if task := dice.choice([queue, queue, late]).claim(lease=0.05):
                ends = [task.ack, task.ack, task.nack, task.release, lambda: task.nack(dead=True)]
                dice.choice(ends)()
        elif act < 0.8:
            dice.choice(flows).retry()
        elif act < 0.83:
            dice.choice(flows).cancel()
        elif act < 0.9:
            late.put("late", after=dice.choice(dice.choice(flows).tasks())["id"], group=dice.choice("gh"))
        elif act < 0.93:
            late.purge(older=0)
        else:
            queue.tick()
    except (LeaseLost, Refused):
        pass
    print("step", flush=True)
"""


def killed(db: Path, *names: str) -> None:
    """These live on the file at once, and are killed in the midst of it."""
    lives = [
        subprocess.Popen([sys.executable, "-c", LIVING, str(db), name], stdout=subprocess.PIPE, text=True)
        for name in names
    ]
    for _ in range(LINES):
        assert lives[0].stdout is not None
        assert lives[0].stdout.readline(), "it ended by itself"
    for process in lives:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()


def finish(queue: Queue, flow: FlowRun) -> None:
    """Bring all of a flow to its end, whatever became of it."""
    flow.retry()
    while flow.show()["unfinished"]:
        queue.tick()
        if task := queue.claim():
            task.ack()
        else:
            flow.retry()


@pytest.mark.parametrize("on_group", ["block", "aside"])
def test_the_books_are_right_after_every_kill_and_every_flow_can_be_finished(
    tmp_path: Path, on_group: str
) -> None:
    with Queue(tmp_path / "queue.db") as queue:
        queue.policy(on_group=on_group, backoff=0, max_attempts=3)
        Queue(queue.database, "late").policy(on_group=on_group, backoff=0, max_attempts=3)
        parts = [
            chain(
                step("a"),
                chord([step(n, group="g") for n in range(4)], step("b", on_failure=policy)),
                step("c"),
            )
            for policy in ("cancel", "run", "wait") * 3
        ]
        flows = [Flow(str(n), part).put(queue.database) for n, part in enumerate(parts)]
        for kill in range(KILLS):
            killed(queue.database.path, f"a{kill}", f"b{kill}")
            with closing(sqlite3.connect(queue.database.path)) as file:
                assert [*wrong(file)] == []
                assert file.execute("pragma integrity_check").fetchall() == [("ok",)]
        queue.policy(on_group="aside", max_attempts=1000)
        for flow in flows:
            finish(queue, flow)
            rows = flow.tasks()
            assert {row["state"] for row in rows} <= {"done"}
            assert len(rows) == flow.show()["total"] == flow.show()["done"]
