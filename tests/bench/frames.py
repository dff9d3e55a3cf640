"""How many pages a verb dirties: the frames its commits append to the -wal file."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from queuekit import Queue

ROWS = 200
NOW = 1_700_000_000_000


def frames(wal: Path) -> int:
    """The frames in a -wal file that was not restarted (header 32 bytes, page size at 8, a frame 24 + page)."""
    data = wal.read_bytes()
    (page,) = struct.unpack(">I", data[8:12])
    return (len(data) - 32) // (24 + page)


def per_verb(folder: Path, *, events: bool = False) -> dict[str, float]:
    """Mean frames of each verb over ROWS tasks of 200 bytes, one commit a verb, no checkpoint in between."""
    queue = Queue(folder / "frames.db", "bench", worker="host:12345")
    queue.database.events(events)
    queue.database.connection().execute("pragma wal_autocheckpoint = 0")
    wal = folder / "frames.db-wal"
    told: dict[str, float] = {}

    def tell(verb: str, act: Callable[[Any], Any], things: list[Any]) -> list[Any]:
        before = frames(wal)
        results = [act(thing) for thing in things]
        told[verb] = round((frames(wal) - before) / len(things), 2)
        return results

    numbers = list(range(ROWS))
    tell("put", lambda _: queue.put("x" * 200, now=NOW), numbers)
    tasks = tell("claim", lambda _: queue.claim(now=NOW), numbers)
    tell("extend", lambda task: queue.extend(task.receipt, now=NOW + 60_000), tasks)
    tell("ack", lambda task: queue.ack(task.receipt, now=NOW), tasks)
    tell("put with a key", lambda n: queue.put("x" * 200, key=f"key {n}", now=NOW), numbers)
    tell("put, duplicate", lambda n: queue.put("x" * 200, key=f"key {n}", now=NOW), numbers)
    tasks = tell("claim with a key", lambda _: queue.claim(now=NOW), numbers)
    tell("nack", lambda task: queue.nack(task.receipt, delay=60, now=NOW), tasks)
    tell("tick, nothing due", lambda _: queue.database.tick(NOW), numbers)
    queue.tick(NOW + 70_000)
    tasks = tell("claim again", lambda _: queue.claim(now=NOW + 1), numbers)
    tell("release", lambda task: queue.release(task.receipt, now=NOW), tasks)
    tell("cancel", lambda task: queue.cancel(task.id, now=NOW), tasks)
    queue.close()
    return told


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        off, on = (per_verb(Path(tempfile.mkdtemp(dir=scratch)), events=events) for events in (False, True))
    print(f"{'pages written':20}  events off    on")
    for name in off:
        print(f"{name:20} {off[name]:11.2f} {on[name]:5.2f}")
