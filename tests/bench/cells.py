"""What is measured: the cells of speed, and the names of what else a run may tell."""

from __future__ import annotations

from typing import NamedTuple

BATCH = 1000
"""Messages of one put_many."""
HUNDRED = 100
"""Messages of one claim_many."""
THREADS = 8


class Cell(NamedTuple):
    """One action, done by each system that offers it, on so many messages with payloads of size bytes.

    against is the action of the floor that ratios are to, where it is another.
    """

    name: str
    title: str
    action: str
    messages: int
    size: int = 200
    synchronous: str = "normal"
    against: str = ""


CELLS = [
    Cell("put", "put, each its own commit", "put", 4000),
    Cell("put_many", "put_many, batches of 1000", "put_many", 20_000),
    Cell("claim+ack", "claim + ack, two commits", "claim+ack", 4000),
    Cell("loop", "consumer loop", "loop", 4000, against="claim+ack"),
    Cell("claim_many", "claim_many + ack_many of 100", "claim_many", 10_000),
    Cell("put-full", "put, FULL", "put", 400, synchronous="full"),
    Cell("claim+ack-full", "claim + ack, FULL", "claim+ack", 300, synchronous="full"),
    Cell("loop-full", "consumer loop, FULL", "loop", 300, synchronous="full", against="claim+ack"),
    Cell("threads-full", "8 threads put, FULL", "threads", 800, synchronous="full"),
    Cell("processes", "2 producers + 2 consumers, processes", "processes", 4000),
    Cell("claim+ack-16k", "claim + ack, 16 KB", "claim+ack", 1000, 16 * 1024),
    Cell("claim+ack-100k", "claim + ack, 100 KB", "claim+ack", 200, 100 * 1024),
]
"""The cells of speed, in the order of the tables."""

EXTRAS = {
    "killed": "a consumer killed with a task in its hands",
    "frames": "WAL frames a verb",
    "steps": "SQLite VM steps a verb",
    "parts": "where the time goes",
    "start": "whole commands",
    "wake": "waking",
    "rest": "at rest",
    "flat": "flatness",
    "flows": "flows",
}
"""What else a run tells, by the names that --cells takes."""
