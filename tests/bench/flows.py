"""What a flow costs, small and large: putting it, an ack in it, one task that many wait for, and a failure among many:
python -m tests.bench.flows [SCALE].

Each figure is of a fresh file: CPU time, the median of five.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from queuekit import Flow, Queue, chain, chord, group, step

_ROUNDS, _WIDTH = 5, 100


def layered(steps: int) -> Flow:
    """So many steps in layers of 100; each waits for two of the layer before."""
    flow = Flow("layered")
    above = group(*(step("x") for _ in range(_WIDTH))).steps
    flow.steps += above
    for _ in range(steps // _WIDTH - 1):
        above = [flow.add(f"{len(flow.steps)}", "x", after=[above[n - 1], above[n]]) for n in range(_WIDTH)]
    return flow


def _put(queue: Queue, steps: int) -> float:
    flow = layered(steps)
    return _spent(lambda: flow.put(queue.database)) / steps


def _ack(queue: Queue, steps: int) -> float:
    layered(steps).put(queue.database)
    receipts = [task.receipt for task in queue.claim_many(_WIDTH)]
    return _spent(lambda: [queue.ack(receipt) for receipt in receipts]) / _WIDTH


def _fan_out(queue: Queue, waiting: int) -> float:
    Flow(part=chain(step("root"), group(*(step("x") for _ in range(waiting))))).put(queue.database)
    receipt = queue.claim_many(1)[0].receipt
    return _spent(lambda: queue.ack(receipt)) / waiting


def _fan_in(queue: Queue, heads: int) -> float:
    Flow(part=chord([step("x") for _ in range(heads)], step("last", on_failure="run"))).put(queue.database)
    receipts = [task.receipt for task in queue.claim_many(heads - 1)]
    return _spent(lambda: [queue.nack(receipt, dead=True) for receipt in receipts]) / heads


def _late(queue: Queue, late: int) -> float:
    root = queue.put("root")
    queue.nack(queue.claim_many(1)[0].receipt, dead=True)
    return _spent(lambda: [queue.put("late", after=root) for _ in range(late)]) / late


_CELLS: list[tuple[str, Callable[[Queue, int], float], int]] = [
    ("put a flow, a step of two needs", _put, 10_000),
    ("ack in it", _ack, 10_000),
    ("ack of what many wait for, each", _fan_out, 1000),
    ("failure of one that one waits for", _fan_in, 1000),
    ("put after one that has failed", _late, 1000),
]


def measure(scale: float, rounds: int) -> list[dict[str, Any]]:
    """CPU microseconds a task in a whole flow, and its ratio to that in a tenth of it. rounds is not used."""
    return [_row(what, act, max(_WIDTH * 2, int(steps * scale))) for what, act, steps in _CELLS]


def _row(what: str, act: Callable[[Queue, int], float], large: int) -> dict[str, Any]:
    small = max(_WIDTH, large // 10)
    seen = [(_fresh(act, small), _fresh(act, large)) for _ in range(_ROUNDS)]
    few, many = (statistics.median(column) for column in zip(*seen, strict=True))
    return {
        "name": f"flow: {what}",
        "value": many,
        "unit": "µs",
        "goal": None,
        "better": "less",
        "note": f"of CPU time a task, of {large}; {few:.1f} µs of {small}",
    }


def _fresh(act: Callable[[Queue, int], float], steps: int) -> float:
    with tempfile.TemporaryDirectory() as folder, Queue(Path(folder) / "queue.db") as queue:
        return act(queue, steps) * 1e6


def _spent(act: Callable[[], object]) -> float:
    begin = time.process_time()
    act()
    return time.process_time() - begin


if __name__ == "__main__":
    for row in measure(float(sys.argv[1]) if len(sys.argv) > 1 else 1, 1):
        print(f"{row['name']:45} {row['value']:8.1f} {row['unit']}   {row['note']}")
