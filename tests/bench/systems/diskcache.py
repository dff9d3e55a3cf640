"""diskcache: Deque, a list on disk. append puts, popleft takes and deletes: there is no ack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diskcache import Cache, Deque

from .system import System


class Diskcache(System):
    """Deque on a Cache with its defaults; large values go to files of their own, as it does by itself."""

    title = "diskcache"
    ack = "no: popleft deletes"
    lease = "no"
    history = "no"
    note = "Deque; synchronous by its setting sqlite_synchronous; values above 32 KB are files of their own"

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        self.database = folder / "cache.db"
        level = {"normal": 1, "full": 2}[synchronous]
        cache = Cache(str(folder), eviction_policy="none", sqlite_synchronous=level)
        self.deque: Any = Deque.fromcache(cache)
        self.put = self.deque.append  # type: ignore[method-assign]

    def query(self, sql: str) -> list[Any]:
        rows: list[Any] = self.deque.cache._con.execute(sql).fetchall()
        return rows

    def put(self, payload: str) -> object:
        return self.deque.append(payload)

    def put_many(self, payloads: list[str]) -> None:
        with self.deque.transact():
            self.deque.extend(payloads)

    def claim(self) -> Any:
        try:
            return self.deque.popleft()
        except IndexError:
            return None

    def done(self, message: Any) -> None:
        pass

    def payload(self, message: Any) -> str:
        return str(message)

    def claim_many_and_ack(self, limit: int) -> list[str]:
        with self.deque.transact():
            return [self.deque.popleft() for _ in range(min(limit, len(self.deque)))]

    def loop(self, count: int) -> list[str]:
        """popleft, again and again."""
        return [self.deque.popleft() for _ in range(count)]

    def close(self) -> None:
        self.deque.cache.close()
