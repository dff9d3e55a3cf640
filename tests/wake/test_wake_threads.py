"""notify, several waiting threads, one watcher for all, and what close and fork leave behind."""

from __future__ import annotations

import gc
import random
import signal
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

import pytest
from sleeper import LIMIT, MINUTES, Consumer, as_soon_as_it_sleeps, inotify_descriptors, woken_by

from queuekit.wake import Wake

pytestmark = pytest.mark.usefixtures("settles_soon")
METHODS = pytest.mark.parametrize("method", ["events", "poll"])


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


def test_all_wakes_on_a_directory_share_one_descriptor(tmp_path: Path) -> None:
    wakes = [Wake(tmp_path / f"{number}.db", fallback=None) for number in range(5)]
    for wake in wakes:
        wake.wait(lambda: False, 0.01)
    assert inotify_descriptors() == 1
    for wake in wakes[1:]:
        wake.close()
    assert inotify_descriptors() == 1
    timer = as_soon_as_it_sleeps((tmp_path / "0.db").touch)
    woken_by(wakes[0], (tmp_path / "0.db").exists)
    timer.join()
    wakes[0].close()
    assert inotify_descriptors() == 0


def test_nothing_is_watched_before_the_first_wait(db: Path) -> None:
    with Wake(db):
        assert inotify_descriptors() == 0


def test_watching_takes_no_thread(db: Path, wake: Wake) -> None:
    threads = threading.active_count()
    wake.wait(lambda: False, 0.01)
    assert inotify_descriptors() == 1
    assert threading.active_count() == threads


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
    assert inotify_descriptors() == 1
    del wake
    gc.collect()
    assert inotify_descriptors() == 0


def test_a_wake_that_is_closed_while_a_thread_sleeps_on_it_wakes_that_thread_on(db: Path) -> None:
    """It looks, and watches again."""
    stop = threading.Event()
    with Wake(db, fallback=None) as wake:
        thread = threading.Thread(target=wake.wait, args=(stop.is_set, None))
        thread.start()
        for _ in range(20):
            wake.close()
        stop.set()
        wake.notify()
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


def test_when_the_one_that_reads_goes_another_reads_on(tmp_path: Path) -> None:
    """Wakes on files of one directory; the first that slept leaves, the second sees what happens to its own file."""
    for _ in range(5):
        first, second = (
            Wake(tmp_path / name, fallback=None, method="events") for name in ("first", "second")
        )
        stop, path = threading.Event(), tmp_path / "second"
        with first, second:
            reader = threading.Thread(target=first.wait, args=(stop.is_set, None))
            reader.start()
            as_soon_as_it_sleeps(lambda: None).join()
            other = threading.Thread(target=woken_by, args=(second, path.exists))
            other.start()
            as_soon_as_it_sleeps(stop.set).join()
            first.notify()
            reader.join(LIMIT)
            as_soon_as_it_sleeps(path.touch).join()
            other.join(LIMIT)
            assert not other.is_alive(), "its hint was lost"
        path.unlink()


def test_sleepers_that_come_and_go_lose_no_hint(tmp_path: Path) -> None:
    """Short waits take the reading from each other all the time; the long ones see every change of their files."""
    stop = threading.Event()

    def come_and_go(wake: Wake) -> None:
        while not stop.is_set():
            wake.wait(lambda: False, random.uniform(0.0, 0.02))

    def follow(wake: Wake, path: Path) -> None:
        for size in range(1, 31):
            timer = as_soon_as_it_sleeps(lambda: write(path))
            woken_by(wake, lambda size=size: path.exists() and path.stat().st_size == size)
            timer.join()
        seen.append(path)

    def write(path: Path) -> None:
        with path.open("ab") as file:
            file.write(b"x")

    seen: list[Path] = []
    paths = [tmp_path / f"{number}.db" for number in range(6)]
    wakes = [Wake(path, fallback=None, method="events") for path in paths]
    passing = [threading.Thread(target=come_and_go, args=(wake,)) for wake in wakes[:3]]
    following = [threading.Thread(target=follow, args=each) for each in zip(wakes, paths, strict=True)]
    for thread in passing + following:
        thread.start()
    for thread in following:
        thread.join(2 * LIMIT)
    stop.set()
    for thread in passing:
        thread.join(LIMIT)
    for wake in wakes:
        wake.close()
    assert sorted(seen) == paths
