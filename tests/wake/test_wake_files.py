"""What happens to the file itself: made, replaced, moved away, linked, in another journal mode."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from sleeper import MINUTES, Consumer, as_soon_as_it_sleeps, inotify_descriptors, woken_by

from queuekit.wake import Wake

Write = Callable[..., "subprocess.Popen[bytes]"]

pytestmark = pytest.mark.usefixtures("settles_soon")


def test_the_first_commit_into_a_new_file_wakes(db: Path, consumer: Consumer, write: Write) -> None:
    assert not Path(f"{db}-wal").exists()
    consumer.follow(write(db, "normal", 1), 1)


def test_a_file_that_is_made_wakes(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with Wake(path, fallback=MINUTES, method="events") as wake:
        timer = as_soon_as_it_sleeps(
            lambda: subprocess.run(["sqlite3", path, "create table t(x)"], check=True)
        )
        woken_by(wake, lambda: path.exists() and path.stat().st_size > 0)
        timer.join()


def test_a_file_replaced_by_another_wakes(db: Path, wake: Wake, tmp_path: Path) -> None:
    other = shutil.copy(db, tmp_path / "other.db")
    inode = db.stat().st_ino
    timer = as_soon_as_it_sleeps(lambda: os.replace(other, db))
    woken_by(wake, lambda: db.stat().st_ino != inode)
    timer.join()


def test_a_file_moved_away_wakes(db: Path, wake: Wake) -> None:
    timer = as_soon_as_it_sleeps(lambda: db.rename(f"{db}.old"))
    woken_by(wake, lambda: not db.exists())
    timer.join()


def test_another_file_in_the_directory_is_no_reason_to_look(db: Path, wake: Wake) -> None:
    looks = count()

    def write_beside_it() -> None:
        for number in range(200):
            (db.parent / f"{db.name}-shm.{number}").write_text("x")

    timer = as_soon_as_it_sleeps(write_beside_it)
    assert not wake.wait(lambda: next(looks) < 0, 1.0)
    timer.join()
    assert next(looks) < 20


@pytest.mark.parametrize("mode", ["delete", "truncate", "persist"])
def test_a_commit_to_a_file_with_a_rollback_journal_wakes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "app.db"
    reader = sqlite3.connect(path)
    reader.execute("create table t(x)")
    version = reader.execute("pragma data_version").fetchone()

    def commit() -> None:
        with sqlite3.connect(path) as writer:
            writer.execute(f"pragma journal_mode = {mode}")
            writer.execute("insert into t values (1)")
        writer.close()

    with Wake(path, fallback=MINUTES, method="events") as wake:
        timer = as_soon_as_it_sleeps(commit)
        woken_by(wake, lambda: bool(reader.execute("pragma data_version").fetchone() != version))
        timer.join()
    reader.close()


def test_a_path_through_a_symbolic_link_wakes(db: Path, tmp_path: Path, write: Write) -> None:
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(db)
    with Wake(link, fallback=MINUTES, method="events") as wake:
        consumer = Consumer(link, wake)
        consumer.follow(write(db, "normal", 20, 0.0, 0.01), 20)
        consumer.connection.close()


def test_a_directory_that_comes_later_is_watched_then(tmp_path: Path) -> None:
    directory = tmp_path / "later"
    with Wake(directory / "q.db", fallback=MINUTES) as wake:
        timer = as_soon_as_it_sleeps(directory.mkdir)
        woken_by(wake, lambda: inotify_descriptors() == 1)
        timer.join()


@pytest.mark.parametrize("farewell", [shutil.rmtree, lambda old: old.rename(f"{old}.moved")])
def test_a_directory_that_went_and_came_back_is_watched_again(
    tmp_path: Path, farewell: Callable[[Path], object]
) -> None:
    directory = tmp_path / "queues"
    directory.mkdir()
    path = directory / "q.db"
    with Wake(path, fallback=MINUTES) as wake:
        wake.wait(lambda: False, 0.01)
        farewell(directory)
        woken_by(wake, lambda: inotify_descriptors() == 0)
        directory.mkdir()
        woken_by(wake, lambda: inotify_descriptors() == 1)
        timer = as_soon_as_it_sleeps(path.touch)
        woken_by(wake, path.exists)
        timer.join()
