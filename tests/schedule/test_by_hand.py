"""Schedules written and changed in plain SQL: what is wrong is refused, or stops its schedule and no other."""

from __future__ import annotations

import subprocess

import pytest

from queuekit import Queue, Schedules
from queuekit.durations import moment_ms
from tests.conftest import sqlite3_program

NOW = moment_ms("2026-06-01T12:00:00Z")
MINUTE = 60_000
END = 253_402_300_799_999  # the last ms of the year 9999


def sql(queue: Queue, text: str) -> str:
    return sqlite3_program(queue.database.path, text)


def insert(queue: Queue, name: str, rule: str, **columns: object) -> None:
    names = ", ".join(["name", "rule", *columns])
    values = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in columns.values())
    values = f"'{name}', '{rule}'" + (f", {values}" if columns else "")
    sql(queue, f"insert into qk_schedule ({names}) values ({values});")


def told(schedules: Schedules, name: str) -> tuple[object, object, object]:
    row = schedules.show(name)
    return row["next_at"], row["ended"], row["error"]


def keys(queue: Queue) -> list[str]:
    return sorted(row["key"] for row in queue.list(limit=100))


def test_a_schedule_may_be_written_in_plain_sql(queue: Queue, schedules: Schedules) -> None:
    insert(queue, "s", "every 1m", payload="x", priority="high", require="gpu b")
    schedules.fire(NOW)
    schedules.fire(NOW + MINUTE)
    assert keys(queue) == [f"s@{NOW + MINUTE}"]
    assert sql(queue, "select priority, lane from qk_task;") == "10|b gpu\n"


def test_a_schedule_written_by_hand_can_be_run_before_its_first_instant(
    queue: Queue, schedules: Schedules
) -> None:
    insert(queue, "s", "every 1m")
    schedules.run_now("s", now=NOW)
    assert [schedules.fire(NOW), schedules.fire(NOW + MINUTE)] == [0, 1]


def test_the_name_of_a_priority_is_looked_up_when_it_fires(queue: Queue, schedules: Schedules) -> None:
    insert(queue, "s", "every 1m", priority="high", next_at=NOW)
    sql(queue, "update qk_priority set value = 11 where name = 'high';")
    schedules.fire(NOW)
    assert queue.show(1)["priority"] == 11


@pytest.mark.parametrize(
    ("rule", "columns"),
    [
        ("sometimes", {}),
        ("every 0", {}),
        ("every 1m", {"zone": "Mars/X"}),
        ("at 9999-12-31T23:59:59-14:00", {}),
        ("at 2026-13-01", {}),
    ],
)
def test_a_rule_that_is_none_stops_its_schedule_and_no_other(
    queue: Queue, schedules: Schedules, rule: str, columns: dict[str, object]
) -> None:
    insert(queue, "bad", rule, **columns)
    schedules.add("good", "every 1m", now=NOW)
    assert schedules.fire(NOW + MINUTE) == 1
    assert told(schedules, "good")[2] is None
    assert told(schedules, "bad")[2]
    assert queue.database.next_due() == NOW + 2 * MINUTE


