"""schedule: qk and queuekit read the same but for calendars, which queuekit alone knows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from queuekit import Queue, Schedules
from queuekit.durations import iso, moment_ms
from tests.cli.program import QK, QUEUEKIT, run
from tests.conftest import make_database

OPTIONS = (
    "--zone Europe/Berlin -q mail --kind k --priority high --within 5m --require gpu --share a --group g"
)
OPTIONS += " --attempts 2 --lease 5s --backoff 0.5 --catch-up all --grace 1h --jitter 10s"

# One story; every line is run by both: what is put after schedule, stdin, and the exit code.
STORY: list[tuple[list[str], bytes | None, int]] = [
    (["add", "plain", "--every", "90s"], None, 0),
    (["add", "whole", "--cron", "*/5 1-3 L 1,dec mon-fri,6L", "pay load", *OPTIONS.split()], None, 0),
    (["add", "stdin", "--at", "2033-05-18T03:33:20", "-"], '{"ü": "\t"}'.encode(), 0),
    (["add", "six", "--cron", "0 30 2 * * SUN#2"], None, 0),
    (["add", "named", "--cron", "@daily"], None, 0),
    (["add", "empty", "--every", "1h", ""], None, 0),
    (["pause", "plain"], None, 0),
    (["add", "plain", "--every", "2m", "again"], None, 0),
    (["ls", "--json"], None, 0),
    (["run-now", "whole"], None, 0),
    (["run-now", "plain", "--json"], None, 0),
    (["resume", "plain"], None, 0),
    (["rm", "stdin"], None, 0),
    (["ls", "--json"], None, 0),
    *((["rm", "nobody"], None, 66), (["pause", "nobody"], None, 66)),
    *((["resume", "nobody"], None, 66), (["run-now", "nobody", "--json"], None, 66)),
    *((["add", "x"], None, 2), (["add"], None, 2), ([], None, 2), (["fly"], None, 2), (["rm"], None, 2)),
    (["add", "", "--every", "1m"], None, 2),
    (["add", "x", "--every", "1m", "-q", ""], None, 2),
    (["add", "x", "--every", "1m", "--zone", ""], None, 2),
    (["add", "x", "--every", "1m", "--zone", "../etc"], None, 2),
    (["add", "x", "--every", "1m", "--cron", "* * * * *"], None, 2),
    *((["add", "x", "--every", length], None, 2) for length in ("0", "999ms", "40000d", "often", "")),
    *((["add", "x", "--at", time], None, 2) for time in ("tea", "2026-02-30", "")),
    *(
        (["add", "x", "--cron", words], None, 2)
        for words in (
            "61 * * * *",
            "* * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "x",
            "*/0 * * * *",
        )
    ),
    (["add", "x", "--every", "1m", "--catch-up", "none"], None, 2),
    (["add", "x", "--every", "1m", "--priority", "urgent"], None, 2),
    (["add", "x", "--every", "1m", "--attempts", "0"], None, 4),
    (["add", "x", "--every", "1m", "--require", "gpu*"], None, 4),
    (["add", "x", "--every", "1m", "one", "two"], None, 2),
    (["add", "x", "--every", "1m", "-"], b"a\0b", 65),
    (["add", "x", "--every", "1m", "-"], b"\xff", 65),
    (["add", "x", "--every", "1m", "-n", "3"], None, 2),
    (["ls", "plain"], None, 2),
    (["rm", "plain", "more"], None, 2),
    (["pause", "plain", "--every", "1m"], None, 2),
    (["ls", "-q", "mail"], None, 2),
]
_MOMENT = re.compile(rb'"next_at":(\d+|null)|\d{4}-\d\d-\d\dT[\d:.]+Z\n')


@pytest.fixture
def twins(tmp_path: Path) -> tuple[Path, Path]:
    return make_database(tmp_path / "bash.db"), make_database(tmp_path / "python.db")


def test_the_story_of_schedules_reads_the_same(twins: tuple[Path, Path]) -> None:
    different = []
    for words, stdin, code in STORY:
        both = [
            run(program, "schedule", *words, db=db, stdin=stdin)
            for program, db in zip((QK, QUEUEKIT), twins, strict=True)
        ]
        told = [(done.returncode, _MOMENT.sub(b"", done.stdout), done.stderr.count(b"\n")) for done in both]
        if told[0] != told[1] or told[0][0] != code or told[0][2] != (code > 0):
            different.append((words, *told))
    assert different == []
    the_tasks_that_run_now_put_are_the_same(twins)


def the_tasks_that_run_now_put_are_the_same(twins: tuple[Path, Path]) -> None:
    rows = []
    for db in twins:
        with Queue(db, "mail") as queue:
            rows.append(queue.list()[0])
    different = {name for name in rows[0] if rows[0][name] != rows[1][name]}
    assert different <= {"key", "due_at", "created_at"}


def test_what_qk_adds_is_fired_by_queuekit(db: Path) -> None:
    with Queue(db) as queue:
        for words in (["hourly", "--cron", "0 * * * *"], ["often", "--every", "1m"]):
            assert run(QK, "schedule", "add", *words, "x", db=db).stdout == b""
        now = moment_ms("2026-06-01T12:30:00Z")
        schedules = Schedules(queue.database)
        assert [schedules.fire(now), schedules.fire(now + 1_800_000)] == [0, 2]
        told = run(QK, "schedule", "add", "hourly", "--cron", "0 * * * *", "y", db=db).stdout
        assert told == b"2026-06-01T14:00:00.000Z\n"
        told = run(QK, "schedule", "add", "hourly", "--cron", "0 * * * *", "y", "--json", db=db).stdout
        assert json.loads(told) == {"name": "hourly", "next_at": moment_ms("2026-06-01T14:00:00Z")}


def test_qk_says_who_knows_calendars(db: Path) -> None:
    done = run(QK, "schedule", "next", "s", db=db)
    assert (done.returncode, b"queuekit schedule next" in done.stderr) == (2, True)
    told = run(QK, "help", "schedule", db=db).stdout
    assert b"queuekit alone knows calendars" in told
    assert told == run(QUEUEKIT, "help", "schedule", db=db).stdout


def test_next_says_why_its_instants_will_not_be_put(db: Path) -> None:
    run(QUEUEKIT, "schedule", "add", "s", "--at", "2040-01-01T00:00", "--zone", "Asia/Tokyo", db=db)
    done = run(QUEUEKIT, "schedule", "next", "s", db=db)
    assert (done.stdout, done.stderr) == (b"2039-12-31T15:00:00.000Z\n", b"")
    run(QK, "schedule", "pause", "s", db=db)
    done = run(QUEUEKIT, "schedule", "next", "s", db=db)
    assert (done.returncode, done.stdout) == (0, b"2039-12-31T15:00:00.000Z\n")
    assert b"s is paused" in done.stderr


def test_a_time_without_a_zone_is_the_same_for_every_process(db: Path) -> None:
    """Else each that has a TZ of its own would put a task."""
    now = moment_ms("2026-06-01T12:00:00Z")
    run(QUEUEKIT, "schedule", "add", "s", "--at", iso(now)[:19], db=db, TZ="Asia/Tokyo")
    for zone in ("Asia/Tokyo", "America/New_York", "UTC"):
        assert run(QUEUEKIT, "tick", db=db, TZ=zone).returncode == 0
    with Queue(db) as queue:
        assert [row["key"] for row in queue.list()] == [f"s@{now}"]
