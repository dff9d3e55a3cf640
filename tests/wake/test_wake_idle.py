"""Nothing polls while nothing happens."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from sleeper import MINUTES, Consumer

from queuekit.wake import Wake

IDLE = """
import json, sys, time
from pathlib import Path
from sleeper import Consumer
from queuekit.wake import Wake

wake = Wake(sys.argv[1], fallback=600, method="events")
consumer = Consumer(Path(sys.argv[1]), wake)
version = consumer.version()
looks = []
wake.wait(lambda: False, 0.1)  # the import of watchdog is not the sleep
before = time.process_time()
woken = wake.wait(lambda: looks.append(1) or consumer.version() != version, 4)
print(json.dumps({"woken": woken, "looks": len(looks), "cpu": time.process_time() - before}))
"""


def test_an_idle_consumer_costs_nothing(db: Path) -> None:
    command = [sys.executable, "-c", IDLE, str(db)]
    done = subprocess.run(command, cwd=Path(__file__).parent, check=True, capture_output=True, timeout=120)
    idle = json.loads(done.stdout)
    assert not idle["woken"]
    assert idle["looks"] < 30  # it settles, then sleeps
    assert idle["cpu"] < 0.2  # of four seconds


def test_a_process_that_writes_all_the_time_looks_a_few_times_a_millisecond_at_most(db: Path) -> None:
    looks = 0
    with Wake(db, fallback=MINUTES, method="events") as wake:
        consumer = Consumer(db, wake)
        done = threading.Event()

        def own_commits_are_no_change() -> bool:
            nonlocal looks
            looks += 1
            return done.is_set()

        sleeper = threading.Thread(target=wake.wait, args=(own_commits_are_no_change, None))
        consumer.connection.execute("pragma synchronous = normal")
        started = time.monotonic()
        sleeper.start()
        for _ in range(10_000):
            consumer.connection.execute("insert into qk_task (queue, payload) values ('default', 'x')")
        done.set()
        wake.notify()
        sleeper.join()
        consumer.connection.close()
        milliseconds = (time.monotonic() - started) * 1000
    assert looks < 5 * milliseconds + 50
