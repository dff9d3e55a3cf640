"""Running a worker or a daemon as a program: SIGTERM and SIGINT stop it, a second one at once."""

from __future__ import annotations

import os
import signal
import threading
from typing import Protocol

_STOPS = (signal.SIGTERM, signal.SIGINT)
_ENDED = b"\0"  # beside the numbers of signals


class Service(Protocol):
    """What works in run until stop is called."""

    def run(self) -> None: ...
    def stop(self) -> None: ...


def serve(service: Service) -> None:
    """Run the service until it ends by itself or by signals. Call it in the main thread. Raises what run raises.

    run gets a thread of its own, so that a signal never interrupts a thread that holds a lock. The main thread reads
    signals from a pipe: one that comes just before it sleeps is not slept through, as it would be on a lock.
    """
    news, tell = os.pipe()
    os.set_blocking(tell, False)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            service.run()
        except BaseException as error:
            errors.append(error)
        finally:
            os.write(tell, _ENDED)

    before = {number: signal.signal(number, lambda *_: None) for number in _STOPS}
    before_fd = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    thread = threading.Thread(target=run, name="queuekit-service", daemon=True)
    try:
        thread.start()
        while (byte := os.read(news, 1)) != _ENDED:
            if ord(byte) in _STOPS:
                service.stop()
        thread.join()
    finally:
        signal.set_wakeup_fd(before_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(news)
        os.close(tell)
    if errors:
        raise errors[0]
