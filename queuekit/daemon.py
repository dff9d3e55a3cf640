"""The daemon: a worker for each configured queue on one file, and the housekeeping of that file."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator

from queuekit import spool
from queuekit.config import Config, QueueConfig
from queuekit.database import Database
from queuekit.durations import now_ms
from queuekit.errors import QueuekitError
from queuekit.execution import Handle
from queuekit.handlers import load_app
from queuekit.logs import say
from queuekit.presence import present
from queuekit.process import Command
from queuekit.queue import Queue
from queuekit.schedule import Schedules
from queuekit.wake import Wake
from queuekit.wake.folder import Folder
from queuekit.worker import Worker


class Daemon:
    """Runs the configuration until stopped.

    Raises Usage (a handler that cannot be loaded), NoDatabase, SchemaMismatch.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        handles = [_handle(queue, config) for queue in config.queues]
        self._database = Database(config.database)
        self._wake = Wake(self._database.path, fallback=config.fallback)
        self._workers = list(map(self._worker, config.queues, handles))
        self._stopped = threading.Event()
        self._spool = Folder(spool.arrivals(self._database))
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Work until stopped. Call once. Raises what a worker raises."""
        say(logging.INFO, "daemon started", database=self._database.path, workers=len(self._workers))
        name = Queue(self._database).worker
        try:
            spool.drain(self._database)
            able = sorted(
                {word for queue in self._config.queues for word in (queue.capabilities or "").split()}
            )
            with present(self._database, name, [queue.name for queue in self._config.queues], " ".join(able)):
                self._work()
            spool.drain(self._database)
        finally:
            self._spool.close()
            self._wake.close()
            self._database.close()
        say(logging.INFO, "daemon stopped")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop claiming, end within the grace time; asked again: at once. For any thread."""
        for worker in self._workers:
            worker.stop()
        self._stopped.set()
        self._spool.ring()

    def _work(self) -> None:
        threads = [
            threading.Thread(target=self._run, args=(worker,), daemon=True) for worker in self._workers
        ]
        for thread in threads:
            thread.start()
        try:
            self._keep_house()
        finally:
            if not self._stopped.is_set():  # what went wrong here must not leave workers behind
                self.stop()
            for thread in threads:
                thread.join()

    def _run(self, worker: Worker) -> None:
        try:
            worker.run()
        except BaseException as error:
            self._failure = error
            self.stop()

    def _keep_house(self) -> None:
        every = self._config.purge_interval
        purge_at = time.monotonic() if every else math.inf
        while not self._stopped.is_set():
            spool.drain(self._database)
            with _carry_on():
                self._tick()
                if time.monotonic() >= purge_at:
                    purge_at = time.monotonic() + every
                    self._purge()
            self._spool.wait(max(0.0, min(purge_at - time.monotonic(), self._config.fallback)))

    def _tick(self) -> None:
        """Move what is due although all slots are busy, or nobody here works on its queue."""
        Schedules(self._database).fire()
        due = self._database.next_due()
        while due is not None and due <= now_ms() and self._database.tick() and not self._stopped.is_set():
            pass

    def _purge(self) -> None:
        if forgotten := self._database.purge({}, self._stopped.is_set):
            say(logging.INFO, "purged", tasks=forgotten)

    def _worker(self, queue: QueueConfig, handle: Handle) -> Worker:
        return Worker(
            self._database,
            [queue.name],
            handle,
            concurrency=queue.concurrency,
            lease=queue.lease,
            strategy=queue.strategy,
            capabilities=queue.capabilities,
            grace=self._config.grace,
            wake=self._wake,
            announce=False,
        )


def _handle(queue: QueueConfig, config: Config) -> Handle:
    if queue.exec is not None:
        return Command(queue.exec, database=config.database, wait=queue.later)
    assert queue.app is not None, "config.py lets through no queue without a handler"
    return load_app(queue.app)


@contextlib.contextmanager
def _carry_on() -> Iterator[None]:
    """Housekeeping that cannot be done now is done next time."""
    try:
        yield
    except QueuekitError as error:
        say(logging.WARNING, "housekeeping put off", error=str(error))
