"""Schedules: tasks that come again and again, or once at a time.

rule.py works out the instants. schedule_fire.sql puts their tasks and moves the schedule on, in one
statement, only if nobody else has: with any number of daemons each instant becomes one task.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from queuekit.database import Database
from queuekit.durations import Duration, milliseconds, now_ms
from queuekit.errors import BadPayload, Full, NoTask, Refused, Usage
from queuekit.logs import say
from queuekit.model import encode
from queuekit.producer import bound
from queuekit.rule import rule

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
        catch_up: str = "one",
        grace: Duration | None = None,
        jitter: Duration = 0,
        queue: str = "default",
        kind: str = "",
        priority: int | str = 0,
        within: Duration | None = None,
        require: str | Iterable[str] | None = None,
        share: str | None = None,
        group: str | None = None,
        max_attempts: int | None = None,
        lease: Duration | None = None,
        backoff: Duration | None = None,
        now: int | None = None,
    ) -> int | None:
        """Make a schedule, or another of one that there is; the next instant that it will put, in ms (None: none).

        when is cron words on the clock of zone, "every 90s" or "at TIME" (without a zone: on that clock). Of the
        instants that are late, because nobody was there to fire them, catch_up puts one (the last), all, or (skip) the
        last if it is of this minute; none is put that is late by more than grace. Each runs up to jitter later. The
        rest is as in put; within counts from the put. One that has this rule and zone already goes on where it is, or
        sooner if that is later than from now on, and stays paused if it is. Raises BadPayload, Refused, Usage.
        """
        if catch_up not in _CATCH_UP:
            raise Usage(f"catch_up is skip, one or all, not {catch_up!r}; nothing was scheduled")
        if not name or not queue:
            raise Usage("a schedule and its queue have names that are not empty; nothing was scheduled")
        given = bound(
            {"kind": kind, "priority": priority, "within": within, "require": require, "share": share}
            | {"group": group, "max_attempts": max_attempts, "lease": lease, "backoff": backoff}
        )
        given |= {"name": name, "rule": when, "zone": zone, "queue": queue, "payload": encode(payload)}
        given |= {"catch_up": catch_up, "jitter_ms": milliseconds(jitter)}
        given["grace_ms"] = None if grace is None else milliseconds(grace)
        given["next_at"] = rule(when, zone).first(now_ms() if now is None else now)
        self.database.run("schedule_add", given)
        return next(self.upcoming(name, 1, now=now), None)

    def list(self) -> list[dict[str, Any]]:
        """All schedules, by name (columns of schedule_list.sql)."""
        return self.database.rows("schedule_list", {})

    def show(self, name: str) -> dict[str, Any]:
        """One schedule (columns of schedule_list.sql). Raises NoTask."""
        rows = self.database.rows("schedule_list", {"name": name})
        if not rows:
            raise self._missing(name)
        return rows[0]

    def upcoming(self, name: str, count: int = 5, *, now: int | None = None) -> Iterator[int]:
        """The next instants of a schedule in ms, count at most: what is late and will be put, then what is to come.

        Raises NoTask, Usage.
        """
        row = self.show(name)
        if row["ended"]:
            return iter(())
        due, following = _plan(row, now_ms() if now is None else now)
        more = () if following is None else rule(row["rule"], row["zone"]).since(following, following)
        return islice(chain(due, more), count)

    def run_now(self, name: str, *, now: int | None = None) -> int:
        """Put a task of the schedule now, paused or not; its id. The next instant stays. Raises NoTask, Full."""
        if rows := self.database.run("schedule_run", {"name": name, "now": now}):
            return int(rows[0][0])
        raise self._missing(name)

    def pause(self, name: str) -> None:
        """Let it not fire until it is resumed. Raises NoTask."""
        self._one("schedule_pause", {"name": name, "paused": 1})

    def resume(self, name: str) -> None:
        """Let it fire again, also after an error. Raises NoTask."""
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
            due, following = _plan(row, now)
            until = None if row["within_ms"] is None else now + row["within_ms"]
            return self._put(row, due, following, until)
        except Full as error:
            say(logging.WARNING, "schedule not put", name=row["name"], error=str(error))
        except (Usage, Refused, BadPayload, ValueError, OverflowError) as error:
            # Its rule is none, or what it would put is refused.
            self._move_on(row, error=str(error))
            say(logging.ERROR, "schedule stopped", name=row["name"], error=str(error))
        return 0

    def _put(
        self, row: dict[str, Any], instants: Sequence[int], following: int | None, until: int | None
    ) -> int:
        """Put the instants, or as many as there is room for. Raises Full if there is none; then they wait."""
        tasks = [[at, _later(at, row["jitter_ms"]), until] for at in instants]
        fire = json.dumps(tasks) if tasks else None
        try:
            return len(instants) if self._move_on(row, next_at=following, fire=fire) else 0
        except Full:
            if half := len(instants) // 2:
                return self._put(row, instants[:half], instants[half], until)
            if row["on_full"] == "drop_oldest":  # and nothing there can be dropped
                self._move_on(row, next_at=following)
            raise

    def _move_on(self, row: dict[str, Any], **given: Any) -> int:
        expected = {"name": row["name"], "rule": row["rule"], "zone": row["zone"], "expected": row["next_at"]}
        return self.database.count("schedule_fire", expected | given)

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
    if row["catch_up"] == "all":
        return _until(now, told.since(first, oldest))
    last = told.last(first, now)
    return [last] if last >= oldest else [], told.after(last)


def _until(now: int, instants: Iterator[int]) -> tuple[list[int], int | None]:
    """The instants to now, _MOST at most, and the one after them."""
    due: list[int] = []
    for at in instants:
        if at > now or len(due) == _MOST:
            return due, at
        due.append(at)
    return due, None


def _later(at: int, jitter: int) -> int | None:
    return at + random.randint(0, jitter) if jitter else None