@pytest.mark.parametrize("rule", ["0 * * * *", "0 0 1 1 *", "every 1m", "at 2026-06-01T12:00:00Z"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("catch_up", ["one", "all", "skip"])
def test_at_the_ends_of_the_calendar_nothing_breaks(
    queue: Queue, schedules: Schedules, rule: str, zone: str, catch_up: str
) -> None:
    insert(queue, "early", rule, zone=zone, catch_up=catch_up, next_at=0)
    insert(queue, "late", rule, zone=zone, catch_up=catch_up, next_at=END)
    schedules.add("good", "every 1m", now=NOW)
    schedules.fire(MINUTE)
    schedules.fire(END)
    assert told(schedules, "late") == (None, 1, None) or rule.startswith("at")
    assert told(schedules, "good")[2] is None
    assert list(schedules.upcoming("late", now=END))[1:] == []


def test_what_stops_a_schedule_when_it_fires_stops_it_alone(queue: Queue, schedules: Schedules) -> None:
    sql(queue, "insert into qk_priority values ('odd', 5);")
    insert(queue, "bad", "every 1m", next_at=NOW, priority="odd")
    sql(queue, "delete from qk_priority where name = 'odd';")
    schedules.add("good", "every 1m", now=NOW)
    assert schedules.fire(NOW + MINUTE) == 1
    assert "QK018" in str(told(schedules, "bad")[2])
    assert schedules.fire(NOW + 2 * MINUTE) == 1


@pytest.mark.parametrize(
    ("code", "column", "value"),
    [
        ("QK029", "next_at", "-1"),
        ("QK029", "next_at", "-100000000000000000"),
        ("QK029", "next_at", "900000000000000000"),
        ("QK029", "next_at", "'soon'"),
        ("QK029", "grace_ms", "-1"),
        ("QK029", "grace_ms", "9000000000000000000"),
        ("QK029", "jitter_ms", "9000000000000000000"),
        ("QK029", "ended", "2"),
        ("QK013", "queue", "''"),
        ("QK014", "kind", "cast(x'6100' as text)"),
        ("QK015", "payload", "x'00'"),
        ("QK018", "priority", "'urgent'"),
        ("QK019", "max_attempts", "0"),
        ("QK019", "lease_ms", "0"),
        ("QK019", "within_ms", "'x'"),
        ("QK025", "require", "'gpu*'"),
        ("QK028", "group_key", "'g'"),
        ("QK028", "share", "'s'"),
    ],
)
def test_what_could_not_fire_is_refused_when_it_is_written(
    queue: Queue, code: str, column: str, value: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        sql(queue, f"insert into qk_schedule (name, rule, {column}) values ('s', 'every 1m', {value});")
    assert code in refused.value.stderr
    sql(queue, "insert into qk_schedule (name, rule) values ('s', 'every 1m');")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        sql(queue, f"update qk_schedule set {column} = {value};")
    assert code in refused.value.stderr


@pytest.mark.parametrize("change", ["rule = '0 6 * * *'", "zone = 'Asia/Tokyo'"])
def test_another_rule_or_zone_has_other_instants(queue: Queue, schedules: Schedules, change: str) -> None:
    schedules.add("s", "0 5 * * *", now=NOW)
    sql(queue, f"update qk_schedule set {change};")
    assert told(schedules, "s") == (None, 0, None)
    schedules.fire(NOW)
    expected = "2026-06-02T06:00:00Z" if "rule" in change else "2026-06-01T20:00:00Z"
    assert told(schedules, "s") == (moment_ms(expected), 0, None)


def test_a_schedule_that_an_error_stopped_goes_on_with_another_rule(
    queue: Queue, schedules: Schedules
) -> None:
    insert(queue, "s", "sometimes")
    schedules.fire(NOW)
    sql(queue, "update qk_schedule set rule = 'every 1m';")
    assert [schedules.fire(NOW), schedules.fire(NOW + MINUTE)] == [0, 1]


def test_a_schedule_that_has_ended_goes_on_with_another_rule(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "at 2026-06-01T12:00:00Z", now=NOW)
    assert schedules.fire(NOW) == 1
    sql(queue, "update qk_schedule set rule = 'at 2026-06-01T12:01:00Z';")
    assert schedules.fire(NOW + MINUTE) == 1


def test_an_error_is_tried_again_by_resume(queue: Queue, schedules: Schedules) -> None:
    insert(queue, "s", "every 1m", zone="Mars/X")
    schedules.fire(NOW)
    assert told(schedules, "s")[2]
    schedules.resume("s")
    assert told(schedules, "s")[2] is None
    assert queue.database.next_due() == 0


@pytest.mark.parametrize("catch_up", ["one", "all", "skip"])
@pytest.mark.parametrize("rule", ["0 5 * * *", "every 1h", "at 2026-07-01T00:00:00Z"])
def test_a_next_instant_that_is_set_by_hand_is_one(
    queue: Queue, schedules: Schedules, catch_up: str, rule: str
) -> None:
    schedules.add("s", rule, catch_up=catch_up, now=NOW)
    sql(queue, f"update qk_schedule set next_at = {NOW + 7000};")
    assert schedules.fire(NOW + 8000) == 1
    assert keys(queue) == [f"s@{NOW + 7000}"]
    following = {"0": "2026-06-02T05:00:00Z", "e": "2026-06-01T13:00:07Z", "a": "2026-07-01T00:00:00Z"}
    assert told(schedules, "s")[0] == moment_ms(following[rule[0]])


def test_a_next_instant_that_comes_with_another_rule_counts(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "0 5 * * *", now=NOW)
    sql(queue, f"update qk_schedule set rule = '0 6 * * *', next_at = {NOW};")
    assert schedules.fire(NOW) == 1


@pytest.mark.parametrize("rule", ["every 1h", "at 2020-01-01T00:00:00Z"])
def test_a_schedule_that_has_ended_or_is_stopped_goes_on_where_it_is_told(
    queue: Queue, schedules: Schedules, rule: str
) -> None:
    schedules.add("s", "at 2024-01-01T00:00:00Z", now=NOW)
    schedules.fire(NOW)
    sql(queue, f"update qk_schedule set rule = '{rule}', next_at = {NOW + 7000};")
    insert(queue, "t", "no rule")
    schedules.fire(NOW)
    sql(queue, f"update qk_schedule set rule = '{rule}', next_at = {NOW + 7000} where name = 't';")
    assert schedules.fire(NOW + 7000) == 2


def test_an_add_with_another_rule_keeps_the_next_instant_that_both_have(
    queue: Queue, schedules: Schedules
) -> None:
    """Else it would be lost if nobody were there to fire it."""
    schedules.add("s", "0 13 * * *", now=NOW)
    schedules.add("s", "0 13 * * mon", now=NOW)
    assert schedules.fire(NOW + 90 * MINUTE) == 1
