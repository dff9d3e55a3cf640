"""Any verbs in any order at any time, the clock running backwards too: the file is always what the contract says."""

from __future__ import annotations

import json
from contextlib import suppress
from operator import attrgetter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, multiple, rule
from side_by_side import BACKOFF, QUEUES, SideBySide

from queuekit.errors import NoTask, Refused

NOW = 2_000_000_000_000

queues = st.sampled_from(QUEUES)
moments = st.integers(0, 60).map(lambda half: NOW + half * 500)
delays = st.sampled_from([0, 0, 1, 700, 5000, 20_000])  # ms
leases = st.sampled_from([1, 1000, 5000, 20_000])  # ms
ids = st.integers(1, 12)

_TASKS = """
select id, state, claims, settled, failures, crashes, due_at, ended_at, cancel_at is not null, ifnull(duplicates, 0),
       key is not null and key_until is not null,
       (select json_group_array(outcome) from (select outcome from qk_run where task_id = id order by claim))
  from qk_task order by id
"""
_MISCOUNTED = """
select id from qk_task
 where (select count(*) from qk_run where task_id = id) <> claims - (state in ('running', 'done'))
"""
_STRAY_RUNS = "select task_id from qk_run where task_id not in (select id from qk_task)"
_SHARED_KEYS = """
select queue, key from qk_task where key is not null and key_until is not null group by queue, key having count(*) > 1
"""
_UNCOVERED = """
select id from qk_task
 where state = 'running' and not exists (select 1 from qk_lease where slot = due_at >> 10 and block = id >> 4)
"""


class Rollback(Exception):
    pass


