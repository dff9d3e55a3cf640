"""The spool of the hooks: drained without loss and without double."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from queuekit import Database, Queue
from queuekit.spool import drain


@pytest.fixture
def new(db: Path) -> Path:
    folder = Path(f"{db}.spool/new")
    folder.mkdir(parents=True)
    return folder


def bad(db: Path) -> list[str]:
    return sorted(path.name for path in Path(f"{db}.spool").glob("bad/*"))


def tasks(q: Queue) -> list[tuple[str, str, str | None, int, str]]:
    rows = reversed(q.database.rows("list", {"limit": -1}))
    return [(t["queue"], t["kind"], t["key"], t["priority"], q.show(t["id"])["payload"]) for t in rows]


def test_a_file_becomes_the_task_it_describes_and_is_gone(q: Queue, new: Path) -> None:
    (new / "1").write_bytes(b'queue=mail\nkind=k\nkey=a=b c\npriority=3\n\n{"a": 1}\n\nqueue=no\n')
    assert drain(q.database) == 1
    assert tasks(q) == [("mail", "k", "a=b c", 3, '{"a": 1}\n\nqueue=no\n')]
    assert not list(new.iterdir())


def test_a_file_without_names_takes_the_defaults_and_a_key_of_its_own(q: Queue, new: Path) -> None:
    (new / "7.8.9").write_bytes(b"\npayload")
    (new / "8").write_bytes(b"queue=\nkind=\nkey=\n\n")
    drain(q.database)
    assert tasks(q) == [("default", "", "spool:7.8.9", 0, "payload"), ("default", "", "spool:8", 0, "")]


def test_what_finds_its_queue_full_stays_for_the_next_time_and_hinders_no_other(
    q: Queue, db: Path, new: Path
) -> None:
    Queue(q.database, "full").policy(max_depth=1)
    for name, queue in (("1", "full"), ("2", "full"), ("3", "mail")):
        (new / name).write_bytes(f"queue={queue}\n\n{name}".encode())
    assert drain(q.database) == 2
    assert (bad(db), len(list(new.iterdir()))) == ([], 1)
    task = Queue(q.database, "full").claim()
    assert task is not None
    assert drain(q.database) == 1
    assert {row[4] for row in tasks(q)} == {"1", "2", "3"}


@pytest.mark.parametrize(("word", "number"), [("high", 10), ("low", -10), ("-3", -3)])
def test_a_priority_has_a_name_or_a_number(q: Queue, new: Path, word: str, number: int) -> None:
    (new / "1").write_text(f"priority={word}\n\nx")
    assert drain(q.database) == 1
    assert tasks(q)[0][3] == number


def test_a_spool_is_drained_once(q: Queue, new: Path) -> None:
    (new / "1").write_bytes(b"\nx")
    assert [drain(q.database), drain(q.database)] == [1, 0]
    assert len(tasks(q)) == 1


def test_a_database_without_spool_has_nothing_to_drain(q: Queue) -> None:
    assert drain(q.database) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no empty line",
        b"queue=a\n",
        b"colour=red\n\n",
        b"queue\n\n",
        b"priority=urgent\n\n",
        b"priority=99999999999999999999\n\n",
        b"kind=a\0b\n\n",
        b"\nx\0y",
        b"\nx\xff",
    ],
)
def test_a_file_that_is_no_task_is_set_aside_and_the_rest_goes_on(
    q: Queue, db: Path, new: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (new / "1").write_bytes(content)
    (new / "2").write_bytes(b"\ngood")
    assert drain(q.database) == 1
    assert [task[-1] for task in tasks(q)] == ["good"]
    assert bad(db) == ["1"]
    assert (Path(f"{db}.spool/bad/1")).read_bytes() == content
    assert [record.levelname for record in caplog.records if record.getMessage() == "bad spool file"] == [
        "ERROR"
    ]


def test_a_key_that_is_held_makes_the_file_a_duplicate(q: Queue, new: Path) -> None:
    id = q.put("x", key="k")
    (new / "1").write_bytes(b"key=k\n\ny")
    drain(q.database)
    assert len(tasks(q)) == 1
    assert q.show(id)["duplicates"] == 1


def test_a_locked_database_leaves_the_files_for_the_next_time(db: Path, new: Path) -> None:
    (new / "1").write_bytes(b"\nx")
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("begin immediate")
    with Database(db, timeout=0.05) as database:
        assert drain(database) == 0
        other.execute("rollback")
        other.close()
        assert drain(database) == 1
        assert len(tasks(Queue(database))) == 1


def test_what_a_killed_hook_left_half_written_is_set_aside_after_an_hour(
    q: Queue, db: Path, new: Path
) -> None:
    half = new.parent / "tmp"
    half.mkdir()
    for name, age in (("old", 3700), ("young", 3500)):
        (half / name).write_bytes(b"queue=x")
        os.utime(half / name, (time.time() - age,) * 2)
    assert drain(q.database) == 0
    assert (bad(db), [path.name for path in half.iterdir()]) == (["old"], ["young"])


def test_a_file_that_cannot_be_read_stays_and_hinders_no_other(
    q: Queue, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (new / "1").write_bytes(b"\nsecret")
    (new / "2").write_bytes(b"\ngood")
    monkeypatch.setattr(
        "builtins.open", denied("1", open)
    )  # file modes do not bind root, who may run the tests
    assert drain(q.database) == 1
    monkeypatch.undo()
    assert [path.name for path in new.iterdir()] == ["1"]
    assert drain(q.database) == 1


def denied(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def deny(path: Any, *args: Any, **options: Any) -> Any:
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)

    return deny


def test_a_spool_is_drained_into_the_file_that_stands_at_the_path(q: Queue, db: Path, new: Path) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{db}{end}").unlink(missing_ok=True)
    (new / "1").write_bytes(b"\nx")
    assert drain(q.database) == 1
    with Queue(db) as fresh:
        assert [task[-1] for task in tasks(fresh)] == ["x"]


@pytest.mark.parametrize("finished", [False, True], ids=["waiting", "done"])
def test_a_drain_killed_between_put_and_delete_does_not_put_twice(
    q: Queue, new: Path, finished: bool
) -> None:
    (new / "1").write_bytes(b"key=k\n\nx")
    (new / "1").rename(new / "1.taken")
    q.put("x", key="k")
    if finished:
        task = q.claim()
        assert task
        task.ack()
    drain(q.database)
    assert len(tasks(q)) == 1
    assert not list(new.iterdir())


def test_a_drain_killed_before_its_put_loses_nothing(q: Queue, new: Path) -> None:
    (new / "1.taken").write_bytes(b"\nx")
    drain(q.database)
    assert tasks(q) == [("default", "", "spool:1", 0, "x")]


def test_drains_side_by_side_put_each_file_once(q: Queue, db: Path, new: Path) -> None:
    for number in range(300):
        (new / str(number)).write_bytes(b"\n%d" % number)
    script = "import sys; from queuekit import Database, spool; print(spool.drain(Database(sys.argv[1])))"
    argv = [sys.executable, "-c", script, str(db)]
    drains = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(process.communicate()[0]) for process in drains) == 300
    assert sorted(int(task[-1]) for task in tasks(q)) == list(range(300))
    assert [task["duplicates"] for task in map(q.show, range(1, 301))] == [0] * 300


def test_a_bad_file_is_kept_beside_an_earlier_one_of_its_name(q: Queue, db: Path, new: Path) -> None:
    for text in (b"first", b"second", b"third"):
        (new / "1").write_bytes(text)
        drain(q.database)
    assert bad(db) == ["1", "1.1", "1.2"]
    assert {Path(f"{db}.spool/bad/{name}").read_bytes() for name in bad(db)} == {
        b"first",
        b"second",
        b"third",
    }


def test_a_file_waits_while_another_of_its_name_is_being_put(q: Queue, new: Path) -> None:
    (new / "1.taken").write_bytes(b"key=a\n\nfirst")
    (new / "1").write_bytes(b"key=b\n\nsecond")
    os.utime(new / "1", (1, 1))  # it comes first
    drain(q.database)
    drain(q.database)
    assert [task[4] for task in tasks(q)] == ["first", "second"]
    assert not list(new.iterdir())


def test_a_taken_file_is_put_though_another_task_had_its_key(q: Queue, new: Path) -> None:
    (new / "1.taken").write_bytes(b"key=a\n\nspooled")
    os.utime(new / "1.taken", (1, 1))
    q.put("another", key="a")
    q.get().ack()
    drain(q.database)
    assert [task[4] for task in tasks(q)] == ["another", "spooled"]
