"""What each verb does and prints."""

from __future__ import annotations

import json

import pytest
from shell_client import ROOT, Qk


def test_put_prints_just_the_id(qk: Qk) -> None:
    assert qk.out("put", "a") == "1\n"
    assert qk.out("put", "b") == "2\n"


def test_put_takes_its_payload_from_stdin_when_no_argument_or_a_dash_is_given(qk: Qk) -> None:
    for args in ([], ["-"]):
        task = qk.put(*args, stdin=b"from stdin")
        assert qk.show(task)["payload"] == "from stdin"


def test_put_with_json_tells_id_duplicates_and_state(qk: Qk) -> None:
    assert json.loads(qk.out("put", "a", "--key", "k", "--json")) == {
        "id": 1,
        "duplicates": 0,
        "state": "ready",
    }
    assert json.loads(qk.out("put", "a", "--key", "k", "--json")) == {
        "id": 1,
        "duplicates": 1,
        "state": "ready",
    }
    assert json.loads(qk.out("put", "a", "--delay", "1h", "--json"))["state"] == "scheduled"


def test_a_duplicate_key_gives_the_old_id(qk: Qk) -> None:
    assert qk.put("--key", "k", "a") == qk.put("--key", "k", "b")
    assert qk.show(1)["payload"] == "a"
    assert qk.put("--key", "k", "-q", "other", "c") == 2


def test_every_option_of_put_reaches_the_task(qk: Qk) -> None:
    options = [
        "-q",
        "q",
        "--kind",
        "k",
        "--key",
        "y",
        "--priority",
        "-3",
        "--delay",
        "10m",
        "--attempts",
        "4",
        "--lease",
        "90",
        "--backoff",
        "1.5",
    ]
    task = qk.put(*options, "p")
    row = qk.sql(
        "select queue, kind, key, priority, due_at - created_at, max_attempts, lease_ms, backoff_ms, payload"
        "  from qk_task"
    )
    assert (task, row) == (1, [["q", "k", "y", "-3", "600000", "4", "90000", "1500", "p"]])


def test_options_may_stand_before_or_after_the_arguments(qk: Qk) -> None:
    for args in (
        ["--kind", "k", "p"],
        ["p", "--kind", "k"],
        ["--kind=k", "p"],
        ["p", "--kind=k"],
        ["-qdefault", "p", "--kind=k"],
    ):
        shown = qk.show(qk.put(*args))
        assert (shown["kind"], shown["payload"]) == ("k", "p")


def test_an_option_may_be_empty(qk: Qk) -> None:
    assert qk.show(qk.put("--key", "", "--kind=", "p"))["key"] == ""


@pytest.mark.parametrize(
    ("length", "ms"),
    [
        ("90", 90000),
        ("1.5", 1500),
        (".25", 250),
        ("500ms", 500),
        ("10s", 10000),
        ("10m", 600000),
        ("2h", 7200000),
        ("7d", 604800000),
        ("1w", 604800000),
        ("008", 8000),
        ("0.0004", 0),
        ("0.0006", 1),
        ("1.5h", 5400000),
    ],
)
def test_a_duration(qk: Qk, length: str, ms: int) -> None:
    qk.put("p", "--delay", length)
    assert qk.sql("select ifnull(due_at - created_at, 0) from qk_task") == [[str(ms)]]


@pytest.mark.parametrize(
    "length",
    ["", "x", "1x", "-1", "1 m", "1e3", "m", ".", "1.", "99999999999", "0x10", "1;2", "$(id)", "a[0]"],
)
def test_no_duration(qk: Qk, length: str) -> None:
    assert "not a duration" in qk.refused(2, "put", "p", "--delay", length)


@pytest.mark.parametrize(
    ("moment", "zone", "ms"),
    [
        ("1893456000", "UTC", 1893456000000),
        ("1893456000.5", "UTC", 1893456000500),
        ("2030-01-01T00:00:00Z", "UTC", 1893456000000),
        ("2030-01-01T01:00:00+01:00", "UTC", 1893456000000),
        ("2030-01-01 00:00:00.250", "UTC", 1893456000250),
        ("2030-01-01", "UTC", 1893456000000),
        ("2030-01-01T02:00", "Africa/Cairo", 1893456000000),
        ("2030-01-01T00:00Z", "Africa/Cairo", 1893456000000),
    ],
)
def test_a_moment(qk: Qk, moment: str, zone: str, ms: int) -> None:
    qk.out("put", "p", "--at", moment, TZ=zone)
    assert qk.sql("select state, due_at, run_at from qk_task") == [["scheduled", str(ms), str(ms)]]


@pytest.mark.parametrize(
    "moment",
    [
        "",
        "tomorrow",
        "now",
        "12:00",
        "2030-02-30",
        "2030-13-01",
        "2030-01-01T25:00",
        "2030-1-1",
        "2030-01-01'",
        "-1",
    ],
)
def test_no_moment(qk: Qk, moment: str) -> None:
    assert "not a time" in qk.refused(2, "put", "p", "--at", moment)
    assert qk.sql("select count(*) from qk_task") == [["0"]]


