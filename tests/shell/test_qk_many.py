"""put -0 and put --lines: an item a task, all in one transaction."""

from __future__ import annotations

import json

import pytest
from shell_client import Qk
from test_qk_payloads import HOSTILE


def payloads(qk: Qk) -> list[bytes]:
    ids = [row[0] for row in qk.sql("select id from qk_task order by id")]
    return [qk("show", task, "--payload").stdout for task in ids]


def test_lines_are_put_in_order_and_blank_ones_skipped(qk: Qk) -> None:
    assert qk.out("put", "--lines", stdin=b"one\n\n two \n \t\r\nthree") == "1\n2\n3\n"
    assert payloads(qk) == [b"one", b" two ", b"three"]


def test_items_that_end_with_nul_may_hold_anything_else(qk: Qk) -> None:
    items = list(HOSTILE.values())
    assert qk.out("put", "-0", stdin=b"".join(item + b"\0" for item in items)).split() == [
        str(n + 1) for n in range(len(items))
    ]
    assert payloads(qk) == items


def test_the_last_nul_may_be_missing(qk: Qk) -> None:
    assert qk.out("put", "-0", stdin=b"a\0\0b") == "1\n2\n3\n"
    assert payloads(qk) == [b"a", b"", b"b"]


@pytest.mark.parametrize("flag", ["-0", "--lines"])
def test_no_item_is_no_task(qk: Qk, flag: str) -> None:
    assert qk.out("put", flag, stdin=b"") == ""
    assert payloads(qk) == []


def test_a_bad_item_is_told_by_its_number_and_the_good_ones_are_kept(qk: Qk) -> None:
    done = qk("put", "--lines", stdin=b"one\n\nb\xffd\nfour\nn\0l\nsix\n")
    assert (done.returncode, done.stdout) == (65, b"1\n2\n3\n")
    assert done.stderr.count(b"\n") == 1
    assert b"3 5" in done.stderr
    assert payloads(qk) == [b"one", b"four", b"six"]


def test_the_options_hold_for_all(qk: Qk) -> None:
    qk.out(
        "put",
        "-0",
        "-q",
        "it's",
        "--kind",
        "k",
        "--priority",
        "3",
        "--delay",
        "1h",
        "--attempts",
        "2",
        stdin=b"a\0b\0",
    )
    row = ["it's", "k", "3", "3600000", "2", "scheduled"]
    assert qk.sql("select queue, kind, priority, due_at - created_at, max_attempts, state from qk_task") == [
        row,
        row,
    ]


def test_with_json_there_is_a_line_each(qk: Qk) -> None:
    lines = qk.out("put", "--lines", "--json", stdin=b"a\nb\n").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": n, "duplicates": 0, "state": "ready"} for n in (1, 2)
    ]


def test_thousands_of_lines_are_one_transaction(qk: Qk) -> None:
    qk.put("before")
    lines = [b"payload number %d" % n for n in range(20000)]
    ids = qk.out("put", "--lines", stdin=b"\n".join(lines)).split()
    assert ids == [str(n + 2) for n in range(20000)]
    assert qk.sql(
        "select count(distinct created_at), min(payload = 'payload number ' || (id - 2)) from qk_task where id > 1"
    ) == [["1", "1"]]


def test_many_cannot_share_a_key_nor_come_as_an_argument(qk: Qk) -> None:
    qk.refused(2, "put", "--lines", "--key", "k", stdin=b"a\n")
    qk.refused(2, "put", "--lines", "a", stdin=b"a\n")
