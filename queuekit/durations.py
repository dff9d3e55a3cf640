"""Lengths and moments as people write them (the same as bin/qk takes), in milliseconds as the file keeps them."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal

from queuekit.errors import Usage

_UNITS = {"ms": 1, "": 1000, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_FOREVER = 1e12  # seconds
_LENGTH = re.compile(r"(?=\.?[0-9])([0-9]{0,15}(?:\.[0-9]{1,9})?)(ms|s|m|h|d|w|)")
_EPOCH = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,9})?")
_RATE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(?:/(?=.)([0-9.]*)(ms|s|m|h|d|w|))?")
_LONGEST_PERIOD = 9_000_000_000  # ms; so that bash counts it, too
_ISO = re.compile(
    r"""([0-9]{4}-[0-9]{2}-[0-9]{2})
        (?: [T ] ((?:[01][0-9]|2[0-3]) : [0-5][0-9]) (?: (:[0-5][0-9]) (\.[0-9]+)? )?
            (Z | [+-] (?:0[0-9]|1[0-4]) : [0-5][0-9])? )?""",
    re.VERBOSE,
)

Duration = float | int | str | timedelta
"""A length: seconds, text such as 90, 1.5, 500ms, 10m, 2h, 7d, or a timedelta."""

Moment = float | int | str | datetime
"""A point in time: seconds since the epoch, ISO text (no zone = local time), or a datetime."""


def now_ms() -> int:
    """The moment, in integer milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def milliseconds(length: Duration) -> int:
    """The length in ms, at least 0. Raises Usage."""
    if isinstance(length, timedelta):
        length = length.total_seconds()
    if isinstance(length, str):
        match = _LENGTH.fullmatch(length)
        if not match:
            raise Usage(f"not a duration: {length!r} (write 90, 1.5, 500ms, 10m, 2h or 7d)")
        length = float(match[1]) * _UNITS[match[2]] / 1000
    if not 0 <= length < _FOREVER:
        raise Usage(f"not a duration: {length!r} (a number of seconds from 0 to {_FOREVER:.0e})")
    return int(float(length) * 1000 + 0.5)


def each_us(rate: float | str) -> int:
    """Microseconds from one to the next at a rate of "10/1m" (ten a minute), or so many a second. Raises Usage."""
    count, period = _counted(rate) if isinstance(rate, str) else (rate, 1000)
    if not 0 <= count < 1_000_000 or not 0 < period <= _LONGEST_PERIOD:
        raise Usage(f"not a rate: {rate!r} (write 10/1m, 5/s or a number a second)")
    return max(1, int(period * 1000 / Decimal(count) + Decimal("0.5"))) if count else 0


def moment_ms(moment: Moment, zone: tzinfo | None = None) -> int:
    """The moment in ms since the epoch; ISO text without a zone is on the clock of zone (None: local). Raises Usage."""
    if isinstance(moment, str):
        moment = _parse(moment)
        if isinstance(moment, datetime) and moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
    if isinstance(moment, datetime):
        moment = _timestamp(moment)
    if not 0 <= moment < _FOREVER:
        raise Usage(f"not a time: {moment!r} (seconds since the epoch, or ISO such as 2030-01-31T09:00:00Z)")
    return int(float(moment) * 1000 + 0.5)


def iso(ms: int) -> str:
    """The moment as ISO text in UTC, to the millisecond; the number itself where no calendar has the year."""
    try:
        utc = datetime.fromtimestamp(ms // 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return str(ms)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def positive_milliseconds(length: Duration) -> int:
    """As milliseconds, and more than 0. Raises Usage."""
    if ms := milliseconds(length):
        return ms
    raise Usage(f"must be longer than 0: {length!r}")


def _counted(rate: str) -> tuple[Decimal, int]:
    if not (match := _RATE.fullmatch(rate)):
        return Decimal(-1), 0
    count, number, unit = match.groups()
    return Decimal(count), milliseconds((number or "1") + (unit or ""))


def _timestamp(moment: datetime) -> float:
    try:
        return moment.timestamp()
    except (ValueError, OverflowError):  # a year that this machine's clock cannot count
        return -1


def _parse(text: str) -> datetime | float:
    if _EPOCH.fullmatch(text):
        return float(text)
    if match := _ISO.fullmatch(text):
        day, time, seconds, fraction, zone = match.groups()
        with suppress(ValueError):  # 30 February
            moment = datetime.fromisoformat(
                f"{day}T{time or '00:00'}{seconds or ':00'}{(zone or '').replace('Z', '+00:00')}"
            )
            return moment + timedelta(seconds=float(fraction or 0))
    raise Usage(f"not a time: {text!r} (write 2030-01-31T09:00:00Z, or seconds since the epoch)")
