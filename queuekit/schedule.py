"""Schedules: tasks that come again and again, or once at a time.

rule.py works out the instants. schedule_fire.sql puts their tasks and moves the schedule on, in one
statement, only if nobody else has: with any number of daemons each instant becomes one task.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from queuekit.database import Database
from queuekit.durations import Duration, milliseconds, now_ms
from queuekit.errors import BadPayload, Full, NoTask, Refused, Usage
from queuekit.logs import say
from queuekit.model import encode
from queuekit.rule import Rule, rule

_MOST = 1000  # instants that are put by one statement
_SKIP_GRACE_MS = 60_000  # with catch_up skip an instant may be so late and is still put
_CATCH_UP = ("skip", "one", "all")


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
        """Make a schedule, or another of one that there is; its next instant in ms, None if there is none.

        when is cron words on the clock of zone, "every 90s" or "at TIME". Of the instants that are late, because nobody
        was there to fire them, catch_up puts one (the last), all, or (skip) the last if it is of this minute; none is
        put that is late by more than grace. Each runs up to jitter later. One that has this rule and zone already goes
        on where it is, and stays paused if it is. Raises Usage.
        """
        if catch_up not in _CATCH_UP:
            raise Usage(f"catch_up is skip, one or all, not {catch_up!r}; nothing was scheduled")
        first = rule(when, zone).first(now_ms() if now is None else now)
        given: dict[str, Any] = {"name": name, "rule": when, "zone": zone, "queue": queue, "kind": kind}
        given |= {"priority": priority, "payload": encode(payload), "catch_up": catch_up, "next_at": first}
        given |= {
            "grace_ms": None if grace is None else milliseconds(grace),
            "jitter_ms": milliseconds(jitter),
        }
        self.database.run("schedule_add", given)
        return next(self.upcoming(name, 1, now=now), None)

    def list(self) -> list[dict[str, Any]]:
        """All schedules, by name (columns of schedule_list.sql)."""
        return self.database.rows("schedule_list", {})

    def upcoming(self, name: str, count: int = 5, *, now: int | None = None) -> Iterator[int]:
        """The next instants of a schedule in ms, count at most. Raises NoTask, Usage."""
        row = self._row(name)
        if row["ended"]:
            return iter(())
        told = rule(row["rule"], row["zone"])
        first = row["next_at"] or told.first(now_ms() if now is None else now)
        return islice(_from(told, first), count)

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
        try:
            return self._put(row, *_plan(row, now))
        except Full as error:
            say(logging.WARNING, "schedule not put", name=row["name"], error=str(error))
        except (Usage, Refused, BadPayload) as error:  # its rule, or what it would put
            self._move_on(row, error=str(error))
            say(logging.ERROR, "schedule stopped", name=row["name"], error=str(error))
        return 0

    def _put(self, row: dict[str, Any], instants: Sequence[int], following: int | None) -> int:
        """Put the instants, or as many as there is room for. Raises Full if there is none; then they wait."""
        fire = json.dumps([[at, _later(at, row["jitter_ms"])] for at in instants]) if instants else None
        try:
            return len(instants) if self._move_on(row, next_at=following, fire=fire) else 0
        except Full:
            if half := len(instants) // 2:
                return self._put(row, instants[:half], instants[half])
            if row["on_full"] == "drop_oldest":  # and nothing there can be dropped
                self._move_on(row, next_at=following)
            raise

    def _move_on(self, row: dict[str, Any], **given: Any) -> int:
        expected = {"name": row["name"], "rule": row["rule"], "expected": row["next_at"]}
        return self.database.count("schedule_fire", expected | given)

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
    first = told.first(now) if row["next_at"] is None else row["next_at"]  # None: written by hand
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
