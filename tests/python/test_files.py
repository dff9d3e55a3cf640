"""The path of a queue leads to another file, or to none: what is put is never lost in a file without a name."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuekit import Database, NoDatabase, Queue
from tests.conftest import make_database

LIMIT = 30.0


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db) as queue:
        queue.put("in the old file")
        yield queue


def remove(db: Path) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{db}{end}").unlink(missing_ok=True)


def look_at_once(database: Database) -> None:
    """As after the twentieth of a second in which the path is not looked at again."""
    database.look_at = 0.0


def payloads(db: Path) -> list[str]:
    with Queue(db) as fresh:
        return [task.payload for task in fresh.claim_many(10)]


def test_a_put_goes_to_the_file_that_replaced_the_old_one(queue: Queue, db: Path, tmp_path: Path) -> None:
    remove(db)
    os.replace(make_database(tmp_path / "other.db"), db)
    look_at_once(queue.database)
    queue.put("new")
    assert payloads(db) == ["new"]


def test_a_put_makes_a_file_that_was_removed(queue: Queue, db: Path) -> None:
    remove(db)
    look_at_once(queue.database)
    queue.put("new")
    assert payloads(db) == ["new"]


def test_a_put_that_may_not_make_the_file_says_that_it_is_gone(db: Path) -> None:
    with Queue(Database(db, create=False)) as queue:
        remove(db)
        look_at_once(queue.database)
        with pytest.raises(NoDatabase):
            queue.put("new")
        assert not db.exists()


def test_a_put_in_a_transaction_on_a_removed_file_is_refused(queue: Queue, db: Path) -> None:
    with pytest.raises(NoDatabase, match="rolled back"), queue.database.transaction():
        remove(db)
        look_at_once(queue.database)
        queue.put("lost")


def test_a_claim_makes_no_file_and_stays_with_its_own(queue: Queue, db: Path) -> None:
    remove(db)
    look_at_once(queue.database)
    task = queue.claim()
    assert task is not None
    task.ack()
    assert not db.exists()


def test_a_blocked_get_waits_through_a_file_that_is_only_being_made(queue: Queue, db: Path) -> None:
    queue.claim()
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.append(queue.get(timeout=LIMIT).payload))
    waiting.start()
    remove(db)
    db.touch()  # as sqlite3 does before the first write
    look_at_once(queue.database)
    make_database(db)
    with Queue(db) as fresh:
        fresh.put("in the new file")
    waiting.join(LIMIT)
    assert got == ["in the new file"]


def test_a_file_that_was_replaced_has_another_version(queue: Queue, db: Path, tmp_path: Path) -> None:
    seen = queue.database.version()
    remove(db)
    os.replace(make_database(tmp_path / "other.db"), db)
    assert queue.database.version() != seen