def test_claim_prints_the_task_as_one_line_of_json(qk: Qk) -> None:
    qk.put("--kind", "mail", "--key", "k", "a\nb")
    line = qk.out("claim", "--worker", "me", "--lease", "10m")
    assert line.count("\n") == 1
    task = json.loads(line)
    assert list(task) == ["id", "receipt", "queue", "kind", "key", "payload", "attempt", "lease_until"]
    assert task == {
        "id": 1,
        "receipt": "1:1",
        "queue": "default",
        "kind": "mail",
        "key": "k",
        "payload": "a\nb",
        "attempt": 1,
        "lease_until": task["lease_until"],
    }
    assert qk.sql("select worker, due_at - claimed_at from qk_task") == [["me", "600000"]]


def test_nothing_to_claim_is_exit_3_in_silence(qk: Qk) -> None:
    qk.put("-q", "other", "a")
    for options in ([], ["-n", "5"]):
        done = qk("claim", *options)
        assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"")


def test_claim_of_many_prints_a_line_each_the_highest_priority_first(qk: Qk) -> None:
    for priority in (1, 5, 3, 5):
        qk.put("--priority", str(priority), "p")
    lines = qk.out("claim", "-n", "3").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [2, 4, 3]
    assert len(qk.out("claim", "-n9").splitlines()) == 1


def test_claim_alone_makes_delays_and_leases_fall_due(qk: Qk) -> None:
    qk.put("p", "--delay", "1h", "--backoff", "0")
    qk.sql("update qk_task set due_at = 1000 where id = 1")
    assert qk.claim("--lease", "1ms")["attempt"] == 1
    qk.sql("insert into qk_tick (now) select now + 10000 from qk_clock; update qk_task set due_at = 1000")
    assert qk.claim()["attempt"] == 2


def test_the_verbs_of_a_receipt_are_silent(qk: Qk) -> None:
    qk.put("p", "--backoff", "0")
    assert qk.out("extend", qk.claim()["receipt"], "--lease", "2h") == ""
    assert qk.out("release", "1:1") == ""
    assert qk.out("nack", qk.claim()["receipt"], "--error", "no") == ""
    assert qk.show(1)["error"] == "no"
    assert qk.out("ack", qk.claim()["receipt"], "--result", "yes") == ""
    assert (qk.show(1)["state"], qk.show(1)["result"]) == ("done", "yes")
    assert [run["outcome"] for run in qk.show(1)["runs"]] == ["released", "failed"]


def test_with_json_they_print_their_row(qk: Qk) -> None:
    for _ in range(3):
        qk.put("p")
    qk.out("claim", "-n", "3")
    extended = json.loads(qk.out("extend", "1:1", "--json"))
    assert (list(extended), extended["cancel_at"]) == (["id", "lease_until", "cancel_at"], None)
    assert json.loads(qk.out("ack", "1:1", "--json")) == {"id": 1, "state": "done"}
    assert json.loads(qk.out("release", "2:1", "--json")) == {"id": 2, "state": "ready"}
    assert json.loads(qk.out("nack", "3:1", "--dead", "--json")) == {
        "id": 3,
        "state": "dead",
        "failures": 1,
        "due_at": None,
    }
    assert json.loads(qk.out("cancel", "2", "--json")) == {"id": 2, "state": "cancelled"}
    assert json.loads(qk.out("retry", "3", "--json")) == {"id": 3, "state": "ready"}


@pytest.mark.parametrize("verb", ["ack", "nack", "extend", "release"])
def test_a_lost_lease_is_exit_4_and_an_unknown_task_66(qk: Qk, verb: str) -> None:
    qk.put("p")
    qk.refused(4, verb, "1:1")
    receipt = qk.claim()["receipt"]
    for stale in ("1:0", "1:2", "1", "1:", "01:1", " 1:1", "1:1 "):
        assert "lost" in qk.refused(4, verb, stale)
    qk.refused(66, verb, "99:1")
    qk.refused(66, verb, "nonsense")
    qk.out(verb, receipt)
    if verb != "extend":
        qk.refused(4, verb, receipt)


def test_nack_waits_as_told(qk: Qk) -> None:
    qk.put("p")
    qk.out("nack", qk.claim()["receipt"], "--delay", "1h")
    assert qk.sql("select state, due_at - ended_at from qk_task") == [["scheduled", "3600000"]]


def test_release_waits_as_told_and_costs_no_attempt(qk: Qk) -> None:
    qk.put("p")
    qk.out("release", qk.claim()["receipt"], "--delay", "1h")
    assert qk.sql("select state, due_at - ended_at, failures from qk_task") == [["scheduled", "3600000", "0"]]


