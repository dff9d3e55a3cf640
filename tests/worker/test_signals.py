"""Running a service as a program."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import pytest

from queuekit.signals import serve


class Counter:
    """Ends when it was asked to stop often enough; each time it hears, it sends the next signal to itself."""

    def __init__(self, signals: list[int], other: Callable[[], None] = lambda: None) -> None:
        self.signals = signals
        self.stops = 0
        self.threads: set[threading.Thread] = set()
        self._heard = threading.Semaphore(0)
        self._other = other

    def run(self) -> None:
        for number in self.signals:
            os.kill(os.getpid(), number)
            assert self._heard.acquire(timeout=30)
        self._other()

    def stop(self) -> None:
        self.stops += 1
        self.threads.add(threading.current_thread())
        self._heard.release()


def test_every_signal_is_heard_by_the_main_thread() -> None:
    service = Counter([signal.SIGTERM, signal.SIGINT] * 500)
    serve(service)
    assert service.stops == 1000
    assert service.threads == {threading.main_thread()}


def test_it_returns_when_the_service_ends_by_itself_and_leaves_signals_as_they_were() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    serve(Counter([]))
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3)])
def test_what_the_service_raises_is_raised(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        serve(Counter([signal.SIGTERM], fail))
