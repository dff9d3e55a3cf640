"""What a system offers to the benchmark. An adapter is a thin layer over the public calls that its own docs show."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

_BATCHES = {
    "put_many": ("put_many",),
    "loop": ("loop",),
    "until": ("until",),
    "claim_many": ("claim_many_and_ack",),
}


class System(ABC):
    """A queue in a fresh folder. Payloads are text; a claimed message is whatever the system hands out.

    title is how tables call it; ack, lease and history say whether it has them ("no", or how they work); note is what
    is to be known of the comparison. pace is the share of a cell's count that it does, so that a slow one does not take
    an hour. levels are the values of synchronous that it can be told, threads says whether threads may share it, only
    names the cells that it takes part in, where it is not all that it offers; loops is the most messages of a consumer
    loop. consumes is False for what is no queue of its own, and is left out where a consumer is killed.
    """

    title: ClassVar[str]
    ack: ClassVar[str]
    lease: ClassVar[str]
    history: ClassVar[str]
    note: ClassVar[str] = ""
    pace: ClassVar[float] = 1.0
    levels: ClassVar[tuple[str, ...]] = ("normal", "full")
    threads: ClassVar[bool] = True
    only: ClassVar[tuple[str, ...]] = ()
    loops: ClassVar[int] = 1_000_000
    consumes: ClassVar[bool] = True

    database: Path
    """The file that holds the messages."""

    @abstractmethod
    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        """Open the queue in folder, made if it is missing; lease in seconds where there is one."""

    @abstractmethod
    def put(self, payload: str) -> object:
        """Put one message, its own commit."""

    @abstractmethod
    def claim(self) -> Any:
        """Take the next message, or None."""

    @abstractmethod
    def payload(self, message: Any) -> str:
        """The text of what claim returned."""

    @abstractmethod
    def done(self, message: Any) -> None:
        """Ack what claim returned. Does nothing where the claim has deleted it."""

    @abstractmethod
    def query(self, sql: str) -> list[Any]:
        """Rows of a pragma, on the connection in use; each a sequence."""

    @classmethod
    def missing(cls) -> str:
        """What a machine lacks to run it, "" if nothing."""
        return ""

    def put_many(self, payloads: list[str]) -> None:
        """Put them in one commit."""
        raise NotImplementedError

    def claim_many_and_ack(self, limit: int) -> list[str]:
        """Take up to so many in one commit and ack them in another; their payloads."""
        raise NotImplementedError

    def loop(self, count: int) -> list[str]:
        """Consume so many as the docs tell a consumer to; their payloads."""
        raise NotImplementedError

    def until(self, last: str) -> Iterator[str]:
        """Consume as the docs tell one that waits for more: the payloads up to a last one, which is acked, too."""
        raise NotImplementedError

    def claim_and_ack(self) -> str:
        """Take the next and ack it, each its own commit; its payload. Raises LookupError if there is none."""
        message = self.claim()
        if message is None:
            raise LookupError("nothing is ready")
        self.done(message)
        return self.payload(message)

    def hold(self) -> bool:
        """Take the next message and keep it, as a consumer in the middle of its work; False if there is none."""
        return self.claim() is not None

    def putter(self) -> Callable[[str], object]:
        """put for many threads at once."""
        return self.put

    def close(self) -> None:  # noqa: B027  # most have something to close, not all
        """Let go of the file."""

    @classmethod
    def offers(cls, action: str, synchronous: str = "normal") -> bool:
        """True if it can do the action at this level."""
        if synchronous not in cls.levels or (action == "threads" and not cls.threads):
            return False
        return all(getattr(cls, name) is not getattr(System, name) for name in _BATCHES.get(action, ()))

    def settings(self) -> dict[str, Any]:
        """journal_mode, synchronous and page_size as the file and the connection in use have them."""
        mode, level, size = (
            self.query(f"pragma {name}")[0][0] for name in ("journal_mode", "synchronous", "page_size")
        )
        return {
            "journal_mode": str(mode),
            "synchronous": ("off", "normal", "full", "extra")[int(level)],
            "page_size": int(size),
        }

    def checkpoint(self) -> None:
        """Move the -wal into the file, so that a measurement does not pay for what was put before it."""
        self.query("pragma wal_checkpoint(truncate)")
