"""What is done to a task by its receipt while it runs, or by its id: the half of a queue that knows the whole file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from queuekit.database import Database
from queuekit.durations import Duration, Moment, milliseconds, moment_ms, now_ms, positive_milliseconds
from queuekit.errors import BadPayload, LeaseLost, NoTask, Refused, reason_of
from queuekit.model import Lease, Task, encode

_NONE: Any = (
    0  # binds NULL where a statement says so: sqlite3 looks for an adapter of None, which takes it 1 µs
)
_BY_RECEIPT = {"done", "failed", "released"}  # outcomes that somebody with the receipt has written


class Runs:
    """Ends and prolongs runs, cancels and retries tasks. now is ms since the epoch, for tests."""

    database: Database
    _lease_ms: int = 0  # 0 = as task and queue say

    def ack(self, receipt: str, result: Any = None, *, now: int | None = None) -> None:
        """The run succeeded: the task is done; result (None, text, or any JSON value) is kept. Raises LeaseLost."""
        kept = _NONE if result is None else encode(result)
        if kept is not _NONE and "\0" in kept:
            raise BadPayload("a result is text without NUL; the task is not acked")
        given = {"receipt": receipt, "result": kept, "now": now_ms() if now is None else now}
        if not self.database.count("ack", given):
            raise _lost(receipt)

    def ack_many(self, tasks: Iterable[Task], *, now: int | None = None) -> list[Task]:
        """Ack them all, without results, in one commit; those that were not, for their lease is lost. Raises Busy."""
        tasks, moment = list(tasks), now_ms() if now is None else now
        receipts = dict.fromkeys(task.receipt for task in tasks)
        lost: set[str] = set()
        with self.database.transaction():
            if not self._all_acked(list(receipts), moment):
                lost = {receipt for receipt in receipts if not self._all_acked([receipt], moment)}
        for task in tasks:
            if task.receipt not in lost:
                task.mark_settled()
        return [task for task in tasks if task.receipt in lost]

    def _all_acked(self, receipts: list[str], now: int) -> bool:
        """Ack all, or none."""
        given = {"receipts": json.dumps(receipts), "now": now}
        with suppress(LeaseLost), self.database.transaction():
            if self.database.count("ack_many", given) == len(receipts):
                return True
            raise LeaseLost("of one of them; nothing of this savepoint is kept")
        return False

    def nack(
        self,
        receipt: str,
        error: str | BaseException | None = None,
        *,
        delay: Duration | None = None,
        dead: bool = False,
        now: int | None = None,
    ) -> str:
        """The run failed; error is text or the exception. Waits the backoff (or delay), or is dead: the new state.

        Raises LeaseLost.
        """
        text = reason_of(error) if isinstance(error, BaseException) else error
        kept = None if text is None else text.replace("\0", "\ufffd")
        given = {"receipt": receipt, "error": kept, "delay_ms": _ms(delay), "dead": int(dead), "now": now}
        return str(self.by_receipt("nack", given)["state"])

    def extend(self, receipt: str, lease: Duration | None = None, *, now: int | None = None) -> Lease:
        """Hold the task for another lease, from now; tells whether a cancel was asked. Raises LeaseLost."""
        lease_ms = (self._lease_ms or None) if lease is None else positive_milliseconds(lease)
        row = self.by_receipt("extend", {"receipt": receipt, "lease_ms": lease_ms, "now": now})
        return Lease(row["lease_until"], row["cancel_at"] is not None)

    def release(self, receipt: str, *, delay: Duration | None = None, now: int | None = None) -> str:
        """Give the task back unfinished; it costs no attempt. The new state. Raises LeaseLost."""
        return str(
            self.by_receipt("release", {"receipt": receipt, "delay_ms": _ms(delay), "now": now})["state"]
        )

    def cancel(self, id: int, *, now: int | None = None) -> str:
        """Cancel a waiting task, or ask a running one to stop: "cancelled" or "running". Raises NoTask, Refused."""
        return self._moved("cancel", {"id": id, "now": now}, "is finished already")

    def retry(self, id: int, *, delay: Duration | None = None, now: int | None = None) -> str:
        """A finished task is ready again, with all its attempts. The new state. Raises NoTask, Refused."""
        return self._moved("retry", {"id": id, "delay_ms": _ms(delay), "now": now}, "is not finished")

    def snooze(
        self, id: int, *, delay: Duration | None = None, at: Moment | None = None, now: int | None = None
    ) -> str:
        """A waiting task runs later, or sooner: after delay, or at a moment. The state. Raises NoTask, Refused."""
        run_at = None if at is None else moment_ms(at)
        given = {"id": id, "delay_ms": _ms(delay), "run_at": run_at, "now": now}
        return self._moved("snooze", given, "does not wait")

    def results(self, id: int) -> list[dict[str, Any]]:
        """What the tasks that a task waited for have left, in the order of their ids (columns of results.sql).

        Raises NoTask.
        """
        rows = self.database.rows("results", {"id": id})
        if not rows:
            self.show(id)
        return rows

    def show(self, id: int) -> dict[str, Any]:
        """Everything about a task of this file (columns of show.sql, runs and after decoded). Raises NoTask."""
        rows = self.database.rows("show", {"id": id})
        if not rows:
            raise NoTask(f"there is no task {id} in {self.database.path}")
        return rows[0] | {name: json.loads(rows[0][name] or "null") for name in ("runs", "after")}

    def was_ended(self, receipt: str) -> bool:
        """True if the run was acked, nacked or released; False if it goes on, or was lost (or the task is purged)."""
        id, _, claim = receipt.partition(":")
        if not (id.isdecimal() and claim.isdecimal()):
            return False
        rows = self.database.rows("show", {"id": int(id)})
        return any(
            (row["state"] == "done" and row["claims"] == int(claim))
            or any(
                run["claim"] == int(claim) and run["outcome"] in _BY_RECEIPT
                for run in json.loads(row["runs"])
            )
            for row in rows
        )

    def on_rollback(self, take_back: Callable[[], None]) -> None:
        """Call take_back if the transaction that this thread has open is rolled back; without one do nothing."""
        if self.database.in_transaction:
            self.database.undo.append(take_back)

    def by_receipt(self, verb: str, given: dict[str, Any]) -> dict[str, Any]:
        """Run nack, extend or release with the :parameters given; its row. Raises LeaseLost."""
        rows = self.database.rows(verb, given)
        if not rows:
            raise _lost(given["receipt"])
        return rows[0]

    def _moved(self, verb: str, given: dict[str, Any], why_not: str) -> str:
        rows = self.database.rows(verb, given)
        if not rows:
            task = self.show(given["id"])
            raise Refused(f"task {task['id']} {why_not} ({task['state']}); it stays as it is")
        return str(rows[0]["state"])


def _lost(receipt: str) -> LeaseLost:
    return LeaseLost(
        f"the lease of {receipt} is lost (expired, or ended before); nothing was written, stop working on it"
    )


def _ms(length: Duration | None) -> int | None:
    return None if length is None else milliseconds(length)
