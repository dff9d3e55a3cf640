"""What each feature costs in a file of 1,000 ready tasks and in one of 1,000,000, with 1,000,000 scheduled, 1,000,000
done and 100,000 running behind them: python -m tests.bench.flat [SCALE].

Both files are open in one process and are asked in turns, 100 operations at a time; a ratio is the median over the
turns, of CPU time, for wall time measures the neighbours too. What a turn has claimed is put anew before the next.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from queuekit import Batch, Queue, statements
from queuekit.schema import extend

from .goals import FLAT

_NOW = 2_000_000_000_000
_FEW, _MANY = 1000, 1_000_000
_TURNS, _EACH = 12, 100

_ROWS = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < :count)
insert into qk_task (queue, state, claims, settled, due_at, claimed_at, ended_at, duplicates, priority, share, lane,
                     group_key, turn, worker, payload)
select :queue, iif(:grouped and i % 10 <> 1, 'blocked', :state), :state in ('running', 'done'), :state = 'done',
       case :state when 'scheduled' then :now + 10000000 + i when 'running' then :now + 10000000 + i * 10 end,
       iif(:state in ('running', 'done'), :now, null), iif(:state = 'done', :now, null), 0, i % 4,
       iif(:shares, 's' || i % 10000, ''), iif(:lanes and i % 2, 'gpu region=' || i % 7, ''),
       iif(:grouped, 'g' || ((i - 1) / 10), null),
       iif(:grouped, i % 10 = 1, null), iif(:state in ('running', 'done'), 'worker', null), 'payload of two dozen bytes'
  from n
"""


