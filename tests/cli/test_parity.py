"""queuekit and qk are one contract: the same calls on twin files give the same output and the same exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.program import QK, QUEUEKIT, run
from tests.conftest import make_database, sqlite3_program

HUGE = "9" * 20  # more than 64 bits hold

RATES = [
    *"10/1m 5/s 0.5/s 1.5 100000/s 3/7ms 1/90d 1/.5 0 999999.999999/9ms".split(),
    *"5/ 10/0 1e3 1000000 1/200d /s 1/s/s 1.0000001 -1 .5 10/x 2/0.0001".split(),  # which are none
    "",
]

# One story; every line is run by both. (words, stdin)
STORY: list[tuple[tuple[str, ...], bytes | None]] = [
    (("init", "--events", "on"), None),
    (("put", "plain"), None),
    (
        ("put", "-", "-q", "mail", "--kind", "note", "--key", "k", "--priority", "3"),
        '{"ü": "\t\\""}'.encode(),
    ),
    (("put", "again", "-q", "mail", "--key", "k", "--json"), None),
    (("put", "later", "--delay", "10m", "--json"), None),
    (
        ("put", "at", "--at", "2033-05-18T03:33:20Z", "--attempts", "2", "--lease", "5s", "--backoff", "0.5"),
        None,
    ),
    (("put", "--lines"), b"one\n\n\xfe\ntwo\r\n\x00\nthree"),
    (("put", "-0", "--json"), b"a\nb\0\0c\0"),
    (("put", "-"), b"\xff"),
    (("put", "x", "--delay", "often"), None),
    (("put", "x", "--attempts", "0"), None),
    (("claim", "-q", "none"), None),
    (("claim", "-q", "mail"), None),
    (("claim", "-n", "3"), None),
    (("extend", "1:1", "--lease", "1h"), None),
    (("ack", "2:1", "--result", "ok", "--json"), None),
    (("ack", "2:1"), None),
    (("ack", "99:1"), None),
    (("ack", "nonsense"), None),
    (("nack", "1:1", "--error", "why", "--dead", "--json"), None),
    (("release", "5:1", "--json"), None),
    (("release", "5:1", "--delay", "1m"), None),
    (("cancel", "3", "--json"), None),
    (("cancel", "2"), None),
    (("cancel", "77"), None),
    (("retry", "1", "2", "--json"), None),
    (("retry", "1"), None),
    (("pause", "-q", "mail", "--json"), None),
    (("claim", "-q", "mail"), None),
    (("resume", "-q", "mail"), None),
    (("tick",), None),
    (("purge", "--older", "0", "--json"), None),
    (("purge", "--state", "ready"), None),
    (("ls", "--json"), None),
    (("ls", "--state", "dead", "--limit", "1", "--json"), None),
    (("show", "1", "--json"), None),
    (("show", "2", "--payload"), None),
    (("show", "88"), None),
    (("stats", "--json"), None),
    (("stats", "-q", "mail", "--json"), None),
    (("ls", "--state", "lost"), None),
    (("claim", "--lease", "0"), None),
    (("extend", "1:1", "--lease", "0"), None),
    (("put", "x", "--lease", "0"), None),
    (("put", "x", "--priority", HUGE), None),
    (("put", "x", "--delay", HUGE + "d"), None),
    (("put", "x", "--at", "0001-01-01"), None),
    (("show", HUGE), None),
    (("cancel", HUGE), None),
    (("claim", "-n", HUGE), None),
    (("claim", "-n", "0"), None),
    (("claim", "-n", "-1"), None),
    (("claim", "-n", "+3"), None),
    (("ls", "--limit", "-1"), None),
    (("put", "x", "--priority", "1e3"), None),
    *(
        ((verb, receipt), None)
        for verb in ("ack", "extend")
        for receipt in ("1", "1h", " 1:1", "1:1:1", "\u0661:1", "")
    ),
    *(((verb, id), None) for verb in ("show", "retry") for id in ("+1", " 1", "1h", "\u0661", "x\ny", "")),
    (("cancel", "3", "x", "4", "y"), None),  # wrong in part: nothing is done
    *(
        (("put", "x", "--delay", length), None)
        for length in ("10 m", " 1", "\u0661", "5.", "1M", "1653440w", "1653439w")
    ),
    *(
        (("put", "x", "--at", time), None)
        for time in ("2030-W01-1", "20300101", "2030-01-01T24:00", " 2030-01-01")
    ),
    (("put", "x", "--lease", ".5ms"), None),  # half a ms is one
    (("put", "-0", "--lines"), b"x"),
    (("put", "x", "--group", "g"), None),
    (("put", "x", "--after", "", "--group", "g"), None),
    *((("policy", "--rate", rate, "--json"), None) for rate in RATES),
    *((("init", "--events", word), None) for word in ("off", "", "maybe", "ON", "on")),
    (("no-such-verb",), None),
    (("help", "nack"), None),
    (("help", "ls"), None),
]

_MOMENT = re.compile(rb'"(lease_until|\w+_at)":\d{13}')


def told(program: list[str], db: Path, words: tuple[str, ...], stdin: bytes | None) -> tuple[int, bytes, int]:
    """Exit code, stdout with moments made equal, lines on stderr."""
    done = run(program, *words, db=db, stdin=stdin, HOSTNAME="here")
    stdout = re.sub(rb'"worker":"[^"]*"', b'"worker":null', _MOMENT.sub(rb'"\1":0', done.stdout))
    return done.returncode, stdout, done.stderr.count(b"\n")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("twins")
    return make_database(folder / "bash.db"), make_database(folder / "python.db")


def test_the_whole_story_reads_the_same(twins: tuple[Path, Path]) -> None:
    different = []
    for words, stdin in STORY:
        bash, python = told(QK, twins[0], words, stdin), told(QUEUEKIT, twins[1], words, stdin)
        if bash != python:
            different.append((words, bash, python))
    assert different == []
    events = "select id, task_id, event from qk_event order by id;"
    bash, python = (sqlite3_program(db, events) for db in twins)
    assert bash == python
    assert {"put", "claimed", "done", "dead", "released"} <= {line.split("|")[2] for line in bash.split()}


ANSWERS = [("put", "x"), ("claim",), ("ls",), ("show", "1", "--payload"), ("stats", "--json"), ("help",)]


@pytest.mark.parametrize("program", [QK, QUEUEKIT], ids=["qk", "queuekit"])
@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_an_answer_that_stdout_does_not_take_is_one_line_and_1(
    program: list[str], words: tuple[str, ...], db: Path
) -> None:
    run(QK, "put", "first", db=db)
    done = run(["bash", "-c", 'exec "$@" >/dev/full', "bash", *program], *words, db=db)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1), done.stderr


@pytest.mark.parametrize("program", [QK, QUEUEKIT], ids=["qk", "queuekit"])
def test_who_closes_stdout_or_stderr_wants_no_answer(program: list[str], db: Path) -> None:
    """And nothing else is opened in their place: the queue file least of all."""
    for closing in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        done = run(["bash", "-c", f'exec "$@" {closing}', "bash", *program], "put", "x", db=db)
        assert (done.returncode, done.stderr) == (0, b""), closing
        done = run(["bash", "-c", f'exec "$@" {closing}', "bash", *program], "nothing", db=db)
        assert done.returncode == 2, closing
    assert run(QK, "stats", "--json", db=db).stdout.startswith(b'{"queue":"default","paused":0,"ready":4,')
