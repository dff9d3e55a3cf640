"""Programs beside the test, and waiting for what they do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

LIMIT = 60.0  # seconds; reached only by a test that fails
QUEUEKIT = [sys.executable, "-m", "queuekit"]
Start = Callable[..., "subprocess.Popen[str]"]
"""Starts a program; what still runs at the end of the test is told to stop."""


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
