"""A flow is put whole or not at all, runs in its order, can be cancelled, and goes on from where it failed."""

from __future__ import annotations

import pytest

from queuekit import Flow, FlowRun, Queue, Refused, chain, group, step

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


@pytest.fixture
def diamond(queue: Queue) -> FlowRun:
    flow = Flow("diamond")
    a = flow.add("a", "a")
    b, c = flow.add("b", "b", after=[a]), flow.add("c", "c", after=[a])
    flow.add("d", "d", after=[b, c])
    return flow.put(queue.database, now=NOW)


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


def test_a_retry_withdraws_the_request_to_stop(queue: Queue) -> None:
    flow = Flow("two", chain(step("a"), step("b"))).put(queue.database, now=NOW)
    running = queue.claim(now=NOW)
    assert running is not None
    flow.cancel(now=NOW)
    assert flow.retry() == 2
    assert queue.release(running.receipt, now=NOW) == "ready"
    assert run_all(queue) == ["a", "b"]


def test_a_cancelled_flow_holds_no_group_up(queue: Queue) -> None:
    flow = Flow("one", step("in the way", group="g")).put(queue.database, now=NOW)
    queue.put("behind", group="g", now=NOW)
    run(queue, "fail")
    assert flow.cancel(now=NOW) == 1
    assert run(queue) == "behind"


def test_a_flow_is_forgotten_as_a_whole(queue: Queue, diamond: FlowRun) -> None:
    Queue(queue.database, "other").put("newest", now=NOW)
    run(queue)
    assert queue.purge(older=0, now=NOW + 10**10) == 0
    run_all(queue)
    assert queue.purge(older=0, now=NOW + 10**10) == 4


def test_a_failed_flow_goes_on_however_long_ago_it_failed(queue: Queue, diamond: FlowRun) -> None:
    Queue(queue.database, "other").put("newest", now=NOW)
    run(queue)
    run(queue, "fail")
    queue.purge(now=NOW + 10**10)
    diamond.retry()
    assert run_all(queue) == ["b", "c", "d"]
    assert [row["result"] for row in queue.results(diamond.tasks()[-1]["id"])] == ["b", "c"]


def test_the_age_of_a_flow_counts_from_its_last_end(queue: Queue, diamond: FlowRun) -> None:
    day = 86_400_000
    Queue(queue.database, "other").put("newest", now=NOW)
    run(queue)
    run(queue, "fail")
    run(queue)
    diamond.retry()
    for later in (8 * day, 8 * day + 1):
        task = queue.claim(now=NOW + later)
        assert task is not None
        queue.ack(task.receipt, now=NOW + later)
    assert diamond.show()["ended_at"] == NOW + 8 * day + 1
    assert queue.purge(now=NOW + 9 * day) == 0
    assert queue.purge(now=NOW + 16 * day) == 4


def test_a_flow_with_a_dead_step_is_kept_until_that_is_purged(queue: Queue) -> None:
    flow = Flow("two", group(step("a"), step("z"))).put(queue.database, now=NOW)
    Queue(queue.database, "other").put("newest", now=NOW)
    run(queue)
    run(queue, "fail")
    assert queue.purge(older=0, now=NOW) == 0
    assert queue.purge(older=0, state="dead", now=NOW) == 1
    assert queue.purge(older=0, now=NOW) == 1
    assert flow.database.rows("flow_list", {}) == []


def test_what_has_been_purged_in_part_is_not_done_once_more(queue: Queue) -> None:
    flow = Flow("two queues", chain(step("a"), step("b", queue="other"))).put(queue.database, now=NOW)
    other = Queue(queue.database, "other")
    other.put("newest", now=NOW)
    run(queue)
    run(other)
    queue.purge(older=0, now=NOW)
    with pytest.raises(Refused, match="1 tasks of flow 1 have been purged"):
        flow.retry(whole=True)
