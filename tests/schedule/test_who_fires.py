"""Whoever sleeps on the file, works on it or loops over it fires its schedules, at no cost while nothing is due."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from programs import LIMIT, QUEUEKIT, Start, wait_until

from queuekit import Empty, Queue, Schedules


def _busy(folder: Path) -> str:
    """A handler that makes a file busy, and goes on until there is a file over."""
    return f"sh -c 'touch {folder}/busy; until [ -e {folder}/over ]; do sleep 0.1; done'"


def test_a_consumer_that_sleeps_is_woken_by_the_instant(tmp_path: Path) -> None:
    with Queue(tmp_path / "queue.db", fallback=600) as queue:
        Schedules(queue.database).add("s", "every 1s", "wake up")
        assert queue.get(timeout=60).payload == "wake up"


def test_a_consumer_that_never_runs_dry_fires_too(queue: Queue, schedules: Schedules) -> None:
    schedules.add("s", "every 1s", queue="other")
    queue.put("x")
    deadline = time.monotonic() + LIMIT
    for _ in queue:
        queue.put("x")
        if Queue(queue.database, "other").qsize():
            break
        assert time.monotonic() < deadline


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_worker_without_a_free_slot_fires(
    queue: Queue, schedules: Schedules, start: Start, when: str, tmp_path: Path
) -> None:
    if when == "before":
        schedules.add("s", "every 1s", queue="other")
    queue.put("x")
    work = [*QUEUEKIT, "work", "default", "--exec", _busy(tmp_path), "--db", queue.database.path]
    start(*work, stderr=subprocess.DEVNULL)
    wait_until((tmp_path / "busy").exists)
    if when == "meanwhile":
        time.sleep(0.3)  # it has begun to sleep
        schedules.add("s", "every 1s", queue="other")
    wait_until(lambda: Queue(queue.database, "other").qsize() >= 2)
    assert queue.stats()["running"] == 1
    (tmp_path / "over").touch()


def test_a_daemon_whose_workers_are_busy_fires_at_the_instant(
    queue: Queue, schedules: Schedules, start: Start, tmp_path: Path
) -> None:
    command = _busy(tmp_path)
    config = tmp_path / "queuekit.toml"
    config.write_text(
        f'database = "{queue.database.path}"\n[daemon]\nfallback = "10m"\n'
        f'[[queue]]\nname = "default"\nexec = {json.dumps(command)}\n'
    )
    schedules.add("s", "every 1s", queue="other", grace="5s")
    queue.put("x")
    start(*QUEUEKIT, "daemon", config, stderr=subprocess.DEVNULL)
    wait_until((tmp_path / "busy").exists)
    wait_until(lambda: Queue(queue.database, "other").qsize() >= 3)
    (tmp_path / "over").touch()


def test_a_burst_runs_what_a_schedule_puts_when_it_begins(
    queue: Queue, schedules: Schedules, start: Start
) -> None:
    schedules.add("s", "at 2026-06-01T12:00:00Z")
    burst = start(*QUEUEKIT, "work", "default", "--burst", "--exec", "true", "--db", queue.database.path)
    assert burst.wait(LIMIT) == 0
    assert queue.stats()["done"] == 1


IDLE = """
import sys, time
from queuekit import Queue, Schedules
queue = Queue(sys.argv[1], fallback=600)
Schedules(queue.database).add("s", "every 1h")
try:
    queue.get(timeout=0.1)  # the imports are not the sleep
except Exception:
    pass
before = time.process_time()
try:
    queue.get(timeout=4)
except Exception:
    pass
print(time.process_time() - before)
"""


def test_who_waits_for_an_instant_costs_nothing(queue: Queue) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IDLE, str(queue.database.path)], capture_output=True, check=True
    )
    assert float(done.stdout) < 0.2  # of four seconds


def test_what_is_due_and_cannot_be_moved_keeps_nobody_busy(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a rule that is no text for Python: no client can even tell the file what is wrong with it."""
    looks = []
    monkeypatch.setattr(Schedules, "fire", lambda *_: looks.append(1) or 0)
    Schedules(queue.database).add("s", "at 2026-06-01T12:00:00Z")
    with pytest.raises(Empty):
        queue.get(timeout=3)
    assert len(looks) < 10
