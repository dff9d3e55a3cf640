"""A failure, and the retry of what failed, reach all that wait for it, in whatever order things happen."""

from __future__ import annotations

import pytest
from begun import NOW
from clients import Client
from test_dependencies import put, run, state


def cause(client: Client, id: int) -> str:
    return str(client.show(id)["error"])


def test_the_middle_may_be_retried_before_the_root(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    c = put(client, "c", b)
    run(client, "fail")
    assert client.retry(b, now=NOW) == "blocked"
    client.retry(a, now=NOW)
    assert [run(client) for _ in range(3)] == [a, b, c]


def test_a_task_that_two_have_failed_waits_for_the_retry_of_both(client: Client) -> None:
    x, y = put(client, "x"), put(client, "y")
    b = put(client, "b", x, y)
    c = put(client, "c", b)
    run(client, "fail")
    run(client, "fail")
    client.retry(x, now=NOW)
    assert [state(client, id) for id in (b, c)] == ["cancelled", "cancelled"]
    assert f"task {y}, which it waited for" in cause(client, b)
    client.retry(y, now=NOW)
    assert [run(client) for _ in range(4)] == [x, y, b, c]


def test_a_task_whose_need_failed_while_it_ran_is_cancelled_when_its_run_ends_in_vain(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    run(client)
    receipt = client.claim(now=NOW)["receipt"]  # of b
    client.retry(a, now=NOW)
    assert run(client, "fail") == a
    assert state(client, b) == "running"
    client.nack(receipt, now=NOW)
    assert state(client, b) == "cancelled"
    assert f"task {a}, which it waited for" in cause(client, b)


def test_a_task_whose_need_failed_while_it_ran_may_still_be_done(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    run(client)
    receipt = client.claim(now=NOW)["receipt"]
    client.retry(a, now=NOW)
    run(client, "fail")
    client.ack(receipt, now=NOW)
    assert state(client, b) == "done"


def test_a_batch_ends_when_one_of_its_tasks_waits_in_vain(client: Client) -> None:
    batch = client.batch_open("callback", queue="after", now=NOW)
    a = put(client)
    b = put(client, "b", a, batch=batch)
    client.batch_close(batch)
    run(client)
    receipt = client.claim(now=NOW)["receipt"]
    client.retry(a, now=NOW)
    run(client, "fail")
    client.nack(receipt, now=NOW)
    told = client.batch(batch)
    assert (told["failed"], told["unfinished"]) == (1, 0)
    assert client.claim(queue="after", now=NOW)["payload"] == "callback"
    assert state(client, b) == "cancelled"


@pytest.mark.parametrize(
    ("policy", "expected"), [("cancel", "cancelled"), ("run", "ready"), ("wait", "blocked")]
)
def test_many_may_come_after_the_failure(client: Client, policy: str, expected: str) -> None:
    a = put(client)
    run(client, "fail")
    late = client.put_many(["x"] * 50, after=f"[{a}]", on_failure=policy, now=NOW)
    assert {state(client, id) for id in late} == {expected}
    client.retry(a, now=NOW)
    assert {state(client, id) for id in late} == {"blocked"}
    run(client)
    assert {state(client, id) for id in late} == {"ready"}


@pytest.mark.parametrize("policy", ["run", "wait"])
def test_of_many_that_fail_each_counts_once(client: Client, policy: str) -> None:
    heads = client.put_many(["h"] * 10, now=NOW)
    last = put(client, "last", *heads, on_failure=policy)
    for _ in heads[1:]:
        run(client, "fail")
    assert state(client, last) == "blocked"
    run(client)
    assert state(client, last) == ("ready" if policy == "run" else "blocked")
    for id in heads[:-1]:
        client.retry(id, now=NOW)
    assert state(client, last) == "blocked"
    for _ in heads[1:]:
        run(client)
    assert run(client) == last


def test_a_dead_task_keeps_what_a_retry_needs_from_being_purged(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    c = put(client, "c", b)
    put(client, "newest", queue="other")
    run(client, result="of a")
    run(client, "fail")
    assert client.purge(older_ms=0, now=NOW) == 0
    client.retry(b, now=NOW)
    assert [row["result"] for row in client.results(b)] == ["of a"]
    assert [run(client) for _ in range(2)] == [b, c]
    assert client.purge(older_ms=0, now=NOW) == 3


def test_when_the_dead_task_is_purged_so_may_be_what_it_kept(client: Client) -> None:
    x, y = put(client, "x"), put(client, "y")
    put(client, "b", x, y)
    put(client, "c", x, y)
    put(client, "newest", queue="other")
    run(client, "fail")
    run(client, "fail")
    assert client.purge(older_ms=0, now=NOW) == 0
    assert client.purge(older_ms=0, state="dead", now=NOW) == 2
    assert client.purge(older_ms=0, now=NOW) == 2


def test_what_was_cancelled_by_hand_keeps_the_results_that_it_would_read(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    put(client, "newest", queue="other")
    run(client, result="of a")
    client.cancel(b, now=NOW)
    client.purge(older_ms=1000, now=NOW + 999)
    client.retry(b, now=NOW)
    assert [row["result"] for row in client.results(b)] == ["of a"]
