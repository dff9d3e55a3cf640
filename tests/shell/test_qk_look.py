"""qk ls, show, stats, pause and resume."""

from __future__ import annotations

import json

from shell_client import ROOT, Qk


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
