"""An asyncio loop in a thread of its own, for async handlers called from the threads of a worker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from typing import Any

from queuekit.execution import Execution


class Loop:
    """Runs until the process ends: its thread is a daemon."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="queuekit-asyncio", daemon=True).start()

    def run(self, work: Awaitable[Any], execution: Execution) -> Any:
        """What work returns or raises. Cancelled when the run is to stop, it may clean up; by force it is left."""
        run = _Run(work)
        self._loop.call_soon_threadsafe(run.begin)

        def stop(force: bool) -> None:
            self._loop.call_soon_threadsafe(run.cancel)
            if force:
                run.end.cancel()

        execution.on_stop(stop)
        result, error = run.end.result()
        if error is not None:
            raise error
        return result


class _Run:
    """One coroutine on the loop. All but end is for the loop's thread."""

    def __init__(self, work: Awaitable[Any]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self.end: Future[tuple[Any, BaseException | None]] = Future()

    def begin(self) -> None:
        """Comes before every cancel: the loop calls in the order in which it was asked to."""
        self._task = asyncio.get_running_loop().create_task(self._watched())

    def cancel(self) -> None:
        assert self._task is not None, "begun before"
        if self._begun:
            self._task.cancel()
        else:  # cancelled before its first step it would say nothing
            asyncio.get_running_loop().call_soon(self.cancel)

    async def _watched(self) -> None:
        """Keep what came of it, exceptions too: a SystemExit would end the loop, and all other handlers."""
        self._begun = True
        end: tuple[Any, BaseException | None]
        try:
            end = await self._work, None
        except BaseException as error:
            end = None, error
        if self.end.set_running_or_notify_cancel():
            self.end.set_result(end)
