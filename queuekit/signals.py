"""Running a worker or a daemon as a program: SIGTERM and SIGINT stop it, a second one at once."""

from __future__ import annotations

import signal
import threading
from queue import SimpleQueue
from typing import Protocol

_STOPS = (signal.SIGTERM, signal.SIGINT)


class Service(Protocol):
    """What works in run until stop is called."""

    def run(self) -> None: ...
    def stop(self) -> None: ...


def serve(service: Service) -> None:
    """Run the service until it ends by itself or by signals. Call it in the main thread. Raises what run raises.

    run gets a thread of its own, so that a signal never interrupts a thread that holds a lock.
    """
    events: SimpleQueue[BaseException | bool | None] = SimpleQueue()  # True = stop, None = ended, or why it failed

    def run() -> None:
        try:
            service.run()
            events.put(None)
        except BaseException as error:
            events.put(error)

    before = {number: signal.signal(number, lambda *_: events.put(True)) for number in _STOPS}
    try:
        threading.Thread(target=run, name="queuekit-service", daemon=True).start()
        while (event := events.get()) is True:
            service.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if isinstance(event, BaseException):
        raise event
