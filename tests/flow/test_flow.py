"""A flow is put whole or not at all, runs in its order, can be cancelled, and goes on from where it failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from queuekit import Flow, FlowRun, Full, NoTask, Queue, Usage, chain, chord, group, step
from queuekit.flow import Part

NOW = 2_000_000_000_000


def run(queue: Queue, end: str = "ack") -> str:
    """Claim the next task and end its run; its payload."""
    task = queue.claim(now=NOW)
    assert task is not None
    queue.ack(task.receipt, task.payload, now=NOW) if end == "ack" else queue.nack(
        task.receipt, dead=True, now=NOW
    )
    return task.payload


def run_all(queue: Queue) -> list[str]:
    payloads = []
    while queue.qsize():
        payloads.append(run(queue))
    return payloads


def states(flow: FlowRun) -> str:
    """The first letters of the states, c for cancelled, x for dead."""
    return "".join("x" if row["state"] == "dead" else row["state"][0] for row in flow.tasks())


def edges(flow: FlowRun) -> list[tuple[str, str]]:
    name = {row["id"]: row["name"] for row in flow.tasks()}
    return [(name[before], row["name"]) for row in flow.tasks() for before in row["after"]]


@pytest.fixture
def diamond(queue: Queue) -> FlowRun:
    flow = Flow("diamond")
    a = flow.add("a", "a")
    b, c = flow.add("b", "b", after=[a]), flow.add("c", "c", after=[a])
    flow.add("d", "d", after=[b, c])
    return flow.put(queue.database, now=NOW)


# --- building -------------------------------------------------------------------------------------------------------

PARTS: list[tuple[Part, list[tuple[str, str]]]] = [
    (chain(step("a", name="a"), step("b", name="b"), step("c", name="c")), [("a", "b"), ("b", "c")]),
    (group(step("a", name="a"), step("b", name="b")), []),
    (
        chain(step("a", name="a"), group(step("b", name="b"), step("c", name="c")), step("d", name="d")),
        [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
    ),
    (chord([step("a", name="a"), step("b", name="b")], step("c", name="c")), [("a", "c"), ("b", "c")]),
    (
        group(
            chain(step("a", name="a"), step("b", name="b")), chain(step("c", name="c"), step("d", name="d"))
        ),
        [("a", "b"), ("c", "d")],
    ),
]


@pytest.mark.parametrize(("part", "expected"), PARTS, ids=["chain", "group", "both", "chord", "chains"])
def test_parts_are_joined(queue: Queue, part: Part, expected: list[tuple[str, str]]) -> None:
    assert sorted(edges(Flow("x", part).put(queue.database))) == expected


def test_steps_may_be_added_in_any_order(queue: Queue) -> None:
    flow = Flow()
    last = flow.add("last", "2")
    first = flow.add("first", "1")
    last.after.append(first)
    flow.put(queue.database, now=NOW)
    assert run_all(queue) == ["1", "2"]


def test_a_step_takes_what_put_takes(queue: Queue) -> None:
    options = {
        "kind": "k",
        "priority": "high",
        "delay": 5,
        "group": "g",
        "share": "s",
        "max_attempts": 3,
        "lease": 7,
    }
    flow = Flow(part=step({"n": 1}, queue="other", **options)).put(queue.database, now=NOW)  # type: ignore[arg-type]
    (row,) = flow.tasks()
    told = queue.show(row["id"])
    assert (told["queue"], told["kind"], told["priority"], told["max_attempts"]) == ("other", "k", 10, 3)
    assert (told["state"], told["due_at"], told["payload"]) == ("scheduled", NOW + 5000, '{"n":1}')


def test_a_circle_is_refused(queue: Queue) -> None:
    flow = Flow()
    a, b = flow.add("a", 1), flow.add("b", 2)
    a.after.append(b)
    b.after.append(a)
    with pytest.raises(Usage, match="circle"):
        flow.put(queue.database)
    assert queue.list() == []


@pytest.mark.parametrize(
    "make", [lambda one: [one, one], lambda one: [step("x", name="same"), step("y", name="same")]]
)
def test_what_is_no_flow_is_refused(queue: Queue, make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Usage, match=r"twice|two steps"):
        Flow(part=group(*make(step("x")))).put(queue.database)


def test_a_step_of_another_flow_cannot_be_waited_for(queue: Queue) -> None:
    flow = Flow()
    flow.add("a", 1, after=[step("elsewhere")])
    with pytest.raises(Usage, match="not in the flow"):
        flow.put(queue.database)


def test_all_of_it_is_put_or_nothing(queue: Queue) -> None:
    queue.policy(max_depth=3)
    with pytest.raises(Full):
        Flow("big", chain(*(step(n) for n in range(4)))).put(queue.database)
    assert queue.list() == []
    with pytest.raises(NoTask):
        FlowRun(queue.database, 1).show()


# --- running --------------------------------------------------------------------------------------------------------


def test_it_runs_in_its_order_and_is_counted(queue: Queue, diamond: FlowRun) -> None:
    assert states(diamond) == "rbbb"
    assert run(queue) == "a"
    assert states(diamond) == "drrb"
    assert run_all(queue) == ["b", "c", "d"]
    told = diamond.show()
    assert (told["total"], told["done"], told["unfinished"], told["ended_at"]) == (4, 4, 0, NOW)


def test_a_step_reads_the_results_of_those_before(queue: Queue, diamond: FlowRun) -> None:
    run_all(queue)
    last = diamond.tasks()[-1]["id"]
    assert [row["result"] for row in queue.results(last)] == ["b", "c"]


def test_after_a_failure_it_goes_on_from_there(queue: Queue, diamond: FlowRun) -> None:
    run(queue)
    run(queue, "fail")
    assert states(diamond) == "dxrc"
    run(queue)
    assert diamond.show()["unfinished"] == 0
    assert diamond.retry() == 2
    assert states(diamond) == "drdb"
    assert run_all(queue) == ["b", "d"]


def test_a_whole_flow_can_be_run_again(queue: Queue, diamond: FlowRun) -> None:
    run_all(queue)
    diamond.retry(whole=True)
    assert states(diamond) == "rbbb"
    assert run_all(queue) == ["a", "b", "c", "d"]


def test_a_cancelled_flow_runs_no_more_and_can_be_taken_up_again(queue: Queue, diamond: FlowRun) -> None:
    run(queue)
    running = queue.claim(now=NOW)
    assert running is not None
    diamond.cancel(now=NOW)
    assert states(diamond) == "drcc"
    queue.release(running.receipt, now=NOW)
    assert states(diamond) == "dccc"
    diamond.retry()
    assert run_all(queue) == ["b", "c", "d"]


def test_ten_thousand_steps_are_one_transaction(queue: Queue) -> None:
    flow, before = Flow("big"), []
    for layer in range(100):
        before = [
            flow.add(f"{layer}/{n}", "x", after=[before[n], before[n - 1]] if before else [])
            for n in range(100)
        ]
    put = flow.put(queue.database, now=NOW)
    assert put.show()["total"] == 10_000
    for task in queue.claim_many(100, now=NOW):
        queue.ack(task.receipt, now=NOW)
    assert queue.qsize() == 100


# --- a crash between two steps --------------------------------------------------------------------------------------

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
