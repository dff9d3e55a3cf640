from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_raw import Raw
from clients import Client
from every_client import CLIENTS

from tests.conftest import make_database


@pytest.fixture(scope="session")
def empty_queue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty queue file, to copy: nobody has it open."""
    return make_database(tmp_path_factory.mktemp("spec") / "empty.db")


@pytest.fixture
def copied(empty_queue: Path, tmp_path: Path) -> Path:
    """A queue file of the test's own."""
    return Path(shutil.copy(empty_queue, tmp_path / "queue.db"))


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, copied: Path) -> Iterator[Client]:
    """Each client that ships, on a queue file of its own."""
    opened = CLIENTS[request.param](copied)
    yield opened
    opened.close()


@pytest.fixture
def raw(copied: Path) -> Raw:
    """sqlite3 and sql/ alone, on the file of client."""
    return Raw(copied)
