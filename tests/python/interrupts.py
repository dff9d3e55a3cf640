"""An interrupt at each moment at which Python may run a signal handler: as a function begins, and as a call returns.

Signals come by chance; here a profiler raises what a handler would raise, at the first such moment in queuekit, at the
second, and so on until none is left.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import queuekit

_PACKAGE = str(Path(queuekit.__file__).parent)


class Interrupted(Exception):
    """Raised by a signal handler."""


def moments(act: Callable[[], object]) -> Iterator[int]:
    """Do act again and again, interrupted at another moment each time: yields after each, until no moment is left."""
    moment = 0
    while _interrupted(act, moment):
        yield moment
        moment += 1
    assert moment > 3, "it was traced"


def _interrupted(act: Callable[[], object], moment: int) -> bool:
    """True if it came."""
    left = moment + 1

    def look(frame: FrameType, event: str, _: Any) -> None:
        nonlocal left
        left -= _is_moment(frame, event)
        if left == 0:
            sys.setprofile(None)
            raise Interrupted

    sys.setprofile(look)
    try:
        act()
    except Interrupted:
        print(traceback.format_exc())  # pytest shows the last of it, if what is found then is wrong
        assert left == 0
    finally:
        sys.setprofile(None)
    return left <= 0


def _is_moment(frame: FrameType, event: str) -> bool:
    """A generator that goes on takes an interrupt where it stood, inside its try: a profiler cannot do that."""
    code = frame.f_code
    begins = event == "call" and not code.co_flags & inspect.CO_GENERATOR
    return (begins or event == "c_return") and code.co_filename.startswith(_PACKAGE)
