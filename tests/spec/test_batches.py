"""Tasks that are counted together, and one that runs when all of them are finished."""

from __future__ import annotations

import pytest
from begun import NOW
from clients import Client

from queuekit import NoTask, Refused

COUNTS = ("total", "unfinished", "done", "failed")


def counts(client: Client, batch: int) -> tuple[int, ...]:
    row = client.batch(batch)
    return tuple(row[name] for name in COUNTS)


def end(client: Client, how: str = "ack", queue: str | None = None) -> str:
    """Claim the next task and end its run; its payload."""
    task = client.claim(queue, now=NOW)
    assert task is not None
    if how == "ack":
        client.ack(task["receipt"], now=NOW)
    else:
        client.nack(task["receipt"], dead=True, now=NOW)
    return str(task["payload"])


def test_the_callback_runs_when_all_are_finished(client: Client) -> None:
    batch = client.batch_open("all done", now=NOW)
    client.put_many(["a", "b", "c"], batch=batch, now=NOW)
    client.batch_close(batch)
    end(client)
    end(client, "fail")
    assert counts(client, batch) == (3, 1, 1, 1)
    client.cancel(4, now=NOW)
    assert counts(client, batch) == (3, 0, 1, 2)
    assert end(client) == "all done"


def test_a_callback_that_was_put_off_runs_when_its_time_has_come(client: Client) -> None:
    batch = client.batch_open("all done", now=NOW)
    client.snooze(1, delay_ms=60_000, now=NOW)
    client.put("a", batch=batch, now=NOW)
    client.batch_close(batch)
    assert end(client) == "a"
    assert client.show(1)["state"] == "scheduled"
    assert client.claim(now=NOW + 60_000)["payload"] == "all done"


def test_nothing_runs_before_the_batch_is_closed(client: Client) -> None:
    batch = client.batch_open("all done", now=NOW)
    client.put("a", batch=batch, now=NOW)
    end(client)
    assert client.claim(now=NOW) is None
    client.put("b", batch=batch, now=NOW)
    client.batch_close(batch)
    assert (end(client), end(client)) == ("b", "all done")


def test_a_task_of_the_batch_may_add_more_while_it_runs(client: Client) -> None:
    batch = client.batch_open("all done", now=NOW)
    client.put("a", batch=batch, now=NOW)
    client.batch_close(batch)
    task = client.claim(now=NOW)
    client.put("b", batch=batch, now=NOW)
    assert task is not None
    client.ack(task["receipt"], now=NOW)
    assert (end(client), end(client)) == ("b", "all done")


def test_a_batch_that_is_over_takes_nothing_more(client: Client) -> None:
    batch = client.batch_open("all done", now=NOW)
    client.batch_close(batch)
    with pytest.raises(Refused, match="QK026"):
        client.put("late", batch=batch, now=NOW)
    with pytest.raises(Refused, match="QK026"):
        client.put("nowhere", batch=99, now=NOW)


def test_an_empty_batch_is_over_when_it_is_closed(client: Client) -> None:
    batch = client.batch_open("all done", queue="after", now=NOW)
    assert client.claim("after", now=NOW) is None
    client.batch_close(batch)
    assert end(client, queue="after") == "all done"


def test_a_batch_needs_no_callback(client: Client) -> None:
    batch = client.batch_open(now=NOW)
    client.put("a", batch=batch, now=NOW)
    client.batch_close(batch)
    end(client)
    row = client.batch(batch)
    assert (row["callback"], row["ended_at"], counts(client, batch)) == (None, NOW, (1, 0, 1, 0))


def test_a_retry_counts_again_and_calls_back_once(client: Client) -> None:
    batch = client.batch_open("all done", now=NOW)
    client.put("a", batch=batch, now=NOW)
    client.batch_close(batch)
    end(client, "fail")
    assert end(client) == "all done"
    client.retry(2, now=NOW)
    assert counts(client, batch) == (1, 1, 0, 0)
    assert end(client) == "a"
    assert client.claim(now=NOW) is None


def test_those_that_a_failure_cancels_are_counted(client: Client) -> None:
    batch = client.batch_open("all done", now=NOW)
    first, _ = client.put("a", batch=batch, now=NOW)
    client.put("b", batch=batch, after=f"[{first}]", now=NOW)
    client.batch_close(batch)
    end(client, "fail")
    assert counts(client, batch) == (2, 0, 0, 2)
    assert end(client) == "all done"


def test_there_is_no_batch_that_was_not_opened(client: Client) -> None:
    with pytest.raises(NoTask):
        client.batch(99)
    with pytest.raises(NoTask):
        client.batch_close(99)


def test_a_batch_is_there_until_its_callback_has_run(client: Client) -> None:
    batch = client.batch_open("all done", queue="later", now=NOW)
    client.put_many(["a", "b"], batch=batch, now=NOW)
    client.batch_close(batch)
    client.put("newest", queue="other", now=NOW)
    end(client)
    end(client, "fail")
    client.purge(older_ms=0, state="dead", now=NOW)
    client.purge(older_ms=0, now=NOW)
    assert counts(client, batch) == (2, 0, 1, 1)
    assert end(client, queue="later") == "all done"
    client.purge(queue="later", older_ms=0, now=NOW)
    with pytest.raises(NoTask):
        client.batch(batch)


def test_the_id_of_a_batch_is_never_used_twice(client: Client) -> None:
    batch = client.batch_open(now=NOW)
    client.put("a", batch=batch, now=NOW)
    client.batch_close(batch)
    end(client)
    client.put("newest", queue="other", now=NOW)
    client.purge(older_ms=0, now=NOW)
    assert client.batch_open(now=NOW) > batch


def test_a_put_that_meets_its_key_is_not_counted_twice(client: Client) -> None:
    batch = client.batch_open(now=NOW)
    for _ in range(3):
        client.put("a", key="k", batch=batch, now=NOW)
    assert counts(client, batch) == (1, 1, 0, 0)
