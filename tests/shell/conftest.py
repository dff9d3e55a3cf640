from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from shell_client import Qk


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def qk(db: Path, home: Path) -> Iterator[Qk]:
    client = Qk(db, home)
    yield client
    client.close()