def build(path: Path, ready: int, background: int, style: str) -> Queue:
    """A file with so many ready tasks of a style; behind them as many scheduled and done as asked, a tenth running."""
    queue = Queue(path, "bench", worker="bench")
    with queue.database.transaction() as file:
        file.execute("drop trigger qk_task_birth")
        for state, count, name in (
            ("ready", ready, "bench"),
            ("scheduled", background, "other"),
            ("done", background, "other"),
            ("running", background // 10, "other"),
        ):
            ours = name == "bench"
            given = {
                "state": state,
                "count": count,
                "queue": name,
                "now": _NOW,
                "shares": ours and style == "shares",
            }
            given |= {"lanes": ours and style == "lanes", "grouped": ours and style == "groups"}
            if count:
                file.execute(_ROWS, given)
        file.execute(
            "insert or ignore into qk_lease select due_at >> 10, id >> 4 from qk_task where state = 'running'"
        )
        for law in statements.split(statements.source("laws")):
            file.execute(law)
        extend(file)
        file.execute("update qk_queue set labelled = 1 where name = 'bench'")
    queue.database.connection().execute("pragma wal_checkpoint(truncate)").fetchall()
    return queue


def refill(queue: Queue, style: str, count: int) -> None:
    """Put so many ready tasks of a style, in place of those that a turn has claimed."""
    with queue.database.transaction():
        for i in range(count):
            like: Any = {"shares": {"share": f"s{i}"}, "groups": {"group": f"g{i}"}}.get(style, {})
            if style == "lanes" and i % 2:
                like = {"require": "gpu region=3"}
            queue.put("payload of two dozen bytes", priority=i % 4, now=_NOW, **like)


def _claim_and_ack(**choice: Any) -> Callable[[Queue], None]:
    def act(queue: Queue) -> None:
        rows = queue.database.run("claim", {"queue": "bench", "worker": "bench", "now": _NOW, **choice})
        queue.ack(str(rows[0][1], "ascii"), now=_NOW)

    return act


def _put(**options: Any) -> Callable[[Queue], None]:
    return lambda queue: (queue.put("payload of two dozen bytes", now=_NOW, **options), None)[1]


def _pair(queue: Queue) -> None:
    first = queue.put("first", priority=9, now=_NOW)
    queue.put("second", after=first, priority=8, now=_NOW)
    for _ in range(2):
        _claim_and_ack()(queue)


def _batch(queue: Queue) -> None:
    batch = Batch.open(queue.database, now=_NOW)
    queue.put("x", batch=batch.id, priority=9, now=_NOW)
    batch.close()
    _claim_and_ack()(queue)


def _limits(queue: Queue) -> None:
    queue.policy(max_running=5, max_per_worker=5, rate=1_000_000 - 1, burst=1_000_000)


def _depth(queue: Queue) -> None:
    queue.policy(max_depth=10**9)


# style of the file: what is measured on it, with what policy before, and how many ready tasks an operation takes away
_Cell = tuple[str, Callable[[Queue], None], Callable[[Queue], object] | None, int]
_CELLS: dict[str, list[_Cell]] = {
    "plain": [
        ("claim + ack by priority", _claim_and_ack(), None, 1),
        ("fifo", _claim_and_ack(strategy="fifo"), None, 1),
        ("lifo", _claim_and_ack(strategy="lifo"), None, 1),
        ("random", _claim_and_ack(strategy="random"), None, 1),
        ("put", _put(), None, 0),
        ("put until", _put(within="1h"), None, 0),
        ("put with a key, replaced", _put(key="k", on_conflict="replace"), None, 0),
        ("put after one, ack, claim, ack", _pair, None, 0),
        ("put in a batch, ack", _batch, None, 0),
        ("claim + ack of a limited queue", _claim_and_ack(), _limits, 1),
        ("put into a limited queue", _put(), _depth, 0),
    ],
    "shares": [("fair, 10,000 shares", _claim_and_ack(strategy="fair"), None, 1)],
    "lanes": [("capabilities, 8 lanes", _claim_and_ack(capabilities="gpu region=3 region=4"), None, 1)],
    "groups": [("groups of 10", _claim_and_ack(), None, 1), ("put into a group", _put(group="g7"), None, 0)],
}


def measure(scale: float, rounds: int) -> list[dict[str, Any]]:
    """The ratio of the cost in the large file to that in the small one, of every feature. rounds is not used."""
    large = max(_FEW, int(_MANY * scale))
    sizes = f"with {_FEW:,} and with {large:,} tasks of each kind"
    rows = [row for style, cells in _CELLS.items() for row in _of_style(style, cells, large)]
    return [{**row, "note": f"{row['note']}, {sizes}"} for row in rows]


def _of_style(style: str, cells: list[_Cell], large: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        few = build(Path(folder) / "few.db", _FEW, 0, style)
        many = build(Path(folder) / "many.db", large, large, style)
        for what, act, policy, taken in cells:
            for queue in (few, many):
                if policy:
                    policy(queue)
            yield _ratio(what, act, partial(refill, style=style, count=taken * _EACH), few, many)
        few.close()
        many.close()


def _ratio(
    what: str, act: Callable[[Queue], None], again: Callable[[Queue], None], *queues: Queue
) -> dict[str, Any]:
    for queue in queues:
        _turn(act, again, queue)
    turns = [[_turn(act, again, queue) for queue in queues] for _ in range(_TURNS)]
    few, many = (statistics.median(column) for column in zip(*turns, strict=True))
    return {
        "name": f"flat: {what}",
        "value": statistics.median(turn[1] / turn[0] for turn in turns),
        "unit": "×",
        "goal": FLAT,
        "better": "less",
        "note": f"{few:.1f} → {many:.1f} µs of CPU time",
    }


def _turn(act: Callable[[Queue], None], again: Callable[[Queue], None], queue: Queue) -> float:
    """CPU microseconds of one operation; what it took is put again afterwards."""
    begin = time.process_time()
    for _ in range(_EACH):
        act(queue)
    spent = time.process_time() - begin
    again(queue)
    return spent / _EACH * 1e6


if __name__ == "__main__":
    for row in measure(float(sys.argv[1]) if len(sys.argv) > 1 else 1, 1):
        print(f"{row['name']:40} {row['value']:6.2f}   {row['note']}")