class AnyVerbsInAnyOrder(SideBySide):
    receipts = Bundle("receipts")

    # --- verbs ---

    @rule(
        now=moments,
        queue=queues,
        key=st.sampled_from("xyz"),
        priority=st.integers(-1, 1),
        attempts=st.integers(1, 3),
        delay=delays,
    )
    def put(self, now: int, queue: str, key: str, priority: int, attempts: int, delay: int) -> None:
        expected = self.imagined.put(now, queue, key, priority, attempts, delay)
        id = self.real[queue].put(
            "p",
            key=key,
            priority=priority,
            max_attempts=attempts,
            delay=delay / 1000,
            backoff=BACKOFF / 1000,
            now=now,
        )
        assert (id, id.duplicates) == (expected.id, expected.duplicates)

    @rule(now=moments, queue=queues, priority=st.integers(-1, 1), tasks=st.integers(1, 3))
    def put_without_key(self, now: int, queue: str, priority: int, tasks: int) -> None:
        expected = [self.imagined.put(now, queue, None, priority, 10, 0).id for _ in range(tasks)]
        if tasks == 1:
            assert [self.real[queue].put("p", priority=priority, now=now)] == expected
        else:
            assert self.real[queue].put_many(["p"] * tasks, priority=priority, now=now) == expected

    @rule(target=receipts, now=moments, queue=queues, lease=leases, limit=st.integers(1, 3))
    def claim(self, now: int, queue: str, lease: int, limit: int) -> Any:
        if limit == 1:
            task = self.real[queue].claim(lease=lease / 1000, now=now)
            taken = [task] if task else []
        else:
            taken = self.real[queue].claim_many(limit, lease=lease / 1000, now=now)
        self.one_tick(now)
        expected = self.imagined.claim(now, queue, lease, limit)
        assert [(task.receipt, task.attempt, task.lease_until) for task in taken] == [
            (task.receipt, task.failures + 1, task.due) for task in expected
        ]
        return multiple(*(task.receipt for task in taken))

    @rule(now=moments)
    def tick(self, now: int) -> None:
        self.real["a"].tick(now)
        while self.one_tick(now):
            pass

    @rule(now=moments, receipt=receipts)
    def ack(self, now: int, receipt: str) -> None:
        if task := self.running(receipt, lambda: self.real["a"].ack(receipt, "r", now=now)):
            task.finish("done", now)

    @rule(now=moments, receipt=receipts, delay=st.none() | delays, dead=st.booleans())
    def nack(self, now: int, receipt: str, delay: int | None, dead: bool) -> None:
        seconds = None if delay is None else delay / 1000
        nack = self.real["a"].nack
        task = self.running(receipt, lambda: nack(receipt, "e", delay=seconds, dead=dead, now=now))
        if task and task.fail("failed", now, dead=dead):
            task.due = self.checked_wait(task, now) if delay is None else now + delay

    @rule(now=moments, receipt=receipts, lease=leases)
    def extend(self, now: int, receipt: str, lease: int) -> None:
        held = []
        if task := self.running(
            receipt, lambda: held.append(self.real["a"].extend(receipt, lease / 1000, now=now))
        ):
            task.due = now + lease
            assert (held[0].until, held[0].cancel_asked) == (task.due, task.cancel_asked)

    @rule(now=moments, receipt=receipts, delay=delays)
    def release(self, now: int, receipt: str, delay: int) -> None:
        if task := self.running(
            receipt, lambda: self.real["a"].release(receipt, delay=delay / 1000, now=now)
        ):
            self.imagined.release(task, now, delay)

    @rule(now=moments, id=ids)
    def cancel(self, now: int, id: int) -> None:
        if task := self.found(id, lambda: self.real["a"].cancel(id, now=now), finished=False):
            self.imagined.cancel(task, now)

    @rule(now=moments, id=ids, delay=delays)
    def retry(self, now: int, id: int, delay: int) -> None:
        if task := self.found(
            id, lambda: self.real["a"].retry(id, delay=delay / 1000, now=now), finished=True
        ):
            self.imagined.retry(task, now, delay)

    @rule(now=moments, queue=queues, state=st.sampled_from([None, "done", "dead", "cancelled"]), older=delays)
    def purge(self, now: int, queue: str, state: str | None, older: int) -> None:
        forgotten = self.real[queue].purge(older=older / 1000, state=state, now=now)
        assert forgotten == self.imagined.purge(now, queue, state, older)

    @rule(queue=queues)
    def pause(self, queue: str) -> None:
        self.real[queue].pause()
        self.imagined.paused.add(queue)

    @rule(queue=queues)
    def resume(self, queue: str) -> None:
        self.real[queue].resume()
        self.imagined.paused.discard(queue)

    @rule(now=moments, queue=queues, id=ids)
    def a_transaction_that_fails_changes_nothing(self, now: int, queue: str, id: int) -> None:
        with suppress(Rollback), self.database.transaction():
            self.real[queue].put("never", key="x", now=now)
            if task := self.real[queue].claim(now=now):
                task.ack()
            with suppress(NoTask, Refused):
                self.real[queue].cancel(id, now=now)
            raise Rollback

    # --- what is always true ---

    @invariant()
    def every_task_is_there_and_is_as_imagined(self) -> None:
        expected = [
            (
                task.id,
                task.state.encode(),
                task.claims,
                task.settled,
                task.failures,
                task.crashes,
                task.due,
                task.ended,
                task.cancel_asked,
                task.duplicates,
                task.holds_key,
                task.runs,
            )
            for task in sorted(self.imagined.tasks.values(), key=attrgetter("id"))
        ]
        assert [(*row[:-1], json.loads(row[-1])) for row in self.sql(_TASKS)] == expected

    @invariant()
    def every_run_is_told_once(self) -> None:
        assert self.sql(_MISCOUNTED) == self.sql(_STRAY_RUNS) == []

    @invariant()
    def a_key_has_one_holder(self) -> None:
        assert self.sql(_SHARED_KEYS) == []

    @invariant()
    def every_lease_is_on_the_books(self) -> None:
        assert self.sql(_UNCOVERED) == []

    @invariant()
    def the_next_moment_is_never_told_too_late(self) -> None:
        first = min((task.due for task in self.imagined.tasks.values() if task.due is not None), default=None)
        told = self.database.next_due()
        assert first is None or (told is not None and told <= first)

    @invariant()
    def the_ready_are_counted(self) -> None:
        ready = [task.queue for task in self.imagined.tasks.values() if task.state == "ready"]
        assert {name: queue.qsize() for name, queue in self.real.items()} == {
            name: ready.count(name) for name in QUEUES
        }


TestAnyVerbsInAnyOrder = AnyVerbsInAnyOrder.TestCase
TestAnyVerbsInAnyOrder.settings = settings(
    derandomize=True,
    deadline=None,
    max_examples=400,
    stateful_step_count=50,
    suppress_health_check=list(HealthCheck),
)
