"""Threads that share commits, and what may happen to their process: kill -9, a full disk, forks, signals."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from queuekit import Queue
from tests.conftest import unmeasured

THREADS = 8
LIMIT = 120  # seconds; generous, never measured

PUT = """
import os, sys, threading
from queuekit import Queue
queue = Queue(sys.argv[1], "crash", synchronous=sys.argv[2])
def put(thread):
    n = 0
    while True:
        n += 1
        text = f"{thread} {n}"
        os.write(1, f"{queue.put(text)} {text}\\n".encode())  # whole lines, at once
for thread in range(8):
    threading.Thread(target=put, args=(thread,)).start()
"""


@pytest.mark.parametrize("synchronous", ["full", "normal"])
@pytest.mark.parametrize("promises", [1, 50, 300, 1000])
def test_after_kill_9_every_put_that_returned_is_there_and_none_twice(
    db: Path, synchronous: str, promises: int
) -> None:
    command = [sys.executable, "-c", PUT, str(db), synchronous]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(promises)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    promised = dict(line.rstrip("\n").split(" ", 1) for line in told if line.endswith("\n"))
    assert len(promised) >= promises
    with sqlite3.connect(db) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        there = {str(id): text for id, text in connection.execute("select id, payload from qk_task")}
    connection.close()
    assert promised.items() <= there.items()
    assert max(Counter(there.values()).values()) == 1
    begun = Counter(text.split()[0] for text in there.values()) - Counter(
        text.split()[0] for text in promised.values()
    )
    assert all(count == 1 for count in begun.values()), "a thread has one put on its way"


FILL = """
import os, resource, sys, threading
from queuekit import Queue, QueuekitError
queue = Queue(sys.argv[1], "full", synchronous="full")
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
errors = []
def put():
    try:
        while True:
            os.write(1, b"%d\\n" % queue.put("x" * 5000))
    except QueuekitError as error:
        errors.append(error)
threads = [threading.Thread(target=put) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(set(map(id, errors))) == 8, "each its own"
for error in errors: print(error, file=sys.stderr)
sys.exit(len(errors))
"""


def test_on_a_full_disk_each_thread_is_told_and_nothing_is_kept_that_was_not_promised(db: Path) -> None:
    filled = subprocess.run(
        [sys.executable, "-c", FILL, str(db)], capture_output=True, text=True, check=False, timeout=LIMIT
    )
    assert filled.returncode == THREADS, filled.stderr
    assert len(filled.stderr.splitlines()) == THREADS
    promised = sorted(map(int, filled.stdout.split()))
    assert promised
    with sqlite3.connect(db) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        assert [id for (id,) in connection.execute("select id from qk_task order by id")] == promised
    connection.close()
    with Queue(db, "full") as queue:
        assert queue.put("after") > promised[-1]


FORK = """
import os, sys, threading
from queuekit import Queue
queue = Queue(sys.argv[1], "fork", synchronous="full")
stop = threading.Event()
def put(thread):
    n = 0
    while not stop.is_set():
        n += 1
        text = f"parent {thread} {n}"
        os.write(1, f"{queue.put(text)} {text}\\n".encode())
threads = [threading.Thread(target=put, args=(thread,)) for thread in range(8)]
for thread in threads: thread.start()
def put_one(text):
    os.write(1, f"{queue.put(text)} {text}\\n".encode())
for child in range(10):
    pid = os.fork()
    if pid == 0:
        more = [threading.Thread(target=put_one, args=(f"child {child} {n}",)) for n in range(4)]
        for thread in more: thread.start()
        for thread in more: thread.join()
        queue.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
for thread in threads: thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_among_threads_that_put_leaves_no_thread_waiting_and_no_task_behind(db: Path) -> None:
    forked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, str(db)],
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    promised = dict(line.split(" ", 1) for line in forked.stdout.splitlines())
    assert sum(text.startswith("child") for text in promised.values()) == 40
    with sqlite3.connect(db) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        there = {str(id): text for id, text in connection.execute("select id, payload from qk_task")}
    connection.close()
    assert there == promised


SIGNALS = """
import os, signal, sys, threading
from queuekit import Queue
queue = Queue(sys.argv[1], "signals", synchronous=sys.argv[2])
class Interrupted(Exception): pass
def interrupt(*_): raise Interrupted
stop = threading.Event()
def put(thread):
    n = 0
    while not stop.is_set():
        n += 1
        os.write(1, f"{queue.put(f'{thread} {n}')} {thread} {n}\\n".encode())
threads = [threading.Thread(target=put, args=(thread,)) for thread in range(3)]
for thread in threads: thread.start()
signal.signal(signal.SIGALRM, interrupt)
interrupts = returned = 0
while interrupts < 1000:
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0002 + interrupts % 97 * 0.00001)
            while True:
                queue.put("main")
                returned += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Interrupted:
        interrupts += 1
stop.set()
for thread in threads: thread.join()
print("main", returned, interrupts)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_signals_that_interrupt_the_main_thread_at_any_point_harm_no_other(
    db: Path, synchronous: str
) -> None:
    command = [sys.executable, "-c", SIGNALS, str(db), synchronous]
    ran = subprocess.run(command, env=unmeasured(), capture_output=True, text=True, check=True, timeout=LIMIT)
    told = ran.stdout.splitlines()
    _, returned, interrupts = told.pop().split()
    promised = dict(line.split(" ", 1) for line in told)
    with sqlite3.connect(db) as connection:
        rows = {str(id): text for id, text in connection.execute("select id, payload from qk_task")}
    connection.close()
    by_main = [id for id, text in rows.items() if text == "main"]
    assert {id: text for id, text in rows.items() if text != "main"} == promised
    assert int(returned) <= len(by_main) <= int(returned) + int(interrupts)
