"""When a rule fires: cron words on the clock of a zone, every so often, or once."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from queuekit import Usage
from queuekit.durations import iso, moment_ms
from queuekit.rule import Once, rule
from tests.conftest import ROOT


def instants(text: str, zone: str, since: str, count: int) -> list[str]:
    """The next instants on the clock of the zone."""
    told, at, found = rule(text, zone), moment_ms(since), []
    for _ in range(count):
        following = told.after(at)
        assert following is not None
        at = following
        found.append(f"{datetime.fromtimestamp(at / 1000, ZoneInfo(zone)):%d %H:%M%z}")
    return found


def test_cron_words_mean_the_clock_of_the_zone() -> None:
    assert instants("0 3 * * mon-fri", "Europe/Berlin", "2026-01-02T12:00:00Z", 2) == [
        "05 03:00+0100",
        "06 03:00+0100",
    ]
    assert instants("0 3 * * *", "America/New_York", "2026-01-02T12:00:00Z", 1) == ["03 03:00-0500"]
    assert instants("0 3 * * *", "UTC", "2026-01-02T12:00:00Z", 1) == ["03 03:00+0000"]


@pytest.mark.parametrize(
    ("word", "instant"),
    [
        ("@hourly", "01 13:00"),
        ("@daily", "02 00:00"),
        ("@midnight", "02 00:00"),
        ("@weekly", "04 00:00"),
        ("@monthly", "01 00:00"),
        ("@yearly", "01 00:00"),
        ("@annually", "01 00:00"),
    ],
)
def test_the_usual_words_have_names(word: str, instant: str) -> None:
    assert instants(word, "Asia/Tokyo", "2026-01-01T03:30:00Z", 1) == [f"{instant}+0900"]


def test_six_words_name_seconds() -> None:
    told = rule("*/20 0 * * * *")
    at = moment_ms("2026-01-01T00:00:00Z")
    assert told.after(at) == at + 20_000


SPRING, AUTUMN = "2026-03-28T12:00:00+01:00", "2026-10-24T12:00:00+02:00"


def test_a_time_of_day_that_is_skipped_comes_right_after() -> None:
    assert instants("30 2 * * *", "Europe/Berlin", SPRING, 2) == ["29 03:00+0200", "30 02:30+0200"]
    assert instants("30 3 * * *", "Europe/Berlin", SPRING, 2) == ["29 03:30+0200", "30 03:30+0200"]
    assert instants("0,30 2,3 * * *", "Europe/Berlin", SPRING, 3) == [
        "29 03:00+0200",
        "29 03:30+0200",
        "30 02:00+0200",
    ]


def test_what_the_clock_does_not_show_in_spring_does_not_come_if_it_is_no_time_of_day() -> None:
    assert instants("*/30 2 * * *", "Europe/Berlin", SPRING, 2) == ["30 02:00+0200", "30 02:30+0200"]
    assert instants("* 2 * * *", "Europe/Berlin", SPRING, 1) == ["30 02:00+0200"]
    assert instants("0 30 2 * * *", "Europe/Berlin", SPRING, 1) == ["30 02:30+0200"]


def test_a_time_of_day_that_comes_twice_comes_the_first_time() -> None:
    assert instants("30 2 * * *", "Europe/Berlin", AUTUMN, 2) == ["25 02:30+0200", "26 02:30+0100"]
    assert instants("30 0-23 * * *", "Europe/Berlin", "2026-10-25T01:45:00+02:00", 2) == [
        "25 02:30+0200",
        "25 03:30+0100",
    ]


def test_what_is_no_time_of_day_comes_as_often_as_the_clock_shows_it() -> None:
    since = "2026-10-25T01:45:00+02:00"
    assert instants("*/30 * * * *", "Europe/Berlin", since, 5) == [
        "25 02:00+0200",
        "25 02:30+0200",
        "25 02:00+0100",
        "25 02:30+0100",
        "25 03:00+0100",
    ]
    assert instants("30 * * * *", "Europe/Berlin", since, 3) == [
        "25 02:30+0200",
        "25 02:30+0100",
        "25 03:30+0100",
    ]
    assert instants("0 30 2 * * *", "Europe/Berlin", since, 2) == ["25 02:30+0200", "25 02:30+0100"]


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("at 2026-06-01T09:00", "UTC", "2026-06-01T09:00:00Z"),
        ("at 2026-06-01T09:00", "Europe/Berlin", "2026-06-01T07:00:00Z"),
        ("at 2026-06-01", "Asia/Tokyo", "2026-05-31T15:00:00Z"),
        ("at 2026-06-01T09:00-04:00", "Europe/Berlin", "2026-06-01T13:00:00Z"),
        ("at 1780304400", "Europe/Berlin", "2026-06-01T09:00:00Z"),
    ],
)
def test_a_time_without_a_zone_is_on_the_clock_of_the_schedule(text: str, zone: str, moment: str) -> None:
    assert rule(text, zone) == Once(moment_ms(moment))


def test_a_long_absence_is_looked_through_at_once() -> None:
    """An instant a second for ten years is not counted one by one."""
    told, first = rule("* * * * * *", "Europe/Berlin"), moment_ms("2016-01-01T00:00:00Z")
    now = moment_ms("2026-01-01T00:00:00Z")
    assert told.last(first, now + 500) == now
    assert rule("0 0 29 2 *", "Europe/Berlin").last(first, now) == moment_ms("2024-02-28T23:00:00Z")


WITHOUT_ZONES = """
import sys
sys.modules["tzdata"] = None
from queuekit.rule import rule
assert rule("0 3 * * *").after(0) == 3 * 3_600_000
"""


def test_utc_needs_no_zones_and_the_package_brings_those_that_a_system_lacks() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_ZONES], env={**os.environ, "PYTHONTZPATH": ""}, check=True)
    (line,) = [line for line in (ROOT / "pyproject.toml").read_text().splitlines() if '"tzdata' in line]
    assert ";" not in line


@pytest.mark.parametrize("since", [SPRING, AUTUMN])
def test_every_counts_seconds_not_the_hands_of_a_clock(since: str) -> None:
    told, at = rule("every 12h", "Europe/Berlin"), moment_ms(since)
    assert told.after(at) == at + 12 * 3_600_000


@pytest.mark.parametrize("text", ["30 2 * * *", "0 0 1 * *", "*/7 * * * *", "every 90s"])
@pytest.mark.parametrize("since", [SPRING, AUTUMN, "2026-06-01T00:00:00Z"])
def test_the_last_of_many_is_the_one_before_the_next(text: str, since: str) -> None:
    told, first = rule(text, "Europe/Berlin"), rule(text, "Europe/Berlin").after(moment_ms(since))
    assert first is not None
    many = list(islice(iterate(text, first), 60))
    for now in (many[-1], many[-1] + 1, many[30] - 1, first):
        assert told.last(first, now) == max(at for at in many if at <= now), iso(now)


def iterate(text: str, at: int | None):  # type: ignore[no-untyped-def]
    while at is not None:
        yield at
        at = rule(text, "Europe/Berlin").after(at)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("61 * * * *", "UTC"),
        ("0 0 30 2 *", "UTC"),
        ("", "UTC"),
        ("every", "UTC"),
        ("every now and then", "UTC"),
        ("every 0", "UTC"),
        ("every 999ms", "UTC"),
        ("at tea", "UTC"),
        ("* * * * *", "Nowhere/Town"),
        ("* * * * *", "/etc/passwd"),
        ("* * * * *", "../x"),
        ("* * * * *", ""),
        ("every 1m", "Mars/X"),
        ("every 40000d", "UTC"),
        ("at 2026-06-01", "Mars/X"),
        ("at 9999-12-31T23:59:59-14:00", "UTC"),
    ],
)
def test_what_is_no_rule_or_zone_is_refused_in_a_sentence(text: str, zone: str) -> None:
    with pytest.raises(Usage, match=r"not a|zone|second|calendars"):
        rule(text, zone)
