"""Putting: the producer's half of a queue."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from queuekit.database import Database
from queuekit.durations import Duration, Moment, milliseconds, moment_ms, now_ms
from queuekit.errors import BadPayload
from queuekit.model import TaskId, encode


class Producer:
    """Puts tasks into the queue called name. now, wherever it is taken, is ms since the epoch, for tests."""

    database: Database
    name: str

    def put(
        self,
        payload: Any,
        *,
        kind: str | None = None,
        key: str | None = None,
        priority: int = 0,
        delay: Duration | None = None,
        at: Moment | None = None,
        max_attempts: int | None = None,
        lease: Duration | None = None,
        backoff: Duration | None = None,
        now: int | None = None,
    ) -> TaskId:
        """Give the queue a task; its id. With a key that an unfinished task holds: that one's id, .duplicates counting.

        payload is text (kept byte for byte), bytes of UTF-8, or any JSON value. Raises BadPayload, Busy.
        """
        given = {
            "payload": payload if type(payload) is str else encode(payload),
            "queue": self.name,
            "kind": kind,
            "priority": priority,
            "now": now_ms() if now is None else now,
        }
        if key is delay is at is max_attempts is lease is backoff is None:
            return TaskId(self.database.insert("put_simple", given))
        given |= {"key": key, **_policy(max_attempts, lease, backoff), **_when(delay, at)}
        number, duplicates, _state = self.database.run("put", given)[0]
        id = TaskId(number)
        id.duplicates = duplicates
        return id

    def put_many(
        self,
        payloads: Iterable[Any],
        *,
        kind: str | None = None,
        priority: int = 0,
        delay: Duration | None = None,
        at: Moment | None = None,
        max_attempts: int | None = None,
        lease: Duration | None = None,
        backoff: Duration | None = None,
        now: int | None = None,
    ) -> list[int]:
        """Put all or, if one payload is bad, none; their ids in order. Raises BadPayload, Busy."""
        texts = [encode(payload) for payload in payloads]
        if any("\0" in text for text in texts):
            raise BadPayload("a payload is text without NUL; nothing was put")
        given = {
            "payloads": json.dumps(texts, ensure_ascii=False),
            "queue": self.name,
            "kind": kind,
            "priority": priority,
        }
        given |= {"now": now, **_policy(max_attempts, lease, backoff), **_when(delay, at)}
        if not texts:
            return []
        last = self.database.insert("put_many", given)
        return list(range(last - len(texts) + 1, last + 1))


def _when(delay: Duration | None, at: Moment | None) -> dict[str, int | None]:
    return {
        "delay_ms": None if delay is None else milliseconds(delay),
        "run_at": None if at is None else moment_ms(at),
    }


def _policy(
    max_attempts: int | None, lease: Duration | None, backoff: Duration | None
) -> dict[str, int | None]:
    return {
        "max_attempts": max_attempts,
        "lease_ms": None if lease is None else milliseconds(lease),
        "backoff_ms": None if backoff is None else milliseconds(backoff),
    }
