"""Around a change of the clock a schedule fires each of its instants once and on time, in every zone."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise, takewhile

import pytest
from zones import CHANGES, DAY, HOUR, MINUTE, SHOWN, TIMES_OF_DAY, changes, shows

from queuekit import Queue, Schedules
from queuekit.durations import moment_ms
from queuekit.rule import rule

CHANGE = pytest.mark.parametrize(
    ("zone", "change"), CHANGES, ids=[f"{zone}-{number}" for number, (zone, _) in enumerate(CHANGES)]
)
WORDS = TIMES_OF_DAY + SHOWN


def instants(words: str, zone: str, since: int, until: int) -> list[int]:
    """The instants after since, each told by the one before it."""
    found, told, at = [], rule(words, zone), since
    while (at := told.after(at) or until + 1) <= until:  # type: ignore[assignment]
        found.append(at)
    return found


@CHANGE
def test_the_clocks_of_these_tests_change(zone: str, change: int) -> None:
    assert changes(zone, change)


@CHANGE
@pytest.mark.parametrize("catch_up", ["one", "skip", "all"])
def test_whoever_looks_each_minute_puts_each_instant_once_and_on_time(
    queue: Queue, schedules: Schedules, zone: str, change: int, catch_up: str
) -> None:
    begin, end = change - 3 * HOUR, change + 3 * HOUR
    expected = {words: instants(words, zone, begin, end) for words in WORDS}
    for words in WORDS:
        schedules.add(words, words, zone=zone, catch_up=catch_up, now=begin)
    for now in range(begin, end + 1, MINUTE):
        due = sum(now - MINUTE < at <= now for found in expected.values() for at in found)
        assert schedules.fire(now) == due, (now - change) / MINUTE
    put = sorted(row["key"] for row in queue.list(limit=10_000))
    assert put == sorted(f"{words}@{at}" for words, found in expected.items() for at in found)


@CHANGE
@pytest.mark.parametrize("words", WORDS)
def test_from_wherever_one_counts_the_instants_are_the_same(zone: str, change: int, words: str) -> None:
    told = rule(words, zone)
    days = 2 if words.endswith("* * *") else 8
    begin, end = change - days * DAY, change + days * DAY
    found = instants(words, zone, begin, end)
    assert all(one < other for one, other in pairwise(found))
    assert list(takewhile(lambda at: at <= end, told.since(found[0], 0))) == found
    for now in (change + step * 10 * MINUTE + 500 for step in range(-24, 24)):
        before = bisect_right(found, now)
        assert told.after(now) == found[before]
        if before:
            assert told.last(found[0], now) == found[before - 1]
            assert told.last(found[before - 1], now) == found[before - 1]


@CHANGE
@pytest.mark.parametrize("words", [words for words in SHOWN if len(words.split()) == 5])
def test_words_that_begin_with_a_star_mean_whatever_the_clock_shows(
    zone: str, change: int, words: str
) -> None:
    begin, end = change - 3 * HOUR, change + 27 * HOUR
    minutes = range(begin + MINUTE, end + 1, MINUTE)
    assert instants(words, zone, begin, end) == [at for at in minutes if shows(words, zone, at)]


@pytest.mark.parametrize(
    ("words", "zone", "now", "first"),
    [
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"),
        ("59 23 * * *", "America/Santiago", "2026-04-05T03:10:00Z", "2026-04-06T03:59:00Z"),
        ("59 23 * * *", "Africa/Cairo", "2026-10-29T21:10:00Z", "2026-10-30T21:59:00Z"),
        ("15 1 * * *", "America/New_York", "2026-11-01T06:05:00Z", "2026-11-02T06:15:00Z"),
    ],
)
def test_a_schedule_that_is_made_in_the_second_of_two_equal_hours_begins_after_it(
    schedules: Schedules, words: str, zone: str, now: str, first: str
) -> None:
    assert schedules.add("s", words, zone=zone, now=moment_ms(now)) == moment_ms(first)


@pytest.mark.parametrize(
    ("words", "zone", "made", "back", "put"),
    [
        ("59 23 * * *", "America/Santiago", "2026-04-05T00:00:00Z", "2026-04-05T03:10:00Z", "02:59"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T01:10:00Z", "00:30"),
        ("*/10 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", "2026-10-25T01:35:00Z", "01:30"),
    ],
)
def test_what_was_missed_is_put_by_who_is_back_in_the_second_of_two_equal_hours(
    queue: Queue, schedules: Schedules, words: str, zone: str, made: str, back: str, put: str
) -> None:
    schedules.add("s", words, zone=zone, grace="1h", now=moment_ms(made))
    assert schedules.fire(moment_ms(back)) == 1
    assert [row["key"] for row in queue.list()] == [f"s@{moment_ms(f'{back[:10]}T{put}:00Z')}"]


def test_nobody_is_kept_busy_in_the_second_of_two_equal_hours(queue: Queue, schedules: Schedules) -> None:
    """An instant that is past would be due at once, again and again."""
    schedules.add("s", "0 * * * *", zone="Europe/Berlin", now=moment_ms("2026-10-24T22:30:00Z"))
    for now in range(moment_ms("2026-10-25T00:00:00Z"), moment_ms("2026-10-25T03:00:00Z"), MINUTE):
        schedules.fire(now)
        due = queue.database.next_due(now)
        assert due is not None
        assert due > now
