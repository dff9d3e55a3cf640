"""What a process does with the memory of large payloads."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from queuekit import Queue
from tests.conftest import unmeasured

_PAYLOAD = 100_000  # characters, and bytes
_PAGE = 4096
_TASKS = 20
_CLAIMS = """
import resource, sys
from queuekit import Queue

with Queue(sys.argv[1]) as queue:
    def claim(times):
        for _ in range(times):
            queue.claim().ack()
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    tasks = int(sys.argv[2])
    print(-claim(tasks) + claim(tasks))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep other rules")
def test_a_large_payload_is_not_read_into_new_memory_each_time(db: Path) -> None:
    with Queue(db) as queue:
        for _ in range(2 * _TASKS):
            queue.put("x" * _PAYLOAD)
    command = [sys.executable, "-c", _CLAIMS, str(db), str(_TASKS)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=unmeasured())
    assert int(told.stdout) / _TASKS < _PAYLOAD / _PAGE
