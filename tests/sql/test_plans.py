"""What a busy queue runs finds its rows by an index, and costs as much in a small file as in a large one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cost import steps
from crowd import NOW, SOON, build
from verbs import Opener, connect

from queuekit import statements
from tests.conftest import SQL

SMALL, LARGE = 100, 100_000  # tasks in each of four states

# What each hot verb (the first word) is given in a file of n tasks a state; the laws and the tick that it sets off
# come along.
HOT: dict[str, Callable[[int], dict[str, Any]]] = {
    "put": lambda n: {"payload": "p", "key": "new", "now": NOW},
    "put replaced": lambda n: {
        "payload": "p",
        "key": "new",
        "on_conflict": "replace",
        "priority": "high",
        "now": NOW,
    },
    "put_plain": lambda n: {"payload": "p", "key": "new", "now": NOW},
    "put_simple": lambda n: {"payload": "p", "now": NOW},
    "put_many": lambda n: {"payloads": '["a", "b"]', "now": NOW},
    "put_many_simple": lambda n: {"payloads": '["a", "b"]', "now": NOW},
    "claim": lambda n: {"worker": "w", "now": NOW},
    "claim_simple": lambda n: {"worker": "w", "now": NOW},
    "next": lambda n: {"limit": 10, "now": NOW},
    "take": lambda n: {"ids": "[10, 11]", "worker": "w", "now": NOW},
    "claim fifo": lambda n: {"strategy": "fifo", "now": NOW},
    "claim lifo": lambda n: {"strategy": "lifo", "now": NOW},
    "claim random": lambda n: {"strategy": "random", "now": NOW},
    "claim fair": lambda n: {"strategy": "fair", "now": NOW},
    "claim able": lambda n: {"capabilities": "gpu region=us", "now": NOW},
    "claim_many": lambda n: {"worker": "w", "limit": 10, "now": NOW},
    "ack": lambda n: {"receipt": f"{2 * n + 10}:1", "now": NOW},
    "ack_many": lambda n: {"receipts": f'["{2 * n + 10}:1", "{2 * n + 11}:1"]', "now": NOW},
    "nack": lambda n: {"receipt": f"{2 * n + 20}:1", "error": "why", "delay_ms": 1, "now": NOW},
    "extend": lambda n: {"receipt": f"{2 * n + 30}:1", "now": NOW},
    "release": lambda n: {"receipt": f"{2 * n + 40}:1", "now": NOW},
    "cancel": lambda n: {"id": 10, "now": NOW},
    "snooze": lambda n: {"id": 10, "delay_ms": 5, "now": NOW},
    "retry": lambda n: {"id": 3 * n + 10, "now": NOW},
    "show": lambda n: {"id": 3 * n + 20},
    "due": lambda n: {},
    "count": lambda n: {"queue": "empty"},
    "tick": lambda n: {"now": NOW},
    "bounds": lambda n: {},
    "purge": lambda n: {"from": 3 * n, "span": 50, "older_ms": 0, "now": NOW},
    "version": lambda n: {},
    "prefetch": lambda n: {"consumer": "c", "receipts": "[]"},
}

NO_TABLE = {
    "SCAN CONSTANT ROW": "the one row of a SELECT without FROM",
    "SCAN qk_clock": "the one row of that view",
    "SCAN p": "the one row that put makes of its priority, or qk_prefetch: a row a consumer",
    "SCAN w": "the one row that put_many makes of its parameters",
    "SCAN j VIRTUAL TABLE INDEX 1:": "json_each: the payloads of the call, or the piles of a claim",
    "SCAN json_each VIRTUAL TABLE INDEX 1:": "the words of a requirement",
    "SCAN qk_cascade": "empty, but while a failure is passed on",
    "SCAN r VIRTUAL TABLE INDEX 1:": "json_each: the receipts of the call, or of what a consumer has claimed ahead",
    "SCAN qk_prefetch": "a row a consumer that claims ahead",
    "SCAN qk_queue": "a row a queue",
    "SCAN qk_schedule": "a row a schedule",
    "SCAN pile": "a row for each requirement that is met, and each priority",
    "SCAN s": "the one row that says how a queue is claimed",
    "SCAN word VIRTUAL TABLE INDEX 1:": "json_each: the words that a worker names",
    "SCAN l": "the rows that the SEARCH of qk_lease in due order has just found, up to its LIMIT",
}

NO_BATCH = {  # of purge: the index for it comes with the extra laws, without which there is no batch
    "SCAN d": "is there a dead task in its batch?",
    "SCAN qk_task": "is there another task in its batch?",
}


# As HOT, in a file with the extra laws. (Their plans are many; what counts is that none grows.)
LINKED: dict[str, Callable[[int], dict[str, Any]]] = HOT | {
    "put linked": lambda n: {
        "payload": "p",
        "after": f"[{3 * n + 1}, 10]",
        "group": "g",
        "share": "s",
        "now": NOW,
    },
    "put_many": lambda n: {"payloads": '["a", "b"]', "group": "g", "after": "[10]", "now": NOW},
    "policy": lambda n: {"rate_us": 10, "strategy": "fifo"},  # (a limit that is set counts what is there)
    "batch_open": lambda n: {"payload": "callback", "now": NOW},
}


@pytest.fixture(scope="module", params=[False, True], ids=["no-statistics", "analyzed"])
def analyze(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def large(analyze: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("large") / "queue.db", LARGE, analyze=analyze)


@pytest.fixture(scope="module")
def small(analyze: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("small") / "queue.db", SMALL, analyze=analyze)


def plan(path: Path, verb: str, given: dict[str, Any]) -> list[str]:
    """The lines of the query plans of sql/VERB.sql and of the triggers behind it, as the sqlite3 program tells them."""
    bound = "".join(
        f"insert into temp.sqlite_parameters values (':{name}', {value!r});" for name, value in given.items()
    )
    script = f".parameter init\n{bound}\nbegin;\n.eqp trigger\n.read {SQL}/{verb}.sql\nrollback;\n"
    shell = ["sqlite3", "-batch", "-bail", "-init", "/dev/null", str(path)]
    output = subprocess.run(shell, input=script, text=True, check=True, capture_output=True).stdout
    return re.findall(r"^[| ]*[|`]--(.*)$", output, re.MULTILINE)


def bad(line: str) -> bool:
    return (line.startswith("SCAN") and line not in NO_TABLE and not line.startswith("SCAN (subquery-")) or (
        "AUTO" in line and line not in NO_TABLE
    )


@pytest.mark.parametrize("verb", HOT)
def test_a_hot_statement_and_the_laws_behind_it_search_by_an_index(verb: str, large: Path) -> None:
    name = verb.split()[0]
    lines = plan(large, name, HOT[verb](LARGE))
    assert lines or verb == "prefetch"  # (of an upsert by the primary key a plan tells nothing)
    known = NO_BATCH if verb == "purge" else {}
    assert [line for line in lines if bad(line) and line not in known] == []
    if name != "claim":  # it sorts its piles, a row for each priority that is ready
        assert [line for line in lines if "TEMP B-TREE FOR ORDER BY" in line] == []


EVENTFUL = [
    "put_simple",
    "claim_simple",
    "take",
    "ack",
    "nack",
    "release",
    "snooze",
    "retry",
    "cancel",
    "tick",
    "purge",
]


@pytest.fixture(scope="module")
def eventful(large: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The large file, with events on and a history of 100,000 of them."""
    path = Path(shutil.copy(large, tmp_path_factory.mktemp("eventful") / "queue.db"))
    with closing(connect(path)) as connection:
        connection.executescript(statements.source("events_on"))
        connection.execute(
            "insert into qk_event (at, task_id, event) select created_at, id, 'put' from qk_task where id % 4 = 0"
        )
    return path


