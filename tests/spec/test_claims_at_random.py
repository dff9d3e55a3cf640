"""Any strategy, any capabilities, with shares and without: the claim takes what a look at all tasks would take."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from queuekit import Queue

NOW = 2_000_000_000_000
WORDS = ["A", "a", "a-b", "aa", "b", "b=1", "gpu", "gpu2", "region=us", "z"]


@dataclass
class Waiting:
    """A task as it was put."""

    id: int
    priority: int
    words: set[str]


def put(queue: Queue, dice: random.Random, count: int, shares: list[str]) -> list[Waiting]:
    tasks = []
    for _ in range(count):
        words = set(dice.choices(WORDS, k=dice.choice([0, 0, 1, 1, 2, 3, 4])))
        priority = dice.choice([0, 1, 2])
        id = queue.put("x", require=" ".join(words), priority=priority, share=dice.choice(shares), now=NOW)
        tasks.append(Waiting(id, priority, words))
    return tasks


def next_of(tasks: list[Waiting], strategy: str) -> set[int | None]:
    """What a claim may take of these."""
    if not tasks:
        return {None}
    if strategy == "fifo":
        return {min(task.id for task in tasks)}
    if strategy == "lifo":
        return {max(task.id for task in tasks)}
    heads = {
        p: min(task.id for task in tasks if task.priority == p) for p in {task.priority for task in tasks}
    }
    return {heads[max(heads)]} if strategy == "priority" else set(heads.values())


@pytest.mark.parametrize("shares", [[""], ["", "s", "t"]], ids=["plain", "shares"])
@pytest.mark.parametrize("seed", range(4))
def test_a_claim_takes_what_is_next(copied: Path, seed: int, shares: list[str]) -> None:
    dice = random.Random(seed)
    with Queue(copied) as queue:
        tasks = put(queue, dice, 80, shares)
        for _ in range(300):
            words = dice.choices(WORDS, k=dice.choice([0, 1, 3, 6]))
            strategy = dice.choice(["priority", "fifo", "lifo", "random"])
            rows = queue.database.run(
                "claim", {"strategy": strategy, "capabilities": " ".join(words) or None, "now": NOW}
            )
            got = rows[0][0] if rows else None
            assert got in next_of([task for task in tasks if task.words <= set(words)], strategy)
            tasks = [task for task in tasks if task.id != got]
