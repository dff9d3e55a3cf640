"""An asyncio loop in a thread of its own, for async handlers called from the threads of a worker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from typing import Any

from queuekit.execution import Execution


class Loop:
    """Runs until the process ends: its thread is a daemon."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="queuekit-asyncio", daemon=True).start()

    def run(self, work: Awaitable[Any], execution: Execution) -> Any:
        """What work returns or raises; it is cancelled when the run is to stop."""
        future = asyncio.run_coroutine_threadsafe(_caught(work), self._loop)

        def cancel(_force: bool) -> None:
            future.cancel()

        execution.on_stop(cancel)
        result, error = future.result()
        if error is not None:
            raise error
        return result


async def _caught(work: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """A SystemExit that left the coroutine would end the loop, and every other handler with it."""
    try:
        return await work, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return None, error
