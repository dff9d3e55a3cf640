"""The rules of schedules: "every 90s", "at TIME" or cron words, and the instants they tell."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from heapq import merge
from itertools import takewhile
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from queuekit.durations import milliseconds, moment_ms
from queuekit.errors import Usage

# What cron calls its usual words.
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_MINUTE, _HOUR, _DAY, _YEAR = 60_000, 3_600_000, 86_400_000, 31_622_400_000
_END = 253_402_300_799_999  # the last ms of the year 9999, where calendars end
_GIVE_UP = 50 * _YEAR  # words that have no instant for so long have none
# How far back the last instant is looked for: most words have one in a short time, which is walked through at once.
_WINDOWS = (_MINUTE, _HOUR, _DAY, 8 * _DAY, 32 * _DAY, 400 * _DAY, 9 * _YEAR, _END)


class Rule(Protocol):
    """When a schedule fires: instants in ms since the epoch, the same ones wherever one begins to count."""

    def first(self, now: int) -> int | None:
        """The first instant of a schedule that is made now; None if there is none."""

    def after(self, ms: int) -> int | None:
        """The first instant after ms; None if there is none."""

    def last(self, first: int, now: int) -> int:
        """The last instant from first (which counts as one) to now."""

    def since(self, first: int, oldest: int) -> Iterator[int]:
        """The instants from first (which counts as one) on, in order, without those before oldest."""


@dataclass(frozen=True)
class Every:
    """Every so many ms, counted from the first instant."""

    length: int

    def first(self, now: int) -> int | None:
        """So long after now."""
        return self.after(now)

    def after(self, ms: int) -> int | None:
        """So long after ms, which is an instant."""
        return ms + self.length if ms + self.length <= _END else None

    def last(self, first: int, now: int) -> int:
        """The last instant from first to now."""
        return first + (now - first) // self.length * self.length

    def since(self, first: int, oldest: int) -> Iterator[int]:
        """The instants from first on, without those before oldest."""
        start = first if first >= oldest else self.last(first, oldest + self.length - 1)
        return iter(range(start, _END + 1, self.length))


@dataclass(frozen=True)
class Once:
    """At one moment."""

    at: int

    def first(self, now: int) -> int | None:
        """The moment, be it in the past."""
        return self.at

    def after(self, ms: int) -> int | None:
        """The moment, if it is still to come."""
        return self.at if self.at > ms else None

    def last(self, first: int, now: int) -> int:
        """The moment; first, if it is still to come."""
        return self.at if first < self.at <= now else first

    def since(self, first: int, oldest: int) -> Iterator[int]:
        """First, and the moment if it is still to come, unless they are before oldest."""
        return (at for at in (first, self.after(first)) if at is not None and at >= oldest)


@dataclass(frozen=True)
class Cron:
    """Cron words on the clock of a zone. How the two changes of that clock are met depends on the words.

    Minute and hour without a star in front ("30 2 * * *", "0 1-3 * * *", "30 0-23 * * *") are times of day: what falls
    into the time that is skipped comes once, right after it; what names a time that comes twice comes the first time.
    Others ("*/30 * * * *", "0 * * * *", "*/30 2 * * *"), and all six words, are whenever the clock shows it: what falls
    into the time that is skipped does not come, and what the clock shows twice comes twice.
    """

    words: str
    zone: tzinfo

    def first(self, now: int) -> int | None:
        """The first instant after now; None if there is none in the next fifty years."""
        return self.after(now)

    def after(self, ms: int) -> int | None:
        """The first instant after ms; None if there is none in the next fifty years."""
        return next(self._after(ms), None)

    def last(self, first: int, now: int) -> int:
        """The last instant from first to now, found by going forward: so it is always one that after tells, too."""
        for window in _WINDOWS:
            start = max(first, now - window)
            if found := deque(takewhile(lambda at: at <= now, self._after(start)), maxlen=1):
                return found[0]
            if start == first:
                break
        return first

    def since(self, first: int, oldest: int) -> Iterator[int]:
        """First, and the instants after it, without those before oldest."""
        if first >= oldest:
            yield first
        yield from self._after(max(first, oldest - 1))

    def _after(self, ms: int) -> Iterator[int]:
        """All instants after ms, in order, each once, until there is none for fifty years or the calendar ends."""
        last = ms
        try:
            for at in self._times_of_day(ms) if self._names_a_time() else self._shown(ms):
                if at - last > _GIVE_UP:
                    return
                # Two times of the skipped hour are one instant; in the second of two equal hours the first's are over.
                if at > last:
                    yield at
                    last = at
        except (OverflowError, ValueError):
            return

    def _names_a_time(self) -> bool:
        return CronSim(self.words, datetime(2000, 1, 1, tzinfo=self.zone)).fixup_tz is not None

    def _times_of_day(self, ms: int) -> Iterator[int]:
        return (int(moment.timestamp()) * 1000 for moment in CronSim(self.words, self._clock(ms)))

    def _shown(self, ms: int) -> Iterator[int]:
        """As if the clock never changed, for each distance from UTC that the zone has; what is true of them is it.

        (cronsim goes by whole hours across a change, and so past instants where a clock changes by half an hour.)
        """
        distances = {self._distance(ms + days * _DAY) for days in range(0, 400, 8)}
        each = [self._at_distance(ms, distance) for distance in sorted(distances)]
        return (at for at, distance in merge(*each) if self._distance(at) == distance)

    def _at_distance(self, ms: int, distance: timedelta) -> Iterator[tuple[int, timedelta]]:
        start = datetime.fromtimestamp(ms // 1000, timezone.utc) + distance
        for shown in CronSim(self.words, start):
            yield int((shown - distance).timestamp()) * 1000, distance

    def _distance(self, ms: int) -> timedelta:
        return self._clock(ms).utcoffset() or timedelta()

    def _clock(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms // 1000, self.zone)


def rule(text: str, zone: str = "UTC") -> Rule:
    """The rule that text tells on the clock of zone: "every 90s", "at 2030-01-31T09:00", "@daily" and the like,
    or five or six cron words. Raises Usage."""
    text, clock = text.strip(), _zone(zone)
    first, _, rest = text.partition(" ")
    if first == "every":
        if not 1000 <= (length := milliseconds(rest.strip())) <= 100 * _YEAR:
            raise Usage(
                f"a schedule comes every second at most and in a hundred years at least, not {text!r}"
            )
        return Every(length)
    if first == "at":
        if (moment := moment_ms(rest.strip(), clock)) > _END:
            raise Usage(f"calendars end with the year 9999, before {rest.strip()!r}")
        return Once(moment)
    words = _NAMED.get(text, text)
    try:
        CronSim(words, datetime(2000, 1, 1))
    except (CronSimError, ValueError) as error:
        raise Usage(f"not a rule: {text!r} ({error}; write cron words, every 90s, or at TIME)") from None
    return Cron(words, clock)


def _zone(name: str) -> tzinfo:
    if name == "UTC":  # is there even where no zones are
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Usage(f"there is no time zone {name!r}: write Europe/Berlin or the like") from error
