"""Fixtures of the worker's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from workshop import Program

from queuekit import Queue


@pytest.fixture
def q(db: Path) -> Iterator[Queue]:
    with Queue(db) as queue:
        yield queue


@pytest.fixture
def program(db: Path, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """program(exec=…, …) starts a worker on db in a process of its own; killed at the end of the test."""
    started: list[Program] = []

    def start(**options: Any) -> Program:
        started.append(Program(db, tmp_path, **options))
        return started[-1]

    yield start
    for program in started:
        program.close()
