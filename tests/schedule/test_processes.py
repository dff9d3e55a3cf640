"""Whoever looks, and whoever is killed meanwhile: each instant becomes one task."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter

from programs import QUEUEKIT, Start, wait_until

from queuekit import Queue, Schedules
from queuekit.durations import moment_ms, now_ms
from queuekit.rule import rule

NOW = moment_ms("2026-06-01T12:00:00Z")
AUTUMN = moment_ms("2026-10-24T23:50:00Z")  # ten minutes before an hour that comes twice in Berlin
SECOND, MINUTE = 1000, 60_000

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
    queue: Queue, schedules: Schedules, start: Start
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
    queue: Queue, schedules: Schedules, start: Start
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
        assert begun <= at[0]
    assert set(Counter(keys(queue)).values()) == {1}
