"""Every system that is compared: what goes in comes out, once; and one that loses or doubles is told of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench import killed, systems
from tests.bench.cell import Task, measured, payloads, tally
from tests.bench.cells import CELLS
from tests.bench.run import _task
from tests.bench.systems import SYSTEMS, NotInstalled
from tests.bench.systems.floor import Floor
from tests.bench.systems.system import System

ACTIONS = sorted({cell.action for cell in CELLS})
SYSTEM = pytest.mark.parametrize("name", SYSTEMS)


def installed(name: str) -> type[System]:
    try:
        return systems.load(name)
    except NotInstalled as missing:
        pytest.skip(f"{name}: {missing}")


@SYSTEM
def test_a_message_is_put_claimed_and_acked_once(name: str, tmp_path: Path) -> None:
    adapter = installed(name)
    queue = adapter(tmp_path, adapter.levels[0])
    for text in payloads(3, 200):
        queue.put(text)
    assert [queue.claim_and_ack() for _ in range(3)] == payloads(3, 200)
    assert queue.claim() is None
    queue.close()


@SYSTEM
@pytest.mark.parametrize("action", ACTIONS)
def test_no_cell_of_it_loses_a_message_unless_its_own_way_of_work_does(
    name: str, action: str, tmp_path: Path
) -> None:
    cell = next(cell for cell in CELLS if cell.action == action)
    adapter = installed(name)
    level = adapter.levels[0]
    if not adapter.offers(action, level) or (adapter.only and cell.name not in adapter.only):
        return
    task = _task(cell._replace(synchronous=level), 0.01 * adapter.pace, name, tmp_path)
    found = measured(task)
    assert (found.delivered, found.lost) == (task.messages, 0)
    assert found.twice == 0 or (name, action) == ("persist-queue", "processes")
    assert found.wall > 0
    assert found.settings["journal_mode"] == "wal"
    assert found.settings["synchronous"] == ("full" if name in ("qk", "sqlite3") else level)


@SYSTEM
def test_it_runs_with_the_synchronous_that_it_says_it_can_be_told(name: str, tmp_path: Path) -> None:
    adapter = installed(name)
    if adapter.only:
        return
    for level in adapter.levels:
        folder = tmp_path / level
        folder.mkdir()
        queue = adapter(folder, level)
        assert queue.settings()["synchronous"] == level
        queue.close()


@SYSTEM
def test_it_says_what_it_promises(name: str) -> None:
    adapter = installed(name)
    assert all((adapter.title, adapter.ack, adapter.lease, adapter.history))


class Careless(Floor):
    """Loses the message of number 3, and delivers that of number 5 twice."""

    def put(self, payload: str) -> Any:
        for _ in range({"00000003": 0, "00000005": 2}.get(payload[:8], 1) if len(payload) == 201 else 1):
            super().put(payload)

    def put_many(self, payloads: list[str]) -> None:
        for payload in payloads:
            self.put(payload)


@pytest.mark.parametrize("action", ["put", "put_many"])
def test_messages_that_are_lost_or_come_twice_are_counted(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systems, "load", lambda name: Careless)
    found = measured(Task("careless", action, 20, 201, "normal", str(tmp_path)))
    assert (found.messages, found.delivered, found.lost, found.twice) == (20, 19, 1, 1)


def test_a_tally_tells_delivered_twice_and_lost() -> None:
    assert tally(4, ["00000000", "00000001x", "00000001", "00000003"]) == (3, 1, 1)


@pytest.mark.parametrize(
    ("name", "lease", "limit", "outcome"),
    [
        ("queuekit", 0.2, 30.0, "redelivered"),
        ("floor", 0.2, 0.2, "held"),
        ("litequeue", 0.2, 0.2, "held"),
        ("liteq", 0.2, 0.2, "held"),
        ("persist-queue", 0.2, 30.0, "redelivered"),
        ("huey", 0.2, 0.2, "lost"),
        ("diskcache", 0.2, 0.2, "lost"),
    ],
)
def test_the_task_of_a_killed_consumer_is_handed_out_again_held_or_lost(
    name: str, lease: float, limit: float, outcome: str, tmp_path: Path
) -> None:
    installed(name)
    assert killed.measure(name, tmp_path, lease, limit)["outcome"] == outcome


def test_one_that_is_not_installed_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huey", None)
    monkeypatch.delitem(sys.modules, "tests.bench.systems.huey", raising=False)
    with pytest.raises(NotInstalled, match=r"not installed: pip install 'queuekit\[bench\]'"):
        systems.load("huey")


def test_programs_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalled, match="bash, sqlite3, od"):
        systems.load("qk")