@pytest.mark.parametrize("verb", EVENTFUL)
def test_so_it_does_with_events_on(verb: str, eventful: Path) -> None:
    known = NO_BATCH if verb == "purge" else {}
    lines = plan(eventful, verb, HOT[verb](LARGE))
    assert [line for line in lines if bad(line) and line not in known] == []
    if verb == "purge":
        assert "SEARCH b USING PRIMARY KEY (block=?)" in lines
        assert "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in lines


@pytest.mark.parametrize("verb", EVENTFUL)
def test_an_event_costs_as_much_after_a_long_history(
    verb: str, eventful: Path, large: Path, opened: Opener
) -> None:
    given = HOT[verb](LARGE)
    tasks = 50 if verb == "purge" else 1
    assert steps(opened(eventful), verb, given) - steps(opened(large), verb, given) < 300 * tasks


def test_the_plan_of_a_claim_shows_the_triggers_behind_it(large: Path) -> None:
    lines = plan(large, "claim", HOT["claim"](LARGE))
    assert {
        "SEARCH n USING INDEX qk_task_ready (queue=? AND lane=?)",
        "SEARCH qk_task USING INDEX qk_task_due (due_at<?)",
        "SEARCH qk_lease USING PRIMARY KEY (slot<?)",
        "SEARCH t USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "SEARCH qk_lease USING PRIMARY KEY (slot=? AND block=?)",
    } <= set(lines)


