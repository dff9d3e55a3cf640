"""The queuekit command: every verb, its output and exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from queuekit import Queue
from tests.cli.program import QUEUEKIT, run
from tests.conftest import ROOT


@pytest.fixture
def queuekit(db: Path):
    def call(*words: str | bytes, stdin: bytes | None = None, **environment: str):
        return run(QUEUEKIT, *words, db=db, stdin=stdin, **environment)

    return call


def one_line(done: subprocess.CompletedProcess[bytes]) -> str:
    line = done.stderr.decode()
    assert line.count("\n") == 1
    assert line.startswith("queuekit: ")
    assert "Traceback" not in line
    return line


def test_a_task_goes_from_put_to_done(queuekit) -> None:
    assert queuekit("put", '{"a": 1}', "-q", "mail", "--kind", "k", "--key", "x").stdout == b"1\n"
    assert queuekit("put", "other", "--queue", "mail", "--key", "x").stdout == b"1\n"
    claimed = json.loads(queuekit("claim", "-q", "mail", "--worker", "me").stdout)
    assert list(claimed) == ["id", "receipt", "queue", "kind", "key", "payload", "attempt", "lease_until"]
    assert (claimed["receipt"], claimed["payload"], claimed["key"]) == ("1:1", '{"a": 1}', "x")
    assert json.loads(queuekit("extend", "1:1", "--lease", "10m", "--json").stdout)["cancel_at"] is None
    assert queuekit("ack", "1:1", "--result", "fine").returncode == 0
    shown = json.loads(queuekit("show", "1", "--json").stdout)
    assert (shown["state"], shown["result"], shown["worker"], shown["duplicates"]) == (
        "done",
        "fine",
        "me",
        1,
    )


def test_a_lost_lease_exits_4_and_no_such_task_66(queuekit) -> None:
    queuekit("put", "x")
    assert queuekit("ack", "1:1").returncode == 4
    lost = queuekit("nack", "1:7")
    assert lost.returncode == 4
    assert "lost" in one_line(lost)
    for verb in (("ack", "9:1"), ("release", "9:1"), ("show", "9"), ("cancel", "9"), ("retry", "9")):
        missing = queuekit(*verb)
        assert missing.returncode == 66, verb
        assert "no task 9" in one_line(missing)


def test_nothing_to_claim_exits_3_in_silence(queuekit) -> None:
    done = queuekit("claim", "-q", 'nobody\'s "queue"')
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


def test_options_stand_before_and_after_arguments_and_db_before_the_verb(
    queuekit, db: Path, tmp_path: Path
) -> None:
    assert (
        queuekit("put", "--priority", "5", "x", "--json").stdout
        == b'{"id":1,"duplicates":0,"state":"ready"}\n'
    )
    elsewhere = run(QUEUEKIT, "--db", str(db), "put", "y", "--delay", "1h", "--json", db=tmp_path / "no.db")
    assert json.loads(elsewhere.stdout) == {"id": 2, "duplicates": 0, "state": "scheduled"}
    assert run(QUEUEKIT, "ls", "--db", str(db), "--json", db=tmp_path / "no.db").stdout.count(b"\n") == 2


@pytest.mark.parametrize(
    "words",
    [
        ("bogus",),
        ("put", "x", "--delay", "soon"),
        ("put", "x", "--at", "tomorrow"),
        ("put", "x", "--delay", "1", "--at", "2030-01-01"),
        ("put", "x", "--priority", "urgent"),
        ("put", "x", "--nonsense"),
        ("put", "x", "--after", "one"),
        ("put", "x", "--on-conflict", "merge"),
        ("claim", "--strategy", "best"),
        ("policy", "--rate", "often"),
        ("snooze", "1"),
        ("batch", "show"),
        ("batch", "burn", "1"),
        ("schedule", "add", "s"),
        ("schedule", "add", "s", "--every", "1m", "--at", "2030-01-01"),
        ("schedule", "add", "s", "--every", "10ms"),
        ("schedule", "add", "s", "--cron", "61 * * * *"),
        ("schedule", "add", "s", "--cron", "1 * * * *", "--zone", "Nowhere/Town"),
        ("schedule", "add", "s", "--cron", "1 * * * *", "--catch-up", "some"),
        ("schedule", "rm"),
        ("schedule", "burn", "s"),
        ("put", "--lines", "x"),
        ("claim", "-n", "0"),
        ("ack",),
        ("show", "one"),
        ("purge", "--state", "ready"),
        ("help", "bogus"),
        ("work", "q"),
        ("work", "q", "--exec", "true", "--app", "a:b"),
        ("work", "q", "--exec", "no-such-program"),
        ("work", "q", "--app", "no_such_module:x"),
        ("daemon", "/no/such/file.toml"),
    ],
)
def test_a_wrong_call_exits_2_with_one_line(queuekit, words: tuple[str, ...]) -> None:
    wrong = queuekit(*words)
    assert wrong.returncode == 2
    one_line(wrong)


@pytest.mark.parametrize("verb", ["put x", "claim", "ack 1:1", "ls", "stats", "tick", "work q --exec true"])
def test_a_missing_database_exits_66_and_is_not_made(queuekit, db: Path, verb: str) -> None:
    for file in db.parent.glob("queue.db*"):
        file.unlink()
    missing = queuekit(*verb.split())
    assert missing.returncode == 66
    assert "init" in one_line(missing)
    assert not db.exists()


@pytest.mark.parametrize(
    "payload", [b"", b"-n", b" x\r\n", b"'\"$(id)`\\", "zażółć 🎉".encode(), b".quit\n;--", b"x" * 1_000_000]
)
def test_a_payload_from_stdin_comes_back_byte_for_byte(queuekit, payload: bytes) -> None:
    assert queuekit("put", "-", stdin=payload).stdout == b"1\n"
    assert queuekit("show", "1", "--payload").stdout == payload


def test_bad_text_exits_65_and_puts_nothing(queuekit, db: Path) -> None:
    for stdin in (b"a\0b", b"\xff"):
        bad = queuekit("put", "-", stdin=stdin)
        assert bad.returncode == 65
        one_line(bad)
    assert queuekit("put", b"\xff").returncode == 65
    with Queue(db) as queue:
        assert queue.list() == []


def test_many_lines_are_put_in_order_and_a_bad_one_loses_no_other(queuekit) -> None:
    put = queuekit("put", "--lines", stdin=b"one\n\n\xff\ntwo\n")
    assert (put.returncode, put.stdout) == (65, b"1\n2\n")
    assert "item 3" in one_line(put)
    assert queuekit("put", "-0", stdin=b"a\nb\0\0c").stdout == b"3\n4\n5\n"
    claimed = [json.loads(line) for line in queuekit("claim", "-n", "9").stdout.splitlines()]
    assert [task["payload"] for task in claimed] == ["one", "two", "a\nb", "", "c"]


def test_cancel_and_retry_take_many_ids_and_tell_of_each_that_could_not(queuekit) -> None:
    queuekit("put", "--lines", stdin=b"a\nb\nc\n")
    some = queuekit("cancel", "1", "9", "2", "--json")
    assert some.returncode == 66
    assert some.stdout.splitlines() == [b'{"id":1,"state":"cancelled"}', b'{"id":2,"state":"cancelled"}']
    assert "no task 9" in one_line(some)
    assert queuekit("retry", "1", "2").returncode == 0
    assert queuekit("retry", "3").returncode == 4


def test_pause_resume_purge_tick_and_stats(queuekit) -> None:
    queuekit("put", "x")
    assert queuekit("pause", "-q", "default", "--json").stdout == b'{"queue":"default","paused":1}\n'
    assert queuekit("claim").returncode == 3
    queuekit("resume")
    queuekit("claim")
    queuekit("ack", "1:1")
    queuekit("put", "y")
    assert queuekit("purge", "--older", "0", "--json").stdout == b'{"purged":1}\n'
    assert queuekit("tick").returncode == 0
    told = json.loads(queuekit("stats", "--json").stdout)
    assert (told["queue"], told["ready"], told["done"]) == ("default", 1, 0)


def test_init_makes_the_file_private_and_the_view(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    place = home / ".local" / "state" / "queuekit" / "queue.db"
    made = run(QUEUEKIT, "init", "-q", "mail", db=home / "x", QUEUEKIT_DB="", HOME=str(home))
    assert (made.returncode, made.stderr) == (0, b"")
    assert place.parent.stat().st_mode & 0o077 == 0
    subprocess.run(["sqlite3", str(place), "insert into mail(data) values ('{}')"], check=True)
    with Queue(place, "mail") as queue:
        assert queue.qsize() == 1


def test_help_shows_the_header_of_the_file_and_the_exit_codes(queuekit) -> None:
    assert b":max_attempts" in queuekit("help", "put").stdout
    assert queuekit("help", "ls").stdout.startswith(b"list:")
    assert b"--burst" in queuekit("help", "work").stdout
    for text in (b"66  no such database", b"124 timed out", b"purge"):
        assert text in queuekit("--help").stdout
    assert queuekit("sql").stdout.strip().endswith(b"sql")
    assert queuekit("sql", "ack").stdout.startswith(b"-- ack:")
    assert queuekit("--version").stdout.startswith(b"queuekit ")


def test_what_a_command_wrote_is_in_the_file_itself_when_it_has_ended(queuekit, db: Path) -> None:
    queuekit("put", "x")
    assert sorted(path.name for path in db.parent.glob(f"{db.name}*")) == [db.name]


def test_a_time_that_no_calendar_has_is_shown_as_its_number(queuekit) -> None:
    queuekit("put", "x", "--delay", "1000000w")
    for verb in (["ls", "--state", "scheduled"], ["show", "1"]):
        done = queuekit(*verb)
        assert (done.returncode, done.stderr) == (0, b"")
        assert re.search(rb"\b6\d{14}\b", done.stdout)


def test_a_wait_of_years_for_the_lock_is_a_wait(queuekit, db: Path) -> None:
    """More ms than SQLite counts in 32 bits: it would not wait at all."""
    holder = subprocess.Popen(["sqlite3", db], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdin.write(b"begin immediate; select 'locked';\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == b"locked\n"
    threading.Timer(1, holder.communicate, [b"rollback;\n"]).start()
    assert queuekit("put", "x", "--lock-wait", "30d").returncode == 0


@pytest.mark.parametrize("words", [["work", b"\xff"], ["work", "q", "--name", b"\xff"]])
def test_a_worker_with_a_name_that_is_no_text_ends_at_once(queuekit, words: list[str | bytes]) -> None:
    done = queuekit(*words, "--exec", "true", "--burst")
    assert done.returncode == 65
    one_line(done)


def test_the_default_file_and_its_folder_are_made_by_the_first_queue(tmp_path: Path) -> None:
    words = "from queuekit import Queue; print(Queue().put('x'))"
    home = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", words], env=home, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert (tmp_path / ".local/state/queuekit").stat().st_mode & 0o777 == 0o700
