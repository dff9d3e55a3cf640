"""A task that waits for others runs when they are done; what becomes of it when one of them fails is its own choice."""

from __future__ import annotations

import json

import pytest
from begun import NOW
from clients import Client

from queuekit import NoTask, Refused


def put(client: Client, payload: str = "x", *after: int, **options: object) -> int:
    ids = json.dumps(list(after)) if after else None
    return client.put(payload, after=ids, now=NOW, **options)[0]


def state(client: Client, id: int) -> str:
    return str(client.show(id)["state"])


def run(client: Client, end: str = "ack", *, now: int = NOW, result: str | None = None) -> int:
    """Claim the next task and end its run; its id."""
    task = client.claim(now=now)
    assert task is not None
    if end == "ack":
        client.ack(task["receipt"], result=result, now=now)
    else:
        client.nack(task["receipt"], dead=True, now=now)
    return int(task["id"])


def test_a_task_waits_until_all_that_it_needs_are_done(client: Client) -> None:
    a, b = put(client), put(client)
    c = put(client, "c", a, b)
    run(client)
    assert state(client, c) == "blocked"
    run(client)
    assert state(client, c) == "ready"
    assert run(client) == c


def test_what_is_done_already_is_not_waited_for(client: Client) -> None:
    a = put(client)
    run(client)
    assert state(client, put(client, "b", a)) == "ready"


def test_a_delay_counts_once_nothing_is_needed_any_more(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a, delay_ms=5000)
    run(client)
    assert (state(client, b), client.show(b)["due_at"]) == ("scheduled", NOW + 5000)


def test_the_results_of_those_it_waited_for_can_be_read(client: Client) -> None:
    a, b = put(client, kind="fetch"), put(client)
    c = put(client, "c", a, b)
    run(client, result='{"n": 1}')
    run(client)
    found = [(row["id"], row["kind"], row["state"], row["result"]) for row in client.results(c)]
    assert found == [(a, "fetch", "done", '{"n": 1}'), (b, "", "done", None)]


def test_a_task_that_is_not_there_waited_for_nobody(client: Client) -> None:
    assert client.results(put(client)) == []
    with pytest.raises(NoTask):
        client.results(99)


def test_a_result_that_is_still_to_be_read_is_not_purged(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    put(client, "newest")
    run(client, result="1")
    assert client.purge(older_ms=0, now=NOW) == 0
    assert run(client) == b
    assert client.purge(older_ms=0, now=NOW) == 2


@pytest.mark.parametrize("end", ["dead", "cancelled", "expired"])
def test_when_one_of_them_fails_it_is_cancelled_with_all_that_wait_for_it(client: Client, end: str) -> None:
    a = put(client, within_ms=1000)
    b = put(client, "b", a)
    c = put(client, "c", b)
    if end == "dead":
        run(client, "fail")
    elif end == "cancelled":
        client.cancel(a, now=NOW)
    else:
        client.tick(now=NOW + 1000)
    assert [state(client, id) for id in (b, c)] == ["cancelled", "cancelled"]
    assert f"task {a}, which it waited for" in client.show(c)["error"]


def test_it_may_run_anyway(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a, on_failure="run")
    run(client, "fail")
    assert run(client) == b
    assert [row["state"] for row in client.results(b)] == ["dead"]


def test_it_may_wait_for_the_retry(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a, on_failure="wait")
    run(client, "fail")
    assert state(client, b) == "blocked"
    client.retry(a, now=NOW)
    assert (run(client), run(client)) == (a, b)


def test_who_comes_after_the_failure_is_treated_alike(client: Client) -> None:
    a = put(client)
    run(client, "fail")
    states = [
        state(client, put(client, "late", a, on_failure=policy)) for policy in ("cancel", "run", "wait")
    ]
    assert states == ["cancelled", "ready", "blocked"]


def test_a_retry_of_the_one_that_failed_brings_those_back_that_it_had_cancelled(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    c = put(client, "c", b)
    run(client, "fail")
    client.retry(a, now=NOW)
    assert [state(client, id) for id in (b, c)] == ["blocked", "blocked"]
    assert [run(client) for _ in range(3)] == [a, b, c]


def test_who_was_cancelled_for_another_reason_stays_cancelled(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    client.cancel(b, now=NOW)
    run(client, "fail")
    client.retry(a, now=NOW)
    assert state(client, b) == "cancelled"


def test_a_done_task_that_is_run_again_is_waited_for_again(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    run(client)
    client.retry(a, now=NOW)
    assert state(client, b) == "blocked"
    assert (run(client), run(client)) == (a, b)


def test_a_retried_task_waits_for_those_that_are_not_done(client: Client) -> None:
    a = put(client)
    b = put(client, "b", a)
    run(client, "fail")
    assert client.retry(b, now=NOW) == "blocked"


def test_a_group_and_dependencies_go_together(client: Client) -> None:
    a = put(client)
    b, c = put(client, "b", a, group="g"), put(client, "c", a, group="g")
    d = put(client, "d", group="g")
    run(client)
    assert [state(client, id) for id in (b, c, d)] == ["blocked", "blocked", "ready"]
    assert [run(client) for _ in range(3)] == [d, b, c]


@pytest.mark.parametrize("after", ["[99]", "[0]", "[-1]"])
def test_only_an_older_task_that_is_there_can_be_waited_for(client: Client, after: str) -> None:
    put(client)
    with pytest.raises(Exception, match=r"QK024|QK017|not -1|not the id"):
        client.put("x", after=after, now=NOW)
    assert len(client.listed()) == 1


def test_nobody_waits_for_himself(client: Client) -> None:
    with pytest.raises(Refused, match=r"QK017|QK024"):
        client.put("x", after="[1]", now=NOW)


def test_many_may_wait_for_one_and_one_for_many(client: Client) -> None:
    root = put(client)
    middle = client.put_many(["m"] * 50, after=f"[{root}]", now=NOW)
    last = client.put("last", after=json.dumps(middle), now=NOW)[0]
    run(client)
    tasks = client.claim_many(100, now=NOW)
    assert len(tasks) == 50
    for task in tasks[:5]:
        client.ack(task["receipt"], now=NOW)
    assert state(client, last) == "blocked"
