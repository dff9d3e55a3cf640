"""What falls due by itself: a sleeping get wakes for it, though nobody commits at that moment."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from sleeper import LIMIT, MINUTES, as_soon_as_it_sleeps

from queuekit.queue import Queue


def elsewhere(db: Path, program: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of Python in a process of its own, with a queue q."""
    opening = f"from queuekit.queue import Queue; q = Queue({str(db)!r}); "
    return subprocess.run([sys.executable, "-c", opening + program], check=True, timeout=LIMIT)


def test_a_delayed_task_wakes_when_it_falls_due(db: Path) -> None:
    with Queue(db, fallback=MINUTES) as queue:
        elsewhere(db, "q.put('now'); q.put('later', delay=0.3); q.put('soon', delay=0.1)")
        assert [queue.get(timeout=LIMIT).payload for _ in range(3)] == ["now", "soon", "later"]


def test_a_delayed_task_put_while_the_consumer_sleeps_wakes_when_it_falls_due(db: Path) -> None:
    with Queue(db, fallback=MINUTES) as queue:
        timer = as_soon_as_it_sleeps(lambda: elsewhere(db, "q.put('later', delay=0.2)"))
        assert queue.get(timeout=LIMIT).payload == "later"
        timer.join()


def test_a_task_due_sooner_than_the_one_slept_for_comes_first(db: Path) -> None:
    with Queue(db, fallback=MINUTES) as queue:
        queue.put("in minutes", delay=MINUTES)
        timer = as_soon_as_it_sleeps(lambda: elsewhere(db, "q.put('soon', delay=0.1)"))
        assert queue.get(timeout=LIMIT).payload == "soon"
        timer.join()


def test_the_end_of_a_dead_workers_lease_wakes(db: Path) -> None:
    with Queue(db, fallback=MINUTES) as queue:
        queue.policy(backoff=0.1)
        elsewhere(db, "q.put('x'); q.claim(lease=0.2)")
        task = queue.get(timeout=LIMIT)
        assert (task.payload, task.attempt) == ("x", 2)


def test_a_put_by_another_thread_of_the_process_wakes(db: Path) -> None:
    with Queue(db, fallback=MINUTES) as queue:
        timer = as_soon_as_it_sleeps(lambda: queue.put("from here"))
        assert queue.get(timeout=LIMIT).payload == "from here"
        timer.join()


def test_a_blocking_consumer_gets_every_task_of_another_process(db: Path) -> None:
    tasks = 500
    program = "import time, random; "
    program += f"[(q.put(str(n)), time.sleep(random.uniform(0, 0.004))) for n in range({tasks})]"
    producer = threading.Thread(target=elsewhere, args=(db, program))
    with Queue(db, fallback=MINUTES) as queue:
        producer.start()
        assert [queue.get(timeout=LIMIT).payload for _ in range(tasks)] == [str(n) for n in range(tasks)]
        producer.join()
