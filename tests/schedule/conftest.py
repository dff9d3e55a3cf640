from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import LIMIT, Start

from queuekit import Queue, Schedules


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with Queue(tmp_path / "queue.db") as opened:
        yield opened


@pytest.fixture
def schedules(queue: Queue) -> Schedules:
    return Schedules(queue.database)


@pytest.fixture
def start(queue: Queue) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(*command: object, **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(list(map(str, command)), text=True, **options)  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield begin
    for process in started:
        process.terminate()
        process.communicate(timeout=LIMIT)
