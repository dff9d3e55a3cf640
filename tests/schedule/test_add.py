"""What add makes of a schedule that is new, and of one that is there; and what its tasks are."""

from __future__ import annotations

import pytest

from queuekit import BadPayload, Queue, QueuekitError, Refused, Schedules, Usage
from queuekit.durations import moment_ms
from tests.conftest import sqlite3_program

NOW = moment_ms("2026-06-01T12:00:00Z")
MINUTE = 60_000


def test_a_new_rule_takes_the_place_of_the_old_one(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1m", "old", now=NOW)
    schedules.add("s", "every 5m", "new", now=NOW)
    schedules.fire(NOW + 5 * MINUTE)
    assert ([row["key"] for row in queue.list()], len(schedules.list())) == ([f"s@{NOW + 5 * MINUTE}"], 1)


def test_a_moment_in_the_past_is_as_late_as_it_is(queue: Queue, schedules: Schedules) -> None:
    added = [
        schedules.add(catch_up, "at 2020-01-01T00:00:00Z", catch_up=catch_up, now=NOW)
        for catch_up in ("one", "all", "skip")
    ]
    assert added == [moment_ms("2020-01-01T00:00:00Z")] * 2 + [None]
    assert schedules.fire(NOW) == 2
    assert {row["name"]: row["ended"] for row in schedules.list()} == {"one": 1, "all": 1, "skip": 1}
    assert queue.database.next_due(NOW) is None  # nobody wakes for what has ended


def test_a_schedule_that_is_added_again_goes_on_where_it_is(queue: Queue, schedules: Schedules) -> None:
    """A script that runs at every start may add its schedules."""
    schedules.add("s", "every 1h", "old", now=NOW)
    assert schedules.add("s", "every 1h", "new", now=NOW + 90 * MINUTE) == NOW + 60 * MINUTE
    assert schedules.fire(NOW + 90 * MINUTE) == 1
    assert [(row["payload"], row["next_at"]) for row in schedules.list()] == [("new", NOW + 120 * MINUTE)]
    schedules.pause("s")
    assert schedules.add("s", "every 2h", now=NOW) == NOW + 120 * MINUTE
    assert schedules.fire(NOW + 120 * MINUTE) == 0
    schedules.add("once", "at 2026-06-01T12:00:00Z", now=NOW)
    assert schedules.fire(NOW) == 1
    assert schedules.add("once", "at 2026-06-01T12:00:00Z", now=NOW) is None
    assert schedules.fire(NOW) == 0
    assert schedules.add("once", "at 2026-06-01T12:00:01Z", now=NOW) == NOW + 1000


def test_an_instant_that_lies_a_year_ahead_because_the_clock_was_wrong_comes_at_the_next_add(
    queue: Queue, schedules: Schedules
) -> None:
    schedules.add("s", "every 1m", now=NOW)
    schedules.fire(NOW + 365 * 24 * 60 * MINUTE)
    assert schedules.add("s", "every 1m", now=NOW) == NOW + MINUTE
    assert schedules.fire(NOW + MINUTE) == 1


def test_a_task_of_a_schedule_has_the_options_of_a_task(queue: Queue, schedules: Schedules) -> None:
    options = {"share": "a", "group": "g", "require": ["gpu", "b"], "max_attempts": 3}
    schedules.add("s", "every 1m", lease=5, backoff=2, within="90s", jitter="30s", now=NOW, **options)  # type: ignore[arg-type]
    schedules.fire(NOW + MINUTE + 500)
    schedules.run_now("s", now=NOW + MINUTE + 1)
    columns = "lane, share, group_key, max_attempts, lease_ms, backoff_ms"
    told = sqlite3_program(
        queue.database.path, f"select {columns}, until_at, state from qk_task;"
    ).splitlines()
    assert told == [
        f"b gpu|a|g|3|5000|2000|{NOW + MINUTE + 90_500}|scheduled",
        f"b gpu|a|g|3|5000|2000|{NOW + MINUTE + 90_001}|blocked",
    ]


def test_the_tasks_of_a_schedule_with_a_group_run_one_at_a_time(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1m", group="g", catch_up="all", now=NOW)
    assert schedules.fire(NOW + 3 * MINUTE) == 3
    first = queue.claim(now=NOW + 3 * MINUTE)
    assert first is not None
    assert queue.claim(now=NOW + 3 * MINUTE) is None
    first.ack()
    assert queue.claim(now=NOW + 3 * MINUTE) is not None


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": ""}, Usage),
        ({"queue": ""}, Usage),
        ({"zone": "Mars/X"}, Usage),
        ({"when": "every 101y"}, Usage),
        ({"when": "every 40000d"}, Usage),
        ({"catch_up": "none"}, Usage),
        ({"payload": "a\0"}, BadPayload),
        ({"kind": "a\0"}, BadPayload),
        ({"group": "a\0"}, BadPayload),
        ({"priority": "urgent"}, Refused),
        ({"require": "gpu*"}, Refused),
        ({"max_attempts": 0}, Refused),
    ],
)
def test_what_could_not_fire_is_refused_at_once(
    schedules: Schedules, wrong: dict[str, object], error: type[QueuekitError]
) -> None:
    with pytest.raises(error):
        schedules.add(**{"name": "s", "when": "every 1m", "now": NOW, **wrong})  # type: ignore[arg-type]
    assert schedules.list() == []
