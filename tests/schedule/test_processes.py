"""Whoever looks, and whoever is killed meanwhile: each instant becomes one task."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from queuekit import Empty, Queue, Schedules
from queuekit.durations import moment_ms, now_ms
from queuekit.rule import rule

NOW = moment_ms("2026-06-01T12:00:00Z")
AUTUMN = moment_ms("2026-10-24T23:50:00Z")  # ten minutes before an hour that comes twice in Berlin
SECOND, MINUTE = 1000, 60_000
LIMIT = 60.0  # seconds; reached only by a test that fails
QUEUEKIT = [sys.executable, "-m", "queuekit"]

# Looks every few seconds of a time of its own, as fast as it can; tells how far it is.
FIRING = """
import sys
from queuekit import Queue, Schedules
schedules = Schedules(Queue(sys.argv[1]).database)
for now in range(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])):
    schedules.fire(now)
    print(now, flush=True)
"""


def keys(queue: Queue, **which: str) -> list[str]:
    return sorted(row["key"] for row in queue.list(limit=100_000, **which))


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def start(queue: Queue) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program on the file; what still runs at the end is told to stop."""
    started: list[subprocess.Popen[str]] = []

    def begin(*command: object, **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(list(map(str, command)), text=True, **options)  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield begin
    for process in started:
        process.terminate()
        process.communicate(timeout=LIMIT)


def test_many_that_look_at_once_fire_each_instant_once(queue: Queue) -> None:
    """Eight threads with connections of their own, and an instant every second for 200 seconds."""
    Schedules(queue.database).add("s", "every 1s", catch_up="all", now=NOW)

    def look() -> None:
        with Queue(queue.database.path) as mine:
            for second in range(1, 201):
                Schedules(mine.database).fire(NOW + second * SECOND)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert keys(queue) == sorted(f"s@{NOW + second * SECOND}" for second in range(1, 201))


def test_processes_that_are_killed_all_the_time_lose_no_instant_and_double_none(
    queue: Queue, schedules: Schedules, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """Four look at once, through an hour that comes twice; one after the other dies by kill -9 in the midst of it."""
    end = AUTUMN + 150 * MINUTE
    rules = {
        "cron": "* * * * *",
        "hours": "0 * * * *",
        "day": "30 2 * * *",
        "every": "every 20s",
        "six": "*/30 * * * * *",
    }
    for name, words in rules.items():
        schedules.add(name, words, zone="Europe/Berlin", catch_up="all", grace="1h", jitter="30s", now=AUTUMN)
    firing = [sys.executable, "-c", FIRING, queue.database.path]

    def begin(now: int) -> subprocess.Popen[str]:
        return start(*firing, now, end, 5 * SECOND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    running = [begin(AUTUMN) for _ in range(4)]
    for kill in range(16):
        victim = running.pop(0)
        assert victim.stdout is not None
        reached = AUTUMN
        for _ in range(3 + 7 * (kill % 5)):
            reached = int(victim.stdout.readline() or reached)
        victim.send_signal(signal.SIGKILL)
        running.append(begin(reached))
    for process in running:
        process.kill()
    for now in range(AUTUMN, end + 1, MINUTE):
        schedules.fire(now)
    due = [f"{name}@{at}" for name, words in rules.items() for at in _instants(words, end)]
    assert keys(queue) == sorted(due)
    late = [row["due_at"] - int(row["key"].rpartition("@")[2]) for row in queue.list(limit=100_000)]
    assert all(0 <= wait <= 30 * SECOND for wait in late)


def _instants(words: str, end: int) -> list[int]:
    told, found = rule(words, "Europe/Berlin"), []
    at = told.first(AUTUMN)
    while at is not None and at <= end:
        found.append(at)
        at = told.after(at)
    return found


def test_ticks_and_workers_of_many_processes_fire_each_instant_once(
    queue: Queue, schedules: Schedules, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """With the clock of the machine, and words of cron that name each second."""
    on = ["--db", queue.database.path]
    quiet = {"stderr": subprocess.DEVNULL}
    for number in range(3):
        start(*QUEUEKIT, "work", f"other-{number}", "--exec", "true", *on, **quiet)
    begun = now_ms()
    schedules.add("cron", "* * * * * *", zone="Europe/Berlin", catch_up="all")
    schedules.add("every", "every 1s", catch_up="all")
    ticks = 'while :; do "$@" || exit; done'
    for _ in range(2):
        start("bash", "-c", ticks, "bash", *QUEUEKIT, "tick", *on, **quiet)
    wait_until(lambda: queue.qsize() >= 12)
    for name in ("cron", "every"):
        at = sorted(int(key.rpartition("@")[2]) for key in keys(queue) if key.startswith(name))
        assert at == list(range(at[0], at[-1] + 1, SECOND))
        assert begun <= at[0] <= begun + 10 * SECOND
    assert set(Counter(keys(queue)).values()) == {1}


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
    queue: Queue, schedules: Schedules, start: Callable[..., subprocess.Popen[str]], when: str, tmp_path: Path
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
    queue: Queue, schedules: Schedules, start: Callable[..., subprocess.Popen[str]], tmp_path: Path
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
    queue: Queue, schedules: Schedules, start: Callable[..., subprocess.Popen[str]]
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
