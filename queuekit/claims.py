"""Claiming: the consumer's half of a queue. What blocks (get, iteration) is in consumer.py."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from queuekit.durations import Duration, now_ms, positive_milliseconds
from queuekit.errors import LeaseLost, QueuekitError, Usage
from queuekit.identity import process_name
from queuekit.model import STRATEGIES, Task, claimed, receipt_of
from queuekit.producer import words
from queuekit.runs import Runs

_log = logging.getLogger("queuekit")
_LEAN = ("claim_simple", 0)  # takes nothing from a queue with policies of its own
_WHOLE = ("claim", 1)  # the statement of claim.sql without the tick before it
_TICK_MS = 50  # a busy consumer looks for due tasks this often, an idle one at every claim


class Claims(Runs):
    """Takes tasks of the queue called name. now, wherever it is taken, is ms since the epoch, for tests."""

    name: str

    def _claims_as(
        self,
        worker: str | None,
        lease: Duration | None,
        strategy: str | None,
        capabilities: str | Iterable[str] | None,
    ) -> None:
        """How this object claims (see Queue). Raises Usage for what is no strategy."""
        if strategy not in (None, *STRATEGIES):
            raise Usage(f"a strategy is one of {', '.join(STRATEGIES)}, not {strategy!r}")
        able = None if capabilities is None else words(capabilities)
        self._worker = worker
        self._process = (0, "")
        self._lease_ms = 0 if lease is None else positive_milliseconds(lease)
        self._choice = {"strategy": strategy, "capabilities": able}
        self._plain = strategy is able is None
        self._quick = _LEAN if self._plain else _WHOLE  # what a busy consumer claims by
        self._next_tick = 0

    @property
    def worker(self) -> str:
        """The name that the runs of this queue object go by."""
        if self._worker is not None:
            return self._worker
        pid = os.getpid()
        if self._process[0] != pid:
            self._process = (pid, process_name())
        return self._process[1]

    @property
    def is_lean(self) -> bool:
        """True as long as no policy of the queue has met a claim of this object, and it names none itself."""
        return self._quick is _LEAN

    def claim(self, *, lease: Duration | None = None, now: int | None = None) -> Task | None:
        """Take the best ready task for the length of a lease, or None. Raises Busy."""
        moment = now_ms() if now is None else now
        given = self._claim_parameters(lease, moment)
        quick = now is None and moment < self._next_tick
        told: list[tuple[Any, ...]] = []
        try:
            while row := self._next_row(given, quick, told):
                try:
                    return claimed(self, row)
                except UnicodeDecodeError as error:
                    self._bury(row, error)
                    quick = False
        except QueuekitError:
            raise
        except BaseException:  # an interrupt, after the commit perhaps
            self._give_back(told)
            raise
        return None

    def claim_many(self, limit: int, *, lease: Duration | None = None, now: int | None = None) -> list[Task]:
        """Take up to limit tasks at once, the best first. Raises Busy, and then took none."""
        given = self._claim_parameters(lease, now_ms() if now is None else now) | {"limit": limit}
        told: list[tuple[Any, ...]] = []

        def take() -> None:
            self.on_rollback(told.clear)  # what others claim then has the same receipts
            told.extend(self._alike(given) if now is None and self._plain else [])
            if not told and self._plain:
                told.extend(_by_priority(self.database.run("claim_many", given)))
            while len(told) < limit and (more := self.database.run("claim", given)):
                told.extend(more)  # claims go by another order, one by one (or none is left)

        try:
            self.database.transaction().run(take)  # what fails takes nothing that nobody would be told of
            return list(self._decoded(told))
        except QueuekitError:
            raise
        except BaseException:  # an interrupt, after the commit perhaps
            self._give_back(told)
            raise

    def claim_alike(self, limit: int) -> list[Task]:
        """As claim_many, of a queue without policies of its own; of another none. For loops, in a transaction."""
        given = self._claim_parameters(None, now_ms()) | {"limit": limit}
        return list(self._decoded(self._alike(given))) if self._plain else []

    def _alike(self, given: dict[str, Any]) -> list[tuple[Any, ...]]:
        if given["now"] >= self._next_tick:
            self.database.tick(given["now"])
            self._next_tick = given["now"] + _TICK_MS
        if rows := self.database.run("next", given):
            self.database.run("take", given | {"ids": json.dumps([row[0] for row in rows])})
        return rows

    def _claim_parameters(self, lease: Duration | None, now: int) -> dict[str, Any]:
        lease_ms = self._lease_ms if lease is None else positive_milliseconds(lease)
        given = {"queue": self.name, "worker": self._worker or self.worker, "lease_ms": lease_ms, "now": now}
        return given if self._plain else given | self._choice

    def _next_row(
        self, given: dict[str, Any], quick: bool, told: list[tuple[Any, ...]]
    ) -> tuple[Any, ...] | None:
        """What is claimed next; told has it, too, whatever comes out of this."""
        run = self.database.run_into
        if quick:
            run(told, self._quick[0], given, self._quick[1])
            if told:
                return told[0]
        run(told, "claim", given)
        self._next_tick = given["now"] + _TICK_MS
        self._quick = _WHOLE if (quick and told) or not self._plain else _LEAN
        return told[0] if told else None

    def _give_back(self, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            try:
                with suppress(LeaseLost):  # it was rolled back, or buried
                    self.release(receipt_of(row))
            except QueuekitError as error:
                _log.warning("task %s is held until its lease ends: %s", receipt_of(row), error)

    def _decoded(self, rows: list[tuple[Any, ...]]) -> Iterator[Task]:
        for row in rows:
            try:
                yield claimed(self, row)
            except UnicodeDecodeError as error:
                self._bury(row, error)

    def _bury(self, row: tuple[Any, ...], error: UnicodeDecodeError) -> None:
        """A claimed row that is no text for Python would stop every consumer it meets: it is dead, with the reason."""
        receipt = receipt_of(row)
        try:
            self.nack(receipt, f"its text is no UTF-8: {error}", dead=True)
        except QueuekitError as trouble:  # the other tasks of this claim must not be lost sight of
            _log.warning("task %s is no UTF-8; it is held until its lease ends: %s", receipt, trouble)


def _by_priority(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: (-row[7], row[0]))
