"""qk put: options, durations, moments."""

from __future__ import annotations

import json

import pytest
from shell_client import Qk


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
        ("31536000000ms", 31536000000),
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
    [
        "",
        "x",
        "1x",
        "-1",
        "1 m",
        "1e3",
        "m",
        ".",
        "1.",
        "1000000000000",
        "1653440w",
        "9" * 20,
        "0x10",
        "1;2",
        "$(id)",
        "a[0]",
    ],
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
