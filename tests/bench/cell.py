"""One measurement in a process of its own, on a file of its own.

python -m tests.bench.cell CONTENDER ACTION COUNT BYTES READY DONE SCHEDULED

Prints microseconds of wall time and of CPU time per action.
"""

from __future__ import annotations

import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

_BATCH = 1000


def measure(contender: Any, action: str, count: int, payload: str) -> tuple[float, float]:
    """Seconds of wall and of CPU time for count actions."""
    begin, cpu = time.perf_counter(), time.process_time()
    if action == "put":
        for _ in range(count):
            contender.put(payload)
    elif action == "put_many":
        for _ in range(count // _BATCH):
            contender.put_many([payload] * _BATCH)
    elif action == "claim+ack":
        for _ in range(count):
            contender.claim_and_ack()
    else:
        contender.loop(count)
    return time.perf_counter() - begin, time.process_time() - cpu


def main(name: str, action: str, *numbers: str) -> None:
    count, size, ready, done, scheduled = map(int, numbers)
    make: Any
    if name.startswith("floor"):
        from tests.bench.floor import Floor

        make = partial(Floor, small_pages=True) if name == "floor-2048" else Floor
    else:
        from tests.bench import ours

        make = {"ours": ours.Ours, "bare": ours.Bare}[name]
    payload = "x" * size
    with tempfile.TemporaryDirectory() as folder:
        contender = make(Path(folder) / "bench.db")
        extra = {} if name.startswith("floor") else {"done": done, "scheduled": scheduled}
        contender.fill(ready + (0 if action.startswith("put") else count), payload, **extra)
        wall, cpu = measure(contender, action, count, payload)
    print(wall / count * 1e6, cpu / count * 1e6)


if __name__ == "__main__":
    main(*sys.argv[1:])
