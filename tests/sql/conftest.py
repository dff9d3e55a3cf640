from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from verbs import Opener, connect


@pytest.fixture
def opened() -> Iterator[Opener]:
    """opened(path): a plain connection, in autocommit, closed when the test ends."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(connect(path)))


@pytest.fixture
def queue(db: Path, opened: Opener) -> sqlite3.Connection:
    """A connection to a new queue file."""
    return opened(db)