@pytest.mark.parametrize("verb", HOT)
def test_a_hot_statement_costs_as_much_with_400_000_tasks_as_with_400(
    verb: str, small: Path, large: Path, opened: Opener
) -> None:
    name = verb.split()[0]
    few, many = steps(opened(small), name, HOT[verb](SMALL)), steps(opened(large), name, HOT[verb](LARGE))
    assert 0 < many <= 1.2 * few


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small and a large file with the extra laws."""
    folder = tmp_path_factory.mktemp("linked")
    small = build(folder / "small.db", SMALL, analyze=False, extra=True)
    return small, build(folder / "large.db", LARGE, analyze=False, extra=True)


@pytest.mark.parametrize("verb", LINKED)
def test_so_it_does_with_the_extra_laws(verb: str, linked: tuple[Path, Path], opened: Opener) -> None:
    name = verb.split()[0]
    few, many = (
        steps(opened(path), name, LINKED[verb](each))
        for path, each in zip(linked, (SMALL, LARGE), strict=True)
    )
    assert 0 < many <= 1.2 * few


def test_a_tick_that_finds_everything_due_costs_as_much_as_its_batch(
    large: Path, tmp_path: Path, opened: Opener
) -> None:
    enough = build(tmp_path / "enough.db", 2000, analyze=False)
    given = {"now": SOON + 3_600_000, "batch": 10}
    few, many = steps(opened(enough), "tick", given), steps(opened(large), "tick", given)
    assert 0 < many <= 1.2 * few


AHEAD = """
with recursive c (n) as (select 0 union all select n + 1 from c where n < :consumers - 1),
               k (n) as (select 0 union all select n + 1 from k where n < 31)
insert or replace into qk_prefetch
select 'c' || c.n, json_group_array((2 * :each + (32 * c.n + k.n) % :each + 1) || ':1') from c cross join k group by c.n
"""  # so many consumers have each claimed 32 of the tasks that run


def test_what_was_claimed_ahead_by_a_thousand_is_searched_by_an_index_and_read_once(
    large: Path, tmp_path: Path, opened: Opener
) -> None:
    path = tmp_path / "ahead.db"
    shutil.copy(large, path)
    connection = opened(path)
    due = {"now": SOON + 10}  # one scheduled task, and one lease
    connection.execute(AHEAD, {"consumers": 10, "each": LARGE})
    few = steps(connection, "tick", due)
    none = steps(opened(large), "tick", due)
    connection.execute(AHEAD, {"consumers": 1000, "each": LARGE})
    many = steps(connection, "tick", due)
    assert 0 < many - none <= 120 * (few - none)
    assert [line for line in plan(path, "tick", due) if bad(line)] == []
