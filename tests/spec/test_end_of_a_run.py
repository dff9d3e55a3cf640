from __future__ import annotations

from begun import NOW, claimed, running
from client_raw import Raw
from clients import Client

SECOND = 1_000


def test_ack_makes_the_task_done_and_keeps_the_result(client: Client) -> None:
    receipt = running(client)
    client.ack(receipt, result="42 pages", now=NOW + 5)
    shown = client.show(1)
    assert (shown["state"], shown["result"], shown["ended_at"]) == ("done", "42 pages", NOW + 5)
    assert (shown["due_at"], shown["failures"], shown["runs"]) == (None, 0, [])


def test_ack_needs_no_result(client: Client) -> None:
    client.ack(running(client), now=NOW)
    assert client.show(1)["result"] is None


def test_nack_keeps_the_error_and_tries_again_later(client: Client) -> None:
    assert client.nack(running(client), error="no route", now=NOW + 5) == "scheduled"
    shown = client.show(1)
    assert (shown["state"], shown["failures"], shown["crashes"], shown["error"]) == (
        "scheduled",
        1,
        0,
        "no route",
    )
    (run,) = shown["runs"]
    assert (run["claim"], run["outcome"], run["text"], run["ended_at"]) == (1, "failed", "no route", NOW + 5)


def test_the_attempt_grows_with_failures(client: Client) -> None:
    client.nack(running(client), delay_ms=0, now=NOW)
    task = client.claim(now=NOW)
    assert task is not None
    assert (task["attempt"], task["receipt"]) == (2, "1:2")


def test_the_wait_doubles_with_each_failure_and_is_longer_by_a_quarter_at_most(client: Client) -> None:
    client.put("x", backoff_ms=SECOND, max_attempts=99, now=NOW)
    now = NOW
    for failure in range(5):
        client.nack(claimed(client, now=now), now=now)
        wait = client.show(1)["due_at"] - now
        assert SECOND << failure <= wait <= (SECOND << failure) * 5 // 4
        now += wait


def test_without_jitter_the_waits_are_exact(raw: Raw) -> None:
    raw.put("x", backoff_ms=SECOND, max_attempts=99, now=NOW)
    now, waits = NOW, []
    for _ in range(4):
        (row,), _changes = raw.run("nack", receipt=claimed(raw, now=now), jitter=0, now=now)
        waits.append(row["due_at"] - now)
        now = row["due_at"]
    assert waits == [1_000, 2_000, 4_000, 8_000]


def test_a_wait_is_never_longer_than_the_cap_and_a_quarter(client: Client) -> None:
    client.policy(backoff_ms=SECOND, backoff_cap_ms=1_500)
    client.put("x", now=NOW)
    client.nack(claimed(client), delay_ms=0, now=NOW)
    client.nack(claimed(client), now=NOW)
    assert 1_500 <= client.show(1)["due_at"] - NOW <= 1_875


def test_a_wait_after_many_failures_does_not_overflow(client: Client, raw: Raw) -> None:
    client.put("x", backoff_ms=1_000_000_000, max_attempts=99, now=NOW)
    for _ in range(22):
        raw.run("nack", receipt=claimed(raw), delay_ms=0, now=NOW)
    client.nack(claimed(client), now=NOW)
    assert 3_600_000 <= client.show(1)["due_at"] - NOW <= 4_500_000


def test_no_backoff_means_at_once(client: Client) -> None:
    client.nack(running(client, backoff_ms=0), now=NOW)
    assert client.claim(now=NOW) is not None


def test_a_crash_waits_its_backoff_too(client: Client) -> None:
    running(client, lease_ms=SECOND, backoff_ms=8_000)
    client.tick(now=NOW + SECOND)
    assert 8_000 <= client.show(1)["due_at"] - NOW - SECOND <= 10_000


