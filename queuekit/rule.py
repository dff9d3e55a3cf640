"""The rules of schedules: "every 90s", "at TIME" or cron words, and the instants they tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
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


class Rule(Protocol):
    """When a schedule fires: instants in ms since the epoch."""

    def first(self, now: int) -> int | None:
        """The first instant of a schedule that is made now; None if there is none."""

    def after(self, ms: int) -> int | None:
        """The first instant after ms; None if there is none."""

    def last(self, first: int, now: int) -> int:
        """The last instant from first (which is one) to now."""


@dataclass(frozen=True)
class Every:
    """Every so many ms, counted from the first instant."""

    length: int

    def first(self, now: int) -> int:
        """So long after now."""
        return now + self.length

    def after(self, ms: int) -> int:
        """So long after ms, which is an instant."""
        return ms + self.length

    def last(self, first: int, now: int) -> int:
        """The last instant from first to now."""
        return first + (now - first) // self.length * self.length


@dataclass(frozen=True)
class Once:
    """At one moment."""

    at: int

    def first(self, now: int) -> int:
        """The moment, be it in the past."""
        return self.at

    def after(self, ms: int) -> int | None:
        """The moment, if it is still to come."""
        return self.at if self.at > ms else None

    def last(self, first: int, now: int) -> int:
        """The moment."""
        return first


@dataclass(frozen=True)
class Cron:
    """Cron words on the clock of a zone. What falls into the hour that is skipped in spring runs right after it; what
    names an hour that comes twice in autumn runs once, what runs all day long runs in both."""

    words: str
    zone: ZoneInfo

    def first(self, now: int) -> int | None:
        """The first instant after now; None if there is none in the next fifty years."""
        return self.after(now)

    def after(self, ms: int) -> int | None:
        """The first instant after ms; None if there is none in the next fifty years."""
        return next(map(_ms, CronSim(self.words, self._clock(ms))), None)

    def last(self, first: int, now: int) -> int:
        """The last instant from first to now."""
        backwards = CronSim(self.words, self._clock(now) + timedelta(minutes=1), reverse=True)
        return next((at for at in map(_ms, backwards) if at <= now), first)

    def _clock(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms // 1000, self.zone)


def rule(text: str, zone: str = "UTC") -> Rule:
    """The rule that text tells: "every 90s", "at 2030-01-31T09:00:00Z", "@daily" and the like,
    or five or six cron words. Raises Usage."""
    text = text.strip()
    first, _, rest = text.partition(" ")
    if first == "every":
        if (length := milliseconds(rest.strip())) < 1000:
            raise Usage(f"a schedule comes every second at most, not {text!r}")
        return Every(length)
    if first == "at":
        return Once(moment_ms(rest.strip()))
    try:
        words = _NAMED.get(text, text)
        CronSim(words, datetime(2000, 1, 1))
        return Cron(words, ZoneInfo(zone))
    except CronSimError as error:
        raise Usage(f"not a rule: {text!r} ({error}; write cron words, every 90s, or at TIME)") from None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Usage(f"there is no time zone {zone!r}: write Europe/Berlin or the like") from error


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
