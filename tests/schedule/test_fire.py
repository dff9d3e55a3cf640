"""A schedule puts one task for each of its instants, whoever looks, and however late."""

from __future__ import annotations

import pytest

from queuekit import Full, NoTask, Queue, Schedules
from queuekit.durations import moment_ms
from tests.conftest import sqlite3_program

NOW = moment_ms("2026-06-01T12:00:00Z")
MINUTE = 60_000


def put(queue: Queue) -> list[int]:
    """The instants that have become tasks, in minutes after NOW."""
    return sorted((int(row["key"].rpartition("@")[2]) - NOW) // MINUTE for row in queue.list(limit=5000))


def test_each_instant_becomes_one_task(queue: Queue, schedules: Schedules) -> None:
    assert schedules.add("s", "every 1m", {"n": 1}, kind="k", priority="high", now=NOW) == NOW + MINUTE
    assert [schedules.fire(NOW + s * 1000) for s in (59, 60, 61, 119, 120)] == [0, 1, 0, 0, 1]
    task = queue.claim(now=NOW + 2 * MINUTE)
    assert task is not None
    assert (task.data, task.kind, task.key) == ({"n": 1}, "k", f"s@{NOW + MINUTE}")
    assert queue.show(task.id)["priority"] == 10
    assert put(queue) == [1, 2]


@pytest.mark.parametrize(
    ("catch_up", "grace", "expected"),
    [
        ("one", None, [10]),
        ("one", "30s", []),
        ("one", "1m", [10]),
        ("all", None, list(range(1, 11))),
        ("all", "3m", [8, 9, 10]),
        ("skip", None, [10]),
        ("skip", "10s", []),
    ],
)
def test_what_was_missed_is_caught_up_by_policy(
    queue: Queue, schedules: Schedules, catch_up: str, grace: str | None, expected: list[int]
) -> None:
    schedules.add("s", "every 1m", catch_up=catch_up, grace=grace, now=NOW)
    schedules.fire(NOW + 10 * MINUTE + 40_000)
    assert put(queue) == expected
    assert list(schedules.upcoming("s", 1, now=NOW + 10 * MINUTE + 40_000)) == [NOW + 11 * MINUTE]


def test_skip_puts_nothing_that_is_older_than_a_minute(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "0 * * * *", catch_up="skip", now=NOW)
    schedules.fire(NOW + 90 * MINUTE)
    assert put(queue) == []
    schedules.fire(NOW + 120 * MINUTE + 5000)
    assert put(queue) == [120]


def test_a_long_absence_is_caught_up_in_bites(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1m", catch_up="all", now=NOW)
    assert [schedules.fire(NOW + 2500 * MINUTE) for _ in range(4)] == [1000, 1000, 500, 0]
    assert put(queue) == list(range(1, 2501))


def test_a_daily_job_in_the_hour_that_is_skipped_or_doubled_runs_once_a_day(
    queue: Queue, schedules: Schedules
) -> None:
    for day, begin in (("spring", "2026-03-27T12:00:00Z"), ("autumn", "2026-10-23T12:00:00Z")):
        start = moment_ms(begin)
        schedules.add(day, "30 2 * * *", zone="Europe/Berlin", queue=day, now=start)
        for quarter in range(1, 3 * 24 * 4):
            schedules.fire(start + quarter * 15 * MINUTE)
        assert Queue(queue.database, day).qsize() == 3


def test_once_is_once(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "at 2026-06-01T12:05:00Z", now=NOW)
    assert [schedules.fire(NOW + minutes * MINUTE) for minutes in (4, 5, 6, 500)] == [0, 1, 0, 0]
    assert list(schedules.upcoming("s", now=NOW)) == []


def test_jitter_moves_the_run_not_the_instant(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1m", catch_up="all", jitter="30s", now=NOW)
    schedules.fire(NOW + 40 * MINUTE)
    rows = queue.list(limit=100)
    waits = [row["due_at"] - int(row["key"].rpartition("@")[2]) for row in rows]
    assert {row["state"] for row in rows} == {"scheduled"}
    assert all(0 <= wait <= 30_000 for wait in waits)
    assert len(set(waits)) > 10


def test_a_paused_schedule_does_not_fire_and_catches_up_when_resumed(
    queue: Queue, schedules: Schedules
) -> None:
    schedules.add("s", "every 1m", now=NOW)
    schedules.pause("s")
    assert schedules.fire(NOW + 3 * MINUTE) == 0
    schedules.resume("s")
    schedules.fire(NOW + 3 * MINUTE)
    assert put(queue) == [3]


def test_run_now_puts_a_task_and_leaves_the_next_instant(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1m", "x", kind="k", priority="high", within="5m", now=NOW)
    schedules.pause("s")
    id = schedules.run_now("s", now=NOW + 1000)
    task = queue.claim(now=NOW + 2000)
    assert task is not None
    assert (task.id, task.payload, task.kind, task.key) == (id, "x", "k", f"s@{NOW + 1000}")
    assert list(schedules.upcoming("s", 1, now=NOW)) == [NOW + MINUTE]


def test_of_two_calls_of_run_now_in_one_ms_the_second_finds_the_task_of_the_first(
    queue: Queue, schedules: Schedules
) -> None:
    schedules.add("s", "every 1m", now=NOW)
    assert schedules.run_now("s", now=NOW) == schedules.run_now("s", now=NOW)
    assert [queue.show(row["id"])["duplicates"] for row in queue.list()] == [1]


def test_a_removed_schedule_is_gone_and_its_tasks_stay(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1m", now=NOW)
    schedules.fire(NOW + MINUTE)
    schedules.remove("s")
    assert schedules.fire(NOW + 9 * MINUTE) == 0
    assert queue.qsize() == 1
    for missing in (
        schedules.remove,
        schedules.pause,
        schedules.resume,
        schedules.run_now,
        schedules.upcoming,
    ):
        with pytest.raises(NoTask, match="no schedule 's'"):
            missing("s")  # type: ignore[operator]


def test_a_schedule_waits_while_its_queue_is_full(queue: Queue, schedules: Schedules) -> None:
    queue.policy(max_depth=1)
    schedules.add("s", "every 1m", now=NOW)
    assert [schedules.fire(NOW + n * MINUTE) for n in (1, 2, 3)] == [1, 0, 0]
    assert queue.database.next_due(NOW + 3 * MINUTE) is None  # so nobody wakes for it in vain
    with pytest.raises(Full):
        schedules.run_now("s")
    assert queue.claim(now=NOW + 3 * MINUTE)
    assert schedules.fire(NOW + 3 * MINUTE + 1) == 1
    assert [row["key"] for row in queue.list()] == [f"s@{NOW + 3 * MINUTE}", f"s@{NOW + MINUTE}"]


@pytest.mark.parametrize("limit", [{"max_depth": 30}, {"max_bytes": 300}])
def test_of_many_late_instants_as_many_are_put_as_there_is_room_for(
    queue: Queue, schedules: Schedules, limit: dict[str, int]
) -> None:
    queue.policy(**limit)
    schedules.add("s", "every 1m", "ten  bytes", catch_up="all", now=NOW)
    late = NOW + 100 * MINUTE
    assert _settle(schedules, late) == 30
    while task := queue.claim(now=late):
        task.ack()
        _settle(schedules, late)
    assert [row["key"] for row in queue.list(limit=1000)] == [
        f"s@{NOW + n * MINUTE}" for n in range(100, 0, -1)
    ]


def _settle(schedules: Schedules, now: int) -> int:
    """Fire until nothing more can be put; how many were."""
    count = 0
    while put := schedules.fire(now):
        count += put
    return count


def test_an_instant_for_which_nothing_can_be_dropped_is_lost(queue: Queue, schedules: Schedules) -> None:
    queue.policy(max_depth=1, on_full="drop_oldest")
    queue.put("not ready, so not to be dropped", delay="1d", now=NOW)
    schedules.add("s", "every 1m", now=NOW)
    assert schedules.fire(NOW + MINUTE) == 0
    assert list(schedules.upcoming("s", 1, now=NOW + MINUTE)) == [NOW + 2 * MINUTE]


@pytest.mark.parametrize("on_full", ["reject", "drop_oldest", "coalesce"])
def test_a_payload_that_can_never_fit_stops_its_schedule(
    queue: Queue, schedules: Schedules, on_full: str
) -> None:
    queue.policy(max_bytes=5, on_full=on_full)
    schedules.add("s", "every 1m", "too large for it", now=NOW)
    assert schedules.fire(NOW + MINUTE) == 0
    assert "QK032" in schedules.show("s")["error"]


def test_next_tells_what_is_late_and_will_be_put_and_then_what_is_to_come(schedules: Schedules) -> None:
    late = NOW + 3 * MINUTE + 30_000
    for catch_up, grace, minutes in (
        ("one", None, [3, 4, 5]),
        ("all", None, [1, 2, 3]),
        ("all", "100s", [2, 3, 4]),
        ("one", "10s", [4, 5, 6]),
    ):
        schedules.add(catch_up, "every 1m", catch_up=catch_up, grace=grace, now=NOW)
        told = list(schedules.upcoming(catch_up, 3, now=late))
        assert told == [NOW + minute * MINUTE for minute in minutes]
        schedules.remove(catch_up)


def test_a_schedule_that_is_paused_between_two_steps_does_not_fire(
    queue: Queue, schedules: Schedules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As is one that gets another zone: what was worked out counts only for what was there."""
    for change in ("paused = 1", "zone = 'Asia/Tokyo'", "rule = 'every 2m'"):
        schedules.add("s", "every 1m", now=NOW)
        rows = queue.database.rows("schedule_due", {"now": NOW + MINUTE})
        sqlite3_program(queue.database.path, f"update qk_schedule set {change};")
        with monkeypatch.context() as patch:
            patch.setattr(queue.database, "rows", lambda *_, seen=rows: seen)
            assert schedules.fire(NOW + MINUTE) == 0
        schedules.remove("s")
    assert queue.qsize() == 0
