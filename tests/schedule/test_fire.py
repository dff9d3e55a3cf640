"""A schedule puts one task for each of its instants, whoever looks, and however late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

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
    assert list(schedules.upcoming("s", 1)) == [NOW + 11 * MINUTE]


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
    assert list(schedules.upcoming("s")) == []


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


def test_run_now_leaves_the_next_instant(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1m", now=NOW)
    schedules.run_now("s", now=NOW + 1000)
    assert queue.qsize() == 1
    assert list(schedules.upcoming("s", 1)) == [NOW + MINUTE]


def test_a_new_rule_takes_the_place_of_the_old_one(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1m", "old", now=NOW)
    schedules.add("s", "every 5m", "new", now=NOW)
    schedules.fire(NOW + 5 * MINUTE)
    assert (put(queue), len(schedules.list())) == ([5], 1)


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


def test_a_schedule_may_be_written_in_plain_sql(queue: Queue, schedules: Schedules) -> None:
    sqlite3_program(
        queue.database.path, "insert into qk_schedule (name, rule, payload) values ('s', 'every 1m', 'x');"
    )
    schedules.fire(NOW)
    schedules.fire(NOW + MINUTE)
    assert put(queue) == [1]


def test_a_rule_that_is_none_stops_its_schedule_and_no_other(queue: Queue, schedules: Schedules) -> None:
    sqlite3_program(queue.database.path, "insert into qk_schedule (name, rule) values ('bad', 'sometimes');")
    schedules.add("good", "every 1m", now=NOW)
    assert schedules.fire(NOW + MINUTE) == 1
    told = {row["name"]: row["error"] for row in schedules.list()}
    assert told["good"] is None
    assert "not a rule" in told["bad"]
    assert queue.database.next_due() == NOW + 2 * MINUTE


@pytest.mark.parametrize(
    ("column", "value"), [("queue", "''"), ("kind", "cast(x'6100' as text)"), ("payload", "x'00'")]
)
def test_a_schedule_whose_task_no_law_lets_in_stops_alone(
    queue: Queue, schedules: Schedules, column: str, value: str
) -> None:
    columns = (
        f"insert into qk_schedule (name, rule, next_at, {column}) values ('bad', 'every 1m', {NOW}, {value});"
    )
    sqlite3_program(queue.database.path, columns)
    schedules.add("good", "every 1m", now=NOW)
    assert schedules.fire(NOW + MINUTE) == 1
    assert "QK01" in {row["name"]: row["error"] for row in schedules.list()}["bad"]
    assert schedules.fire(NOW + 2 * MINUTE) == 1


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
    queue.policy(max_bytes=5, on_full="drop_oldest")
    schedules.add("s", "every 1m", "too large for it", now=NOW)
    assert schedules.fire(NOW + MINUTE) == 0
    assert list(schedules.upcoming("s", 1)) == [NOW + 2 * MINUTE]


def test_a_moment_in_the_past_is_as_late_as_it_is(queue: Queue, schedules: Schedules) -> None:
    for catch_up in ("one", "all", "skip"):
        assert schedules.add(catch_up, "at 2020-01-01T00:00:00Z", catch_up=catch_up, now=NOW)
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


def test_a_schedule_written_by_hand_can_be_run_before_its_first_instant(
    queue: Queue, schedules: Schedules
) -> None:
    sqlite3_program(queue.database.path, "insert into qk_schedule (name, rule) values ('s', 'every 1m');")
    schedules.run_now("s", now=NOW)
    assert [schedules.fire(NOW), schedules.fire(NOW + MINUTE)] == [0, 1]


def test_many_that_look_at_once_fire_each_instant_once(queue: Queue) -> None:
    """Eight threads with connections of their own, and an instant every second for 200 seconds."""
    Schedules(queue.database).add("s", "every 1s", catch_up="all", now=NOW)

    def look() -> None:
        with Queue(queue.database.path) as mine:
            for second in range(1, 201):
                Schedules(mine.database).fire(NOW + second * 1000)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [row["key"] for row in queue.list(limit=1000)]
    assert sorted(keys) == sorted(f"s@{NOW + second * 1000}" for second in range(1, 201))


FIRING = """
import sys
from queuekit import Queue, Schedules
schedules = Schedules(Queue(sys.argv[1]).database)
for second in range(1, 100_000):
    schedules.fire(int(sys.argv[2]) + second * 1000)
    print(second, flush=True)
"""


def test_a_kill_between_two_steps_loses_no_instant_and_doubles_none(
    queue: Queue, schedules: Schedules
) -> None:
    schedules.add("s", "every 1s", catch_up="all", now=NOW)
    reached = 0
    for _ in range(12):
        command = [sys.executable, "-c", FIRING, str(queue.database.path), str(NOW)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        while reached == 0 or int(process.stdout.readline() or 0) < reached + 40:
            reached = reached or 1
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        reached = max((int(row["key"].rpartition("@")[2]) - NOW) // 1000 for row in queue.list(limit=1))
    schedules.fire(NOW + (reached + 5) * 1000)
    keys = {row["key"] for row in queue.list(limit=100_000)}
    assert keys == {f"s@{NOW + second * 1000}" for second in range(1, reached + 6)}
    assert len(keys) == queue.qsize()


def test_a_consumer_that_sleeps_is_woken_by_the_instant(tmp_path: Path) -> None:
    with Queue(tmp_path / "queue.db", fallback=600) as queue:
        Schedules(queue.database).add("s", "every 1s", "wake up")
        assert queue.get(timeout=60).payload == "wake up"


def test_a_worker_fires_too(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1s", "x", queue="work")
    command = [
        sys.executable,
        "-m",
        "queuekit",
        "work",
        "work",
        "--exec",
        "true",
        "--db",
        str(queue.database.path),
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not Queue(queue.database, "work").list(state="done"):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            process.terminate()
