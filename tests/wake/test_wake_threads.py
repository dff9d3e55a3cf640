"""notify, several waiting threads, one watcher for all, and what close and fork leave behind."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

import pytest
from sleeper import LIMIT, MINUTES, Consumer, as_soon_as_it_sleeps, woken_by

from queuekit.wake import Wake

pytestmark = pytest.mark.usefixtures("settles_soon")
METHODS = pytest.mark.parametrize("method", ["events", "poll"])


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("queuekit wake")]


@METHODS
def test_notify_from_a_signal_handler_wakes(db: Path, method: str) -> None:
    caught: list[int] = []
    with Wake(db, fallback=None, method=method, poll=MINUTES) as wake:  # type: ignore[arg-type]

        def handler(number: int, _: object) -> None:
            caught.append(number)
            wake.notify()

        before = signal.signal(signal.SIGALRM, handler)
        try:
            for _ in range(20):
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                woken_by(wake, lambda: bool(caught))
                caught.clear()
        finally:
            signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_may_notify_at_any_point_of_a_wait(db: Path) -> None:
    """Hundreds of signals land in the middle of looks, sleeps and other notifies."""
    with Wake(db, fallback=None) as wake:
        before = signal.signal(signal.SIGALRM, lambda *_: wake.notify())
        looks = count()
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
            woken_by(wake, lambda: next(looks) > 1000)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


@METHODS
def test_notify_wakes_every_waiting_thread(db: Path, method: str) -> None:
    with Wake(db, fallback=None, method=method, poll=MINUTES) as wake:  # type: ignore[arg-type]
        stop = threading.Event()
        woken: list[bool] = []
        threads = [
            threading.Thread(target=lambda: woken.append(wake.wait(stop.is_set, LIMIT))) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        stop.set()
        wake.notify()
        for thread in threads:
            thread.join(LIMIT)
        assert woken == [True] * 5


def test_two_threads_waiting_on_one_wake_both_see_every_commit(db: Path, wake: Wake) -> None:
    seen: list[int] = []

    def follow() -> None:
        consumer = Consumer(db, wake)
        while (tasks := consumer.count()) < 100:
            woken_by(wake, lambda: consumer.count() > tasks)
        seen.append(tasks)
        consumer.connection.close()

    threads = [threading.Thread(target=follow) for _ in range(2)]
    for thread in threads:
        thread.start()
    with Consumer(db, wake).connection as writer:
        writer.isolation_level = None
        for _ in range(100):
            writer.execute("insert into qk_task (queue, payload) values ('default', 'x')")
    writer.close()
    for thread in threads:
        thread.join(LIMIT)
    assert seen == [100, 100]


def test_a_wait_ends_with_its_timeout(db: Path, wake: Wake) -> None:
    assert not wake.wait(lambda: False, 0)
    assert not wake.wait(lambda: False, 0.05)


def test_what_is_so_already_needs_no_waiting(wake: Wake) -> None:
    assert wake.wait(lambda: True, 0)


def test_what_changed_raises_passes_through(wake: Wake) -> None:
    with pytest.raises(ZeroDivisionError):
        wake.wait(lambda: bool(1 // 0), None)
    assert wake.wait(lambda: True, None)


def test_all_wakes_on_a_directory_share_one_thread(tmp_path: Path) -> None:
    wakes = [Wake(tmp_path / f"{number}.db", fallback=None) for number in range(5)]
    for wake in wakes:
        wake.wait(lambda: False, 0.01)
    assert len(watchers()) == 1
    for wake in wakes[1:]:
        wake.close()
    assert len(watchers()) == 1
    timer = as_soon_as_it_sleeps((tmp_path / "0.db").touch)
    woken_by(wakes[0], (tmp_path / "0.db").exists)
    timer.join()
    wakes[0].close()
    assert not watchers()


def test_nothing_is_watched_before_the_first_wait(db: Path) -> None:
    with Wake(db):
        assert not watchers()


def test_a_closed_wake_can_wait_again(db: Path, wake: Wake) -> None:
    wake.wait(lambda: False, 0.01)
    wake.close()
    wake.close()
    consumer = Consumer(db, wake)
    version = consumer.version()
    timer = as_soon_as_it_sleeps(lambda: put_with_the_shell(db))
    consumer.sleep_until_commit(version)
    timer.join()
    consumer.connection.close()


def put_with_the_shell(db: Path) -> None:
    subprocess.run(
        ["sqlite3", db, "insert into qk_task (queue, payload) values ('default', 'x')"], check=True
    )


def test_a_wake_that_is_opened_and_closed_at_once_leaves_nothing(db: Path) -> None:
    for _ in range(50):
        with Wake(db) as wake:
            wake.wait(lambda: True, None)


def test_a_forgotten_wake_leaves_nothing(db: Path) -> None:
    wake = Wake(db)
    wake.wait(lambda: False, 0.01)
    (thread,) = watchers()
    del wake
    gc.collect()
    thread.join(LIMIT)
    assert not thread.is_alive()


FORK = """
import os, sys, time
from sleeper import Consumer, woken_by
import queuekit.wake
from queuekit.wake import Wake

queuekit.wake._SETTLED = 0.05  # then only a hint can wake

def see_the_next_commit(consumer, ready):
    version = consumer.version()
    os.write(ready, b"r")
    consumer.sleep_until_commit(version)

db = sys.argv[1]
wake = Wake(db, fallback=600, method="events")
wake.wait(lambda: False, 0.01)
ready, child_is_ready = os.pipe()
child = os.fork()
if child == 0:
    consumer = Consumer(db, wake)  # the parent held no connection
    see_the_next_commit(consumer, child_is_ready)
    wake.close()
    sys.exit(0)  # runs the finalizers, which must not take the watch from the parent
consumer = Consumer(db, wake)
os.read(ready, 1)
time.sleep(0.2)
consumer.connection.execute("insert into qk_task (queue, payload) values ('default', 'x')")
assert os.waitpid(child, 0)[1] == 0, "the child was not woken"
version = consumer.version()
if os.fork() == 0:
    time.sleep(0.2)
    os.execvp("sqlite3", ["sqlite3", db, "insert into qk_task (queue, payload) values ('default', 'x')"])
consumer.sleep_until_commit(version)
os.wait()
print("both woken")
"""


def test_after_a_fork_parent_and_child_wake_each_by_itself(db: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORK, str(db)]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=2 * LIMIT
    )
    assert (done.returncode, done.stdout) == (0, "both woken\n"), done.stderr


def test_threads_that_begin_to_wait_at_once_enter_the_watcher_once(db: Path) -> None:
    for _ in range(30):
        with Wake(db) as wake:
            start = threading.Barrier(4)

            def wait(wake: Wake = wake, start: threading.Barrier = start) -> None:
                start.wait()
                wake.wait(lambda: True, 0)

            threads = [threading.Thread(target=wait) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            watcher = wake._watcher
            assert watcher is not None
        assert not watcher.alive
