"""A child process that is fed, heard and waited for in one thread, and can be stopped from any."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from typing import cast

STDOUT_BYTES = 64 * 1024
"""How much of stdout is kept: its beginning."""
STDERR_BYTES = 4 * 1024
"""How much of stderr is kept: its end."""

_CHUNK = 64 * 1024
# Read after the exit: more than a pipe holds, yet not for ever, for a background process may go on writing.
_LAST_CHUNKS = 32


class Child:
    """A process in a group of its own, started at once. stdout and stderr hold what was kept of them.

    Raises OSError or ValueError when it cannot be started.
    """

    def __init__(self, argv: Sequence[str], environment: Mapping[bytes, bytes], stdin: bytes) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._unfed = memoryview(stdin)
        self._lock = threading.Lock()
        self._stopped = False
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True, bufsize=0
        )
        self._in = cast(FileIO, self._process.stdin)
        self._out = cast(FileIO, self._process.stdout)
        self._err = cast(FileIO, self._process.stderr)

    def stop(self, force: bool) -> None:
        """Tell the whole group to end (SIGTERM), or end it (SIGKILL)."""
        with self._lock:
            self._stopped = True
            self._signal(signal.SIGKILL if force else signal.SIGTERM)

    def run(self) -> int:
        """Feed and hear the process until it exits; its exit status, negative for a signal.

        What it left in the background may keep its pipes open: that is not waited for.
        """
        with self._process:
            try:
                self._serve()
            except BaseException:
                self.stop(force=True)
                raise
            return self._reap()

    def _serve(self) -> None:
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
        with selectors.DefaultSelector() as selector, _exit_of(self._process) as exited:
            selector.register(exited, selectors.EVENT_READ)
            selector.register(self._in, selectors.EVENT_WRITE, self._feed)
            selector.register(self._out, selectors.EVENT_READ, self._hear_out)
            selector.register(self._err, selectors.EVENT_READ, self._hear_err)
            while _turn(selector, exited):
                pass
        for _ in range(_LAST_CHUNKS):
            if not (self._hear_out() | self._hear_err()):
                break

    def _feed(self) -> bool:
        """Write some of stdin; False when that was all, or nobody reads it."""
        try:
            self._unfed = self._unfed[self._in.write(self._unfed[:_CHUNK]) or 0 :]
        except BrokenPipeError:
            return False
        return bool(self._unfed)

    def _hear_out(self) -> bool:
        chunk = _read(self._out)
        self.stdout += chunk[: STDOUT_BYTES - len(self.stdout)]
        return bool(chunk)

    def _hear_err(self) -> bool:
        chunk = _read(self._err)
        self.stderr += chunk
        del self.stderr[:-STDERR_BYTES]
        return bool(chunk)

    def _reap(self) -> int:
        with self._lock:
            if self._stopped:
                self._signal(signal.SIGKILL)  # what is left of its group; the number is ours until wait
            return self._process.wait()

    def _signal(self, number: int) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def _turn(selector: selectors.BaseSelector, exited: int) -> bool:
    """Serve the pipes that are ready; False when the process has exited."""
    for key, _ in selector.select():
        if key.fd == exited:
            return False
        if not key.data():
            selector.unregister(key.fileobj)
            cast(FileIO, key.fileobj).close()
    return True


def _read(pipe: FileIO) -> bytes:
    """What is there, up to a chunk; nothing at the end, or when nothing is there now."""
    return b"" if pipe.closed else pipe.read(_CHUNK) or b""


@contextlib.contextmanager
def _exit_of(process: subprocess.Popen[bytes]) -> Iterator[int]:
    """A descriptor that is readable once the process has exited."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # not Linux, or an old one
        descriptor = _exit_by_thread(process)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _exit_by_thread(process: subprocess.Popen[bytes]) -> int:
    descriptor, other_end = os.pipe()

    def wait() -> None:
        process.wait()
        os.close(other_end)

    threading.Thread(target=wait, daemon=True).start()
    return descriptor
