"""qk schedule: schedules made and run with no Python anywhere; queuekit is for their instants."""

from __future__ import annotations

import json

from shell_client import Qk

NOW = 2_000_000_000_000


def test_add_writes_a_row_whose_next_instant_is_for_who_fires_it(qk: Qk) -> None:
    assert qk.out("schedule", "add", "s", "--cron", "30 2 * * mon-fri", "--zone", "Asia/Tokyo", "x") == ""
    assert qk.sql("select name, rule, zone, payload, next_at is null, paused from qk_schedule;") == [
        ["s", "30 2 * * mon-fri", "Asia/Tokyo", "x", "1", "0"]
    ]
    assert json.loads(qk.out("schedule", "add", "s", "--every", "1m", "--json")) == {
        "name": "s",
        "next_at": None,
    }
    assert qk.sql("select rule, zone, payload from qk_schedule;") == [["every 1m", "UTC", "null"]]


def test_the_first_schedule_with_a_group_brings_the_laws_that_it_needs(qk: Qk) -> None:
    qk.out("schedule", "add", "s", "--every", "1m", "--group", "g", "--share", "a", "--require", "gpu b")
    assert [qk.out("schedule", "run-now", "s", QUEUEKIT_NOW=str(NOW + n)) for n in (1, 2)] == ["1\n", "2\n"]
    assert qk.sql("select state, lane, share, group_key from qk_task;") == [
        ["ready", "b gpu", "a", "g"],
        ["blocked", "b gpu", "a", "g"],
    ]


def test_run_now_prints_the_id_of_its_task(qk: Qk) -> None:
    qk.out("schedule", "add", "s", "--every", "1m", "-q", "mail", "--kind", "k", "--within", "5m", "x")
    assert qk.out("schedule", "run-now", "s", QUEUEKIT_NOW=str(NOW)) == "1\n"
    assert qk.out("schedule", "run-now", "s", "--json", QUEUEKIT_NOW=str(NOW)) == '{"id":1}\n'
    task = qk.show(1)
    assert (task["queue"], task["kind"], task["payload"], task["key"]) == ("mail", "k", "x", f"s@{NOW}")
    assert (task["duplicates"], task["due_at"]) == (1, NOW + 300_000)


def test_pause_resume_and_rm(qk: Qk) -> None:
    qk.out("schedule", "add", "s", "--every", "1m")
    qk.sql("update qk_schedule set error = 'why';")
    qk.out("schedule", "pause", "s")
    assert qk.sql("select paused, error from qk_schedule;") == [["1", "why"]]
    qk.out("schedule", "resume", "s")
    assert qk.sql("select paused, error is null from qk_schedule;") == [["0", "1"]]
    qk.out("schedule", "rm", "s")
    assert qk.out("schedule", "ls", "--json") == ""
    assert "there is no schedule s" in qk.refused(66, "schedule", "rm", "s")


def test_ls_shows_every_column_of_its_header(qk: Qk) -> None:
    qk.out("schedule", "add", "it's", "--every", "1m", "a\nb")
    row = json.loads(qk.out("schedule", "ls", "--json"))
    assert (row["name"], row["payload"], row["group_key"], row["jitter_ms"]) == ("it's", "a\nb", None, 0)
    assert "a b" in qk.out("schedule", "ls")


def test_a_call_that_is_wrong_writes_nothing(qk: Qk) -> None:
    for words in (
        ["--cron", "61 * * * *"],
        ["--every", "0"],
        ["--at", "tea"],
        [],
        ["--every", "1m", "--zone", "/x"],
    ):
        qk.refused(2, "schedule", "add", "s", *words)
    assert "queuekit schedule next" in qk.refused(2, "schedule", "next", "s")
    assert qk.out("schedule", "ls") == ""
