"""Random lives of linked tasks: the books stay right, and are the same with recursive_triggers off and on."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from books import wrong

from queuekit import Queue, statements

STEPS = 500
NOW = 2_000_000_000_000
TABLES = (
    "qk_task",
    "qk_queue",
    "qk_batch",
    "qk_dependency",
    "qk_hand",
    "qk_run",
    "qk_event",
    "qk_event_book",
)


class Twins:
    """The same file twice: what is done to one, with recursive_triggers off, is done to the other, with it on."""

    def __init__(self, origin: Path) -> None:
        self.files = [sqlite3.connect(":memory:", isolation_level=None) for _ in range(2)]
        with closing(sqlite3.connect(origin)) as source:
            for mode, file in enumerate(self.files):
                source.backup(file)
                file.execute(f"pragma recursive_triggers = {mode}")
                file.create_function("random", 0, lambda: 7)  # no jitter, lest the twins part

    def run(self, verb: str, **given: Any) -> list[tuple[Any, ...]]:
        """The rows of the verb, or the law that refused it: the same from both."""
        off, on = (self._run(file, verb, given) for file in self.files)
        assert off == on, (verb, given)
        return off

    def _run(self, file: sqlite3.Connection, verb: str, given: dict[str, Any]) -> list[tuple[Any, ...]]:
        try:
            for text, names in statements.load(verb):
                rows = file.execute(text, tuple(map(given.get, names))).fetchall()
        except sqlite3.IntegrityError as error:
            return [(str(error)[:5],)]
        return rows

    def same(self) -> bool:
        off, on = (
            [file.execute(f"select * from {table}").fetchall() for table in TABLES] for file in self.files
        )
        return off == on

    def close(self) -> None:
        for file in self.files:
            file.close()

    def one(self, query: str) -> Any:
        return self.files[0].execute(query).fetchall()


class Life:
    """Random verbs on a small file."""

    def __init__(self, twins: Twins, seed: int) -> None:
        self.twins = twins
        self.dice = random.Random(seed)
        self.now = NOW

    def step(self) -> None:
        """One verb; time goes on."""
        self.now += self.dice.choice([0, 0, 10, 500])
        act = self.dice.choice(
            [self.put] * 5 + [self.claim] * 5 + [self.end] * 6 + [self.move] * 3 + [self.rare]
        )
        act()

    def id(self) -> int:
        newest = self.twins.one("select ifnull(max(id), 1) from qk_task")[0][0]
        return self.dice.randint(max(1, newest - 25), newest)

    def maybe(self, *values: Any, chance: float = 0.3) -> Any:
        return self.dice.choice(values) if self.dice.random() < chance else None

    def put(self) -> None:
        after = [self.id() for _ in range(self.dice.choice([0, 0, 0, 1, 1, 2, 3]))]
        given: dict[str, Any] = {"queue": self.dice.choice(["a", "b", "c"]), "now": self.now}
        given |= {"key": self.maybe("k", "l", "m"), "on_conflict": self.maybe("replace", "merge")}
        given |= {"unique_ms": self.maybe(-1, 300, 10**15), "priority": self.maybe(1, "high")}
        given |= {"delay_ms": self.maybe(50, 400, chance=0.2), "within_ms": self.maybe(100, 900, chance=0.15)}
        given |= {"group": self.maybe("g", "h"), "share": self.maybe("s", "t"), "batch": self.maybe(1, 2, 3)}
        given |= {"after": json.dumps(after) if after else None, "on_failure": self.maybe("run", "wait")}
        payload = self.dice.choice(["x", "[1]", "longer text"])
        self.twins.run("put", payload=payload, max_attempts=self.maybe(1, 2, chance=0.6), **given)

    def claim(self) -> None:
        given = {"queue": self.dice.choice(["a", "b", "c"]), "worker": self.maybe("w", "v", chance=0.8)}
        given |= {"strategy": self.maybe("fifo", "lifo", "fair", "priority", chance=0.5)}
        self.twins.run("claim", now=self.now, lease_ms=self.dice.choice([20, 5000]), **given)

    def end(self) -> None:
        running = self.twins.one(
            "select id || ':' || claims from qk_task where state = 'running' order by id"
        )
        if not running:
            return
        (receipt,) = self.dice.choice(running)
        verb = self.dice.choice(["ack", "ack", "nack", "release"])
        self.twins.run(
            verb,
            receipt=receipt,
            now=self.now,
            delay_ms=self.dice.choice([0, 0, 200]),
            dead=self.maybe(1),
            error="e",
        )

    def move(self) -> None:
        verb = self.dice.choice(["cancel", "retry", "retry", "snooze", "tick"])
        if verb == "tick":
            for file in self.twins.files:
                file.execute("insert into qk_tick (now, seed) values (?, 1)", (self.now,))
        else:
            self.twins.run(verb, id=self.id(), now=self.now, delay_ms=self.maybe(0, 100))

    def rare(self) -> None:
        verb = self.dice.choice(
            "batch_open batch_close policy purge pause resume flow_open flow_cancel flow_retry".split()
        )
        given: dict[str, Any] = {
            "queue": self.dice.choice(["a", "b", "c"]),
            "now": self.now,
            "id": self.dice.randint(1, 9),
        }
        if verb == "policy":
            given |= {"max_running": self.maybe(0, 2, 4), "max_per_worker": self.maybe(0, 1, 2)}
            given |= {"rate_us": self.maybe(0, 1000, 90_000), "burst": self.maybe(1, 3)}
            given |= {"max_depth": self.maybe(0, 4, 30), "max_bytes": self.maybe(0, 60)}
            given |= {"on_full": self.maybe("reject", "drop_oldest", "coalesce")}
            given |= {
                "on_group": self.maybe("aside", "block"),
                "strategy": self.maybe("fifo", "priority", "fair"),
            }
        self.twins.run(
            verb,
            older_ms=200,
            whole=self.maybe(1),
            payload=self.maybe("callback", chance=0.7),
            **given,
        )
        if verb == "flow_open":
            ((flow,),) = self.twins.one("select max(id) from qk_batch")
            self.twins.run("flow_steps", flow=flow, steps=json.dumps(self.steps()), now=self.now)

    def steps(self) -> list[dict[str, Any]]:
        return [
            {
                "name": f"step {n}",
                "payload": "p",
                "queue": self.dice.choice(["a", "b", "c"]),
                "after": self.dice.sample(range(n), min(n, self.dice.randint(0, 2))),
                "on_failure": self.maybe("run", "wait"),
                "group": self.maybe("g", chance=0.2),
            }
            for n in range(self.dice.randint(1, 6))
        ]


def told(file: sqlite3.Connection) -> set[tuple[int, str]]:
    """What the events say that the state of each task is."""
    words = {"put": "ready", "claimed": "running", "failed": "scheduled", "crashed": "scheduled"}
    words |= {"released": "ready", "expired": "cancelled", "retried": "ready"}
    last = "select task_id, event from qk_event where id in (select max(id) from qk_event group by task_id)"
    return {(task, words.get(event, event)) for task, event in file.execute(last)}


def waits_alike(states: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """put, released and retried do not say how a task waits."""
    return {
        (task, "waits" if state in ("ready", "scheduled", "blocked") else state) for task, state in states
    }


@pytest.mark.parametrize("events", [False, True], ids=["events off", "events on"])
@pytest.mark.parametrize("seed", range(5))
def test_a_random_life_leaves_the_books_right(copied: Path, seed: int, events: bool) -> None:
    with Queue(copied) as queue:
        queue.policy(max_depth=1)  # which brings the extra laws
        queue.policy(max_depth=0)
        queue.database.events(events)
    with closing(Twins(copied)) as twins:
        life = Life(twins, seed)
        for step in range(STEPS):
            life.step()
            for file in twins.files:
                assert [*wrong(file)] == [], (seed, step)
            assert twins.same(), (seed, step)
        states = dict(twins.one("select state, count(*) from qk_task group by 1"))
        assert {"done", "cancelled", "dead"} <= states.keys()
        if events:
            there = set(twins.one("select id, state from qk_task"))
            assert waits_alike(told(twins.files[0])) == waits_alike(there)
