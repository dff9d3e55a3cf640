"""What the C library does with memory that SQLite has freed.

glibc returns it to the system as soon as 128 KB lie free at the end of the heap, and the next payload takes it again,
with a page fault each 4 KB: two thirds of the time of a claim of 1 MB. A large block that is freed raises this limit to
twice its size, for good (mallopt(3): M_MMAP_THRESHOLD). Other C libraries are not moved by it.
"""

from __future__ import annotations

from functools import cache

_BLOCK = 4 * 1024 * 1024  # bytes; the process may keep twice as many for itself


@cache
def keep_what_is_freed() -> None:
    """Let this process keep some MB that it has used once. Nothing is touched: it costs some microseconds, once."""
    bytes(_BLOCK)
