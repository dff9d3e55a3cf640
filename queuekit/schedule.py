"""Schedules: tasks that come again and again, or once at a time.

Here the instants of a rule are worked out. schedule_fire.sql puts their tasks and moves the schedule on, in one
statement, only if nobody else has: with any number of daemons each instant becomes one task.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from queuekit.database import Database
from queuekit.durations import Duration, milliseconds, moment_ms, now_ms
from queuekit.errors import BadPayload, Full, NoTask, Refused, Usage
from queuekit.logs import say
from queuekit.model import encode

_MOST = 1000  # instants that are put by one statement
_SKIP_GRACE_MS = 60_000  # with catch_up skip an instant may be so late and is still put
_CATCH_UP = ("skip", "one", "all")


class Rule(Protocol):
    """When a schedule fires: instants in ms since the epoch."""

    def after(self, ms: int) -> int | None:
        """The first instant after ms; None if there is none."""

    def last(self, first: int, now: int) -> int:
        """The last instant from first (which is one) to now."""


@dataclass(frozen=True)
class Every:
    """Every so many ms, counted from the first instant."""

    length: int

    def after(self, ms: int) -> int:
        """So long after ms, which is an instant, or the moment of the beginning."""
        return ms + self.length

    def last(self, first: int, now: int) -> int:
        """The last instant from first to now."""
        return first + (now - first) // self.length * self.length


@dataclass(frozen=True)
class Once:
    """At one moment."""

    at: int

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
    """The rule that text tells: "every 90s", "at 2030-01-31T09:00:00Z", or five or six cron words. Raises Usage."""
    first, _, rest = text.strip().partition(" ")
    if first == "every":
        if (length := milliseconds(rest.strip())) < 1000:
            raise Usage(f"a schedule comes every second at most, not {text!r}")
        return Every(length)
    if first == "at":
        return Once(moment_ms(rest.strip()))
    try:
        CronSim(text.strip(), datetime(2000, 1, 1))
        return Cron(text.strip(), ZoneInfo(zone))
    except CronSimError as error:
        raise Usage(f"not a rule: {text!r} ({error}; write cron words, every 90s, or at TIME)") from None
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Usage(f"there is no time zone {zone!r}: write Europe/Berlin or the like") from error


class Schedules:
    """The schedules of a file. now, wherever it is taken, is ms since the epoch, for tests."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(
        self,
        name: str,
        when: str,
        payload: Any = None,
        *,
        zone: str = "UTC",
        queue: str = "default",
        kind: str = "",
        priority: int | str = 0,
        catch_up: str = "one",
        grace: Duration | None = None,
        jitter: Duration = 0,
        now: int | None = None,
    ) -> int | None:
        """Make a schedule, or another of one that there is; its first instant in ms, None if that is in the past.

        when is cron words on the clock of zone, "every 90s" or "at TIME". Of the instants that are late, because nobody
        was there to fire them, catch_up puts one (the last), all, or (skip) the last if it is of this minute; none is
        put that is late by more than grace. Each runs up to jitter later. Raises Usage.
        """
        if catch_up not in _CATCH_UP:
            raise Usage(f"catch_up is skip, one or all, not {catch_up!r}; nothing was scheduled")
        first = rule(when, zone).after(now_ms() if now is None else now)
        given: dict[str, Any] = {
            "name": name,
            "rule": when,
            "zone": zone,
            "queue": queue,
            "kind": kind,
            "priority": priority,
        }
        given |= {"payload": encode(payload), "catch_up": catch_up, "jitter_ms": milliseconds(jitter)}
        given |= {"grace_ms": None if grace is None else milliseconds(grace), "next_at": first}
        self.database.run("schedule_add", given)
        return first

    def list(self) -> list[dict[str, Any]]:
        """All schedules, by name (columns of schedule_list.sql)."""
        return self.database.rows("schedule_list", {})

    def upcoming(self, name: str, count: int = 5, *, now: int | None = None) -> Iterator[int]:
        """The next instants of a schedule in ms, count at most. Raises NoTask, Usage."""
        row = self._row(name)
        if row["next_at"] is None and row["last_at"] is not None:
            return iter(())
        moment = now_ms() if now is None else now
        first = row["next_at"] or rule(row["rule"], row["zone"]).after(moment)
        return islice(_from(rule(row["rule"], row["zone"]), first), count)

    def run_now(self, name: str, *, now: int | None = None) -> None:
        """Put a task of the schedule now; its next instant stays. Raises NoTask, Full."""
        self._one("schedule_run", {"name": name, "now": now})

    def pause(self, name: str) -> None:
        """Let it not fire until it is resumed. Raises NoTask."""
        self._one("schedule_pause", {"name": name, "paused": 1})

    def resume(self, name: str) -> None:
        """Let it fire again. Raises NoTask."""
        self._one("schedule_pause", {"name": name, "paused": 0})

    def remove(self, name: str) -> None:
        """Forget it; the tasks that it has put stay. Raises NoTask."""
        self._one("schedule_remove", {"name": name})

    def fire(self, now: int | None = None) -> int:
        """Put the tasks of all instants that are due; how many. A rule that is none keeps the reason with it."""
        moment = now_ms() if now is None else now
        return sum(self._fire(row, moment) for row in self.database.rows("schedule_due", {"now": moment}))

    def _fire(self, row: dict[str, Any], now: int) -> int:
        given = {"name": row["name"], "rule": row["rule"], "expected": row["next_at"]}
        following = None
        try:
            instants, following = _plan(row, now)
            fire = json.dumps([[at, _later(at, row["jitter_ms"])] for at in instants]) if instants else None
            put = self.database.count("schedule_fire", given | {"next_at": following, "fire": fire})
        except Full as error:
            self.database.run("schedule_fire", given | {"next_at": following})
            say(logging.WARNING, "schedule not put", name=row["name"], error=str(error))
            return 0
        except (Usage, Refused, BadPayload) as error:  # its rule, or what it would put
            self.database.run("schedule_fire", given | {"error": str(error)})
            say(logging.ERROR, "schedule stopped", name=row["name"], error=str(error))
            return 0
        return len(instants) if put else 0

    def _row(self, name: str) -> dict[str, Any]:
        rows = self.database.rows("schedule_list", {"name": name})
        if not rows:
            raise self._missing(name)
        return rows[0]

    def _one(self, statement: str, given: dict[str, Any]) -> None:
        if not self.database.count(statement, given):
            raise self._missing(given["name"])

    def _missing(self, name: str) -> NoTask:
        return NoTask(f"there is no schedule {name!r} in {self.database.path}")


def _plan(row: dict[str, Any], now: int) -> tuple[list[int], int | None]:
    """The instants to put now, and the one that follows. Raises Usage for a rule that is none."""
    told = rule(row["rule"], row["zone"])
    first = row["next_at"]
    if first is None:  # written by hand
        first = told.at if isinstance(told, Once) else told.after(now)
    if first is None or first > now:
        return [], first
    grace = row["grace_ms"] if row["catch_up"] != "skip" or row["grace_ms"] is not None else _SKIP_GRACE_MS
    oldest = first if grace is None else max(first, now - grace)
    last = told.last(first, now)
    if row["catch_up"] != "all":
        return [last] if last >= oldest else [], told.after(last)
    start = first if first >= oldest else told.last(first, oldest)
    late = list(islice((at for at in _from(told, start) if at >= oldest), _MOST + 1))
    due = [at for at in late[:_MOST] if at <= now]
    return due, told.after(due[-1] if due else last)


def _from(told: Rule, first: int | None) -> Iterator[int]:
    while first is not None:
        yield first
        first = told.after(first)


def _later(at: int, jitter: int) -> int | None:
    return at + random.randint(0, jitter) if jitter else None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