def test_nack_with_a_delay_of_its_own_waits_exactly_that(client: Client) -> None:
    assert client.nack(running(client), delay_ms=123_456, now=NOW) == "scheduled"
    assert client.show(1)["due_at"] == NOW + 123_456


def test_nack_dead_ends_the_task_whatever_attempts_are_left(client: Client) -> None:
    assert client.nack(running(client), error="hopeless", dead=True, now=NOW) == "dead"
    shown = client.show(1)
    assert (shown["state"], shown["error"], shown["ended_at"]) == ("dead", "hopeless", NOW)
    assert client.claim(now=NOW + 9_999_999) is None


def test_a_task_is_dead_after_its_attempts(client: Client) -> None:
    client.put("x", max_attempts=3, now=NOW)
    states = [client.nack(claimed(client), delay_ms=0, now=NOW) for _ in range(3)]
    assert states == ["scheduled", "scheduled", "dead"]


def test_a_task_is_dead_after_ten_attempts_where_nothing_is_said(client: Client) -> None:
    client.put("x", now=NOW)
    assert client.show(1)["max_attempts"] == 10
    states = [client.nack(claimed(client), delay_ms=0, now=NOW) for _ in range(10)]
    assert states == ["scheduled"] * 9 + ["dead"]


def test_crashes_count_as_attempts(client: Client) -> None:
    client.put("x", max_attempts=2, now=NOW)
    client.nack(claimed(client), delay_ms=0, now=NOW)
    claimed(client, lease_ms=SECOND)
    client.tick(now=NOW + SECOND)
    shown = client.show(1)
    assert (shown["state"], shown["failures"], shown["crashes"]) == ("dead", 2, 1)
    assert [run["outcome"] for run in shown["runs"]] == ["failed", "crashed"]


def test_release_gives_the_task_back_at_no_cost(client: Client) -> None:
    assert client.release(running(client, max_attempts=1), now=NOW) == "ready"
    shown = client.show(1)
    assert (shown["state"], shown["failures"], shown["claims"]) == ("ready", 0, 1)
    assert [run["outcome"] for run in shown["runs"]] == ["released"]
    task = client.claim(now=NOW)
    assert task is not None
    assert (task["receipt"], task["attempt"]) == ("1:2", 1)


def test_release_with_a_delay_waits_that_long(client: Client) -> None:
    assert client.release(running(client), delay_ms=5_000, now=NOW) == "scheduled"
    assert client.claim(now=NOW + 4_999) is None
    assert client.claim(now=NOW + 5_000) is not None


def test_the_policy_of_a_queue_reaches_the_tasks_that_wait_already(client: Client) -> None:
    client.put("x", now=NOW)
    client.policy(max_attempts=1, lease_ms=9_000)
    task = client.claim(now=NOW)
    assert task is not None
    assert task["lease_until"] == NOW + 9_000
    assert client.nack(task["receipt"], now=NOW) == "dead"


def test_the_policy_of_a_task_wins(client: Client) -> None:
    client.policy(max_attempts=1, backoff_ms=50_000)
    client.put("x", max_attempts=2, backoff_ms=SECOND, now=NOW)
    assert client.nack(claimed(client), now=NOW) == "scheduled"
    assert SECOND <= client.show(1)["due_at"] - NOW <= SECOND * 5 // 4


def test_a_policy_leaves_as_it_is_what_it_does_not_name(client: Client) -> None:
    everything: dict[str, int | str] = {
        "lease_ms": 9_000,
        "max_attempts": 3,
        "backoff_ms": 5,
        "backoff_cap_ms": 70,
        "retention_ms": 8_000,
        "strategy": "lifo",
        "max_running": 4,
        "max_per_worker": 2,
        "rate_us": 60_000,
        "burst": 5,
        "max_depth": 100,
        "max_bytes": 10_000,
        "on_full": "drop_oldest",
        "on_group": "aside",
    }
    for name, value in everything.items():
        client.policy("mail", **{name: value})
    assert client.policy("mail") == {"queue": "mail", **everything}