def test_cancel_and_retry_take_many_ids_and_do_what_can_be_done(qk: Qk) -> None:
    for _ in range(3):
        qk.put("p")
    done = qk("cancel", "1", "99", "3")
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (66, b"", 1)
    assert qk.sql("select state from qk_task order by id") == [["cancelled"], ["ready"], ["cancelled"]]
    assert "finished already" in qk.refused(4, "cancel", "1")
    assert "not finished" in qk.refused(4, "retry", "2")
    qk.out("retry", "1", "3", "--delay", "1h")
    assert qk.sql("select state from qk_task order by id") == [["scheduled"], ["ready"], ["scheduled"]]


def test_a_running_task_is_asked_to_stop_and_hears_it_at_extend(qk: Qk) -> None:
    qk.put("p")
    receipt = qk.claim()["receipt"]
    assert json.loads(qk.out("cancel", "1", "--json"))["state"] == "running"
    assert json.loads(qk.out("extend", receipt, "--json"))["cancel_at"] is not None
    qk.out("release", receipt)
    assert qk.show(1)["state"] == "cancelled"


def test_tick_moves_all_that_is_due(qk: Qk) -> None:
    qk.out("put", "--lines", "--delay", "1h", stdin=b"p\n" * 2500)
    qk.sql("update qk_task set due_at = id")
    assert qk.out("tick") == ""
    assert qk.sql("select state, count(*) from qk_task group by 1") == [["ready", "2500"]]


def test_purge_forgets_what_is_done_and_keeps_what_is_dead(qk: Qk) -> None:
    qk.out("put", "--lines", stdin=b"p\n" * 6)
    qk.out("claim", "-n", "3")
    qk.out("ack", "1:1")
    qk.out("nack", "2:1", "--dead")
    qk.out("cancel", "4")
    assert json.loads(qk.out("purge", "--json")) == {"purged": 0}
    assert qk.out("purge", "--older", "0") == ""
    assert qk.sql("select id from qk_task") == [["2"], ["3"], ["5"], ["6"]]
    assert json.loads(qk.out("purge", "--older", "0", "--state", "dead", "--json")) == {"purged": 1}
    qk.refused(2, "purge", "--state", "ready")


def test_purge_works_in_bites(qk: Qk) -> None:
    qk.sql("""with recursive n(i) as (select 1 union all select i + 1 from n where i < 25000)
              insert into qk_task (payload) select i from n;
              update qk_task set state = 'cancelled', ended_at = 1000;""")
    assert json.loads(qk.out("purge", "--json")) == {"purged": 24999}
    assert json.loads(qk.out("purge", "--json")) == {"purged": 0}


def columns(verb: str) -> list[str]:
    """The columns of the row, as the header of the SQL file tells them."""
    header = (ROOT / "sql" / f"{verb}.sql").read_text().split("-- row\n")[1].split("-- no row")[0]
    return [line.split()[1] for line in header.splitlines()]


def test_ls_show_and_stats_print_json_with_the_columns_of_their_header(qk: Qk) -> None:
    qk.put("p", "--key", "k")
    qk.put("p", "--kind", "two\nlines")
    assert [json.loads(line)["id"] for line in qk.out("ls", "--json").splitlines()] == [2, 1]
    assert list(json.loads(qk.out("ls", "--json").splitlines()[0])) == columns("list")
    assert list(qk.show(1)) == columns("show")
    assert list(json.loads(qk.out("stats", "--json"))) == columns("stats")
    assert json.loads(qk.out("stats", "--json"))["ready"] == 2


def test_ls_chooses(qk: Qk) -> None:
    qk.put("p", "-q", "it's", "--kind", "k", "--key", "y")
    qk.put("p", "--delay", "1h")
    for options in (["-q", "it's"], ["--kind", "k"], ["--key", "y"], ["--state", "ready"]):
        assert [json.loads(line)["id"] for line in qk.out("ls", "--json", *options).splitlines()] == [1]
    assert len(qk.out("ls", "--json", "--limit", "1").splitlines()) == 1
    assert qk.out("ls", "--state", "dead") == ""


def test_for_people_a_task_is_one_line_with_iso_times(qk: Qk) -> None:
    qk.put("p", "--kind", "two\nlines \x1b[31m", "--at", "2030-01-01T00:00:00Z")
    head, _, line = qk.out("ls").splitlines()
    assert head.split()[:3] == ["id", "state", "queue"]
    assert "2030-01-01T00:00:00Z" in line
    assert "two lines" in line
    assert "\x1b" not in qk.out("ls") + qk.out("show", "1") + qk.out("stats")
    assert "state = scheduled" in qk.out("show", "1")


def test_show_of_an_unknown_task_is_66(qk: Qk) -> None:
    for options in ([], ["--json"], ["--payload"]):
        qk.refused(66, "show", "7", *options)


def test_a_paused_queue_gives_nothing_until_it_is_resumed(qk: Qk) -> None:
    qk.put("p", "-q", "it's")
    assert qk.out("pause", "-q", "it's") == ""
    assert qk("claim", "-q", "it's").returncode == 3
    assert json.loads(qk.out("resume", "-q", "it's", "--json")) == {"queue": "it's", "paused": 0}
    assert qk.claim("-q", "it's")["id"] == 1
    assert json.loads(qk.out("pause", "--json")) == {"queue": "default", "paused": 1}
