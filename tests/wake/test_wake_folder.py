"""Sleeping until a file comes into a folder (the daemon on the spool of the hooks)."""

from __future__ import annotations

import threading
from pathlib import Path

from queuekit.wake.folder import Folder

MINUTES = 600.0


def waited(folder: Folder) -> threading.Thread:
    thread = threading.Thread(target=folder.wait, args=(MINUTES,))
    thread.start()
    return thread


def test_a_file_that_comes_into_the_folder_ends_the_wait(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "spool" / "new")
    folder.wait(MINUTES)  # the first look, once it is watched, is made at once
    waiting = waited(folder)
    (tmp_path / "other").write_text("of no interest")
    (tmp_path / "made-elsewhere").write_text("task")
    (tmp_path / "made-elsewhere").rename(tmp_path / "spool" / "new" / "1")
    waiting.join(30)
    assert not waiting.is_alive()
    folder.close()


def test_a_file_that_came_between_two_waits_is_not_missed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.wait(MINUTES)
    (tmp_path / "1").write_text("task")
    folder.wait(MINUTES)
    folder.close()


def test_a_ring_ends_the_wait(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.wait(MINUTES)
    waiting = waited(folder)
    folder.ring()
    waiting.join(30)
    assert not waiting.is_alive()
    folder.close()
