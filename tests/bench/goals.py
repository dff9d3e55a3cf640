"""What is to be reached: the ratios to the floor of the same run. Goals of other measurements stand beside these."""

from __future__ import annotations

from typing import NamedTuple


class Goal(NamedTuple):
    """The median over the rounds of (time of the base / time of the system) in a cell is to be at least this."""

    title: str
    cell: str
    least: float
    system: str = "queuekit"
    base: str = "floor"


GOALS = [
    Goal("put, each its own commit", "put", 0.95),
    Goal("put_many, batches of 1000", "put_many", 0.50),
    Goal("claim + ack, two commits", "claim+ack", 1.00),
    Goal("consumer loop, to the floor's claim + ack", "loop", 1.40),
    Goal("claim_many / ack_many of 100", "claim_many", 0.60),
    Goal("FULL: consumer loop, to the floor's claim + ack", "loop-full", 1.80),
    Goal("FULL: 8 threads putting through one Queue", "threads-full", 5.00),
    Goal("2 producers + 2 consumers, processes", "processes", 0.90),
    Goal("payload 16 KB: claim + ack", "claim+ack-16k", 3.50),
    Goal("payload 100 KB: claim + ack", "claim+ack-100k", 6.00),
]
NONE_LOST = ("2 producers + 2 consumers: lost or doubled", "processes", "queuekit")
"""The messages of this cell that the system has lost or doubled are to be none."""

FLAT = 1.15
"""The greatest ratio of a cost with a million tasks of each kind to that with a thousand."""
