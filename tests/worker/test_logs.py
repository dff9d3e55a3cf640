"""Log lines: for people, or one JSON object a line."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from queuekit import logs


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    """The tests of other files find the logger as it was."""
    log = logging.getLogger("queuekit")
    before = (list(log.handlers), log.level, log.propagate)
    yield
    log.handlers[:], log.level, log.propagate = before


def test_a_line_for_people() -> None:
    stream = io.StringIO()
    logs.start(stream=stream)
    logs.say(logging.INFO, "done", worker="w", receipt="7:1", kind=None, ms=1.5)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT[\d:.]+Z INFO done worker=w receipt=7:1 ms=1\.5\n", stream.getvalue()
    )


def test_a_line_of_json() -> None:
    stream = io.StringIO()
    logs.start(as_json=True, stream=stream)
    logs.say(logging.WARNING, "failed", worker="w", ms=1.5, error="a\nb \u2603")
    line = json.loads(stream.getvalue())
    assert line.pop("at").endswith("Z")
    assert line == {"level": "warning", "event": "failed", "worker": "w", "ms": 1.5, "error": "a\nb \u2603"}
    assert stream.getvalue().count("\n") == 1


def test_no_value_can_forge_a_line_or_talk_to_the_terminal() -> None:
    stream = io.StringIO()
    logs.start(stream=stream)
    logs.say(logging.ERROR, "failed", error="x\n2030 ERROR forged \x1b[2J")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_an_exception_is_told_in_the_line() -> None:
    stream = io.StringIO()
    logs.start(stream=stream)
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("queuekit").exception("trouble")
    assert "trouble error=ValueError('why')\n" in stream.getvalue()


def test_what_is_below_the_level_is_not_said() -> None:
    stream = io.StringIO()
    logs.start(stream=stream, level=logging.WARNING)
    logs.say(logging.INFO, "done")
    assert stream.getvalue() == ""
