"""One inotify descriptor on one directory: read without blocking, and waited for together with kicks.

The calls of the C library come from watchdog, which binds them under these names in all its versions. What it builds
on them reads in a thread of its own: a commit would be handed from thread to thread before the consumer looks.
"""

from __future__ import annotations

import os
import select
import struct
import threading
from collections.abc import Callable
from typing import Any

_HINTS = ["MODIFY", "CLOSE_WRITE", "CREATE", "DELETE", "MOVED_FROM", "MOVED_TO", "DELETE_SELF", "MOVE_SELF"]
_OVERFLOW = 0x4000  # IN_Q_OVERFLOW: the kernel dropped events
_HEAD = struct.Struct("iIII")  # of an event: watch, mask, cookie, length of the name that follows
_SIZE = 1 << 16  # bytes of one read
_LONGEST = 2**31 - 1  # ms: poll takes no more


class Inotify:
    """Open on a directory until close. Raises OSError, and ImportError or AttributeError where there is no inotify."""

    def __init__(self, directory: str) -> None:
        from watchdog.observers import inotify_c

        layer: Any = inotify_c
        mask = sum(getattr(layer.InotifyConstants, f"IN_{hint}") for hint in _HINTS)
        self._kicks = os.eventfd(0)
        self._events = -1
        self._closing = (
            threading.RLock()
        )  # held for a kick, too: the number of a closed descriptor is soon another's
        try:
            self._events = _checked(_init1(layer)(os.O_CLOEXEC | os.O_NONBLOCK))
            _checked(layer.inotify_add_watch(self._events, os.fsencode(directory), mask))
        except BaseException:
            self.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._events, select.POLLIN)
        self._poll.register(self._kicks, select.POLLIN)

    def wait(self, seconds: float) -> bool:
        """True as soon as there is something to read; False after a kick or some seconds, at least a thousandth."""
        heard = False
        for ready, _ in self._poll.poll(min(max(seconds * 1000, 0), _LONGEST)):
            heard = heard or ready == self._events
            if ready == self._kicks:
                os.eventfd_read(self._kicks)
        return heard

    def read(self) -> tuple[set[bytes], bool]:
        """The names of the files to which something has happened ("" = to any), and if the watch is still there."""
        names: set[bytes] = set()
        there = True
        try:
            events, at = os.read(self._events, _SIZE), 0
        except BlockingIOError:
            return names, there
        while at < len(events):
            _, mask, _, length = _HEAD.unpack_from(events, at)
            at += _HEAD.size + length
            name = events[at - length : at].rstrip(b"\0")
            names.add(name)
            there = there and bool(name or mask & _OVERFLOW)
        return names, there

    def kick(self) -> None:
        """End the wait. For any thread, and for signal handlers."""
        with self._closing:
            if self._kicks >= 0:
                os.eventfd_write(self._kicks, 1)

    def close(self) -> None:
        """Close the descriptors, which nobody may be waiting for. Kicks are no error after it."""
        with self._closing:
            kicks, self._kicks = self._kicks, -1
            events, self._events = self._events, -1
            for descriptor in (kicks, events):
                if descriptor >= 0:
                    os.close(descriptor)

    def close_in_child(self) -> None:
        """Close what came along with a fork, whoever was at it in the parent; the parent's watch stays."""
        self._closing = threading.RLock()
        self.close()


def _init1(layer: Any) -> Callable[[int], int]:
    """inotify_init1 of the C library that watchdog has loaded. It binds inotify_init: what that opens, a program that
    another thread starts at this moment would inherit.
    """
    import ctypes  # watchdog has done so, too

    made: Any = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, use_errno=True)
    init1: Callable[[int], int] = made(("inotify_init1", layer.libc))
    return init1


def _checked(result: int) -> int:
    if result < 0:
        import ctypes  # not for those who only put tasks: it takes milliseconds

        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
