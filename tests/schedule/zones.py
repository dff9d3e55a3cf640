"""The changes of clocks that the tests pass through, and words that meet them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from queuekit.durations import moment_ms

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

# (zone, the first ms after a change): by an hour, by half an hour, by two, at midnight, and a day that never was.
CHANGES = [
    (zone, moment_ms(f"{moment}:00Z"))
    for zone, *moments in (
        ("Europe/Berlin", "2026-03-29T01:00", "2026-10-25T01:00"),
        ("America/New_York", "2026-03-08T07:00", "2026-11-01T06:00"),
        ("Australia/Lord_Howe", "2026-10-03T15:30", "2026-04-04T15:00"),
        ("America/Santiago", "2026-09-06T04:00", "2026-04-05T03:00"),
        ("Africa/Cairo", "2026-04-23T22:00", "2026-10-29T21:00"),
        ("Antarctica/Troll", "2026-03-29T01:00", "2026-10-25T01:00"),
        ("Pacific/Apia", "2011-12-30T10:00"),
    )
    for moment in moments
]

TIMES_OF_DAY = ["30 2 * * *", "0,30 0,1,2,3,23 * * *", "15 1-3 * * *", "30 0-23 * * *", "59 23 * * *"]
TIMES_OF_DAY += ["0 0 * * *", "17 1 * * 0", "45 0 */2 * *"]
SHOWN = ["*/10 * * * *", "0 * * * *", "*/30 2 * * *", "*/7 0,23 * * *", "* 1 * * *", "0 */2 * * *"]
SHOWN += ["30 * * * 6,0", "0 30 2 * * *"]


def shows(words: str, zone: str, ms: int) -> bool:
    """True if five of SHOWN mean the minute that the clock of the zone shows at ms."""
    moment = datetime.fromtimestamp(ms // 1000, ZoneInfo(zone))
    fields = zip(
        words.split(), (moment.minute, moment.hour, None, None, moment.isoweekday() % 7), strict=True
    )
    return all(value is None or _is_of(field, value) for field, value in fields)


def _is_of(field: str, value: int) -> bool:
    if field.startswith("*"):
        return value % int(field[2:] or 1) == 0
    return value in map(int, field.split(","))


def changes(zone: str, ms: int) -> bool:
    """True if the clock of the zone changes at ms."""
    before, after = (
        datetime.fromtimestamp(ms // 1000, timezone.utc) - timedelta(seconds=back) for back in (1, 0)
    )
    there = ZoneInfo(zone)
    return before.astimezone(there).utcoffset() != after.astimezone(there).utcoffset()
