"""Python functions as handlers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from workshop import until, working

from queuekit import App, Discard, Queue, Retry, Task, Usage
from queuekit.worker import Worker


def work_off(q: Queue, app: App, **options: Any) -> None:
    Worker(q.database, [q.name], app, burst=True, **options).run()


def run_one(
    q: Queue, function: Callable[[Task], Any], payload: Any = "payload", kind: str = ""
) -> dict[str, Any]:
    id = q.put(payload, kind=kind)
    work_off(q, App({"*": function}))
    return q.show(id)


def raiser(error: BaseException) -> Callable[[Task], None]:
    def function(task: Task) -> None:
        raise error

    return function


def test_what_a_handler_returns_is_the_result(q: Queue) -> None:
    task = run_one(q, lambda task: {"seen": task.data["a"]}, {"a": 1})
    assert (task["state"], task["result"]) == ("done", '{"seen":1}')


def test_each_kind_has_its_handler(q: Queue) -> None:
    app = App()

    @app.handler("a")
    def of_a(task: Task) -> str:
        return "from a"

    @app.handler()
    def of_the_rest(task: Task) -> str:
        return "from the rest"

    ids = [q.put("x", kind="a"), q.put("x", kind="b"), q.put("x")]
    work_off(q, app)
    assert [q.show(id)["result"] for id in ids] == ["from a", "from the rest", "from the rest"]


def test_a_kind_without_handler_is_a_failure_that_says_so(q: Queue) -> None:
    id = q.put("x", kind="other")
    work_off(q, App({"a": print}))
    task = q.show(id)
    assert (task["state"], task["failures"], task["error"]) == ("scheduled", 1, "no handler for kind 'other'")


def test_two_handlers_for_one_kind_are_refused() -> None:
    app = App({"a": print})
    with pytest.raises(Usage, match="two handlers"):
        app.add("a", repr)


def test_an_async_handler_runs_on_a_loop(q: Queue) -> None:
    async def function(task: Task) -> str:
        await asyncio.sleep(0)
        return f"{task.payload} on {asyncio.get_running_loop().is_running()}"

    assert run_one(q, function)["result"] == "payload on True"


def test_async_handlers_run_side_by_side_on_one_loop(q: Queue) -> None:
    met: list[asyncio.AbstractEventLoop] = []

    async def function(task: Task) -> None:
        met.append(asyncio.get_running_loop())
        while len(met) < 3:
            await asyncio.sleep(0.001)

    ids = q.put_many(["x"] * 3)
    Worker(q.database, [q.name], App({"*": function}), concurrency=3, burst=True).run()
    assert {q.show(id)["state"] for id in ids} == {"done"}
    assert len(set(met)) == 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad address"), "ValueError: bad address"),
        (KeyError("name"), "KeyError: 'name'"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (MemoryError(), "MemoryError"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (Exception("a\0b\udc80"), "Exception: a\ufffdb?"),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) else "",
)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_an_exception_is_a_failure_and_never_stops_the_worker(
    q: Queue, error: BaseException, text: str, is_async: bool
) -> None:
    async def later(task: Task) -> None:
        raise error

    bad, good = q.put("x", kind="bad"), q.put("x", kind="good")
    work_off(q, App({"bad": later if is_async else raiser(error), "good": lambda task: "fine"}))
    task = q.show(bad)
    assert (task["state"], task["failures"], task["error"]) == ("scheduled", 1, text)
    assert q.show(good)["result"] == "fine"


def test_a_recursion_without_end_is_a_failure(q: Queue) -> None:
    def deep(task: Task) -> Any:
        return deep(task)

    assert "RecursionError" in run_one(q, deep)["error"]


def test_an_exception_whose_text_raises_is_a_failure(q: Queue) -> None:
    class Nasty(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "Nasty" in run_one(q, raiser(Nasty()))["error"]


def test_retry_releases_the_task_for_its_delay(q: Queue) -> None:
    task = run_one(q, raiser(Retry("1h")))
    assert (task["state"], task["failures"]) == ("scheduled", 0)
    assert task["due_at"] == task["runs"][0]["ended_at"] + 3_600_000


def test_discard_makes_the_task_dead_with_its_reason(q: Queue) -> None:
    task = run_one(q, raiser(Discard("no such user")))
    assert (task["state"], task["error"]) == ("dead", "no such user")


def test_a_result_that_is_no_json_is_a_failure(q: Queue) -> None:
    task = run_one(q, lambda task: object())
    assert task["state"] == "scheduled"
    assert "its end cannot be kept" in task["error"]


def test_a_retry_with_a_senseless_delay_is_a_failure_too(q: Queue) -> None:
    def function(task: Task) -> None:
        raise Retry("soon")

    task = run_one(q, function)
    assert (task["state"], task["failures"]) == ("scheduled", 1)


@pytest.mark.parametrize(
    ("end", "state"),
    [(lambda task: task.ack("by hand"), "done"), (lambda task: task.nack("no", dead=True), "dead")],
    ids=["ack", "nack"],
)
def test_a_handler_may_end_its_run_itself(q: Queue, end: Callable[[Task], Any], state: str) -> None:
    assert run_one(q, lambda task: void(end(task)))["state"] == state


def void(_: object) -> None:
    return None


def test_a_handler_may_put_tasks_beside_its_own_ack(q: Queue) -> None:
    def function(task: Task) -> None:
        with q.database.transaction():
            q.put("follow-up", kind="next")
            task.ack()

    id = q.put("x", kind="first")
    work_off(q, App({"first": function, "next": lambda task: "followed"}))
    assert q.show(id)["state"] == "done"
    assert q.show(id + 1)["result"] == "followed"


def test_a_handler_reads_the_results_of_those_it_waited_for(q: Queue) -> None:
    def function(task: Task) -> str:
        return " and ".join(row["result"] for row in task.results()) or task.payload

    last = q.put("last", after=[q.put("a"), q.put("b")])
    work_off(q, App({"*": function}))
    assert q.show(last)["result"] == "a and b"


def test_a_cancelled_async_handler_cleans_up_before_its_slot_is_free(q: Queue) -> None:
    began, order = threading.Event(), []

    async def function(task: Task) -> None:
        began.set()
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(0.2)
            order.append("cleaned")

    id = q.put("x")
    with working(Worker(q.database, [q.name], App({"*": function}), lease=0.6)):
        assert began.wait(30)
        q.cancel(id)
        until(lambda: q.show(id)["state"] == "cancelled")
        order.append("ended")
    assert order == ["cleaned", "ended"]


def test_a_handler_that_ended_its_run_early_is_left_to_finish(q: Queue) -> None:
    ended = threading.Event()

    async def function(task: Task) -> None:
        task.ack("early")
        await asyncio.sleep(1.0)  # more than a third of its lease
        ended.set()

    id = q.put("x")
    work_off(q, App({"*": function}), lease=0.6)
    assert ended.is_set()
    assert (q.show(id)["state"], q.show(id)["result"]) == ("done", "early")


def test_a_cancel_reaches_an_async_handler(q: Queue) -> None:
    started = threading.Event()

    async def function(task: Task) -> None:
        started.set()
        await asyncio.sleep(1000)

    id = q.put("x")
    with working(Worker(q.database, [q.name], App({"*": function}), lease=0.6)):
        assert started.wait(30)
        q.cancel(id)
        until(lambda: q.show(id)["state"] == "cancelled")
