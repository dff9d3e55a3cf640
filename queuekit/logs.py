"""Log lines of workers on stderr: for people, or one JSON object a line. A payload is never in them."""

from __future__ import annotations

import json
import logging
from typing import Any, TextIO

from queuekit.durations import iso

_log = logging.getLogger("queuekit")


def say(level: int, event: str, **fields: Any) -> None:
    """Log an event (a word or two) with its fields: worker, queue, receipt, ms, error …; None is left out."""
    if _log.isEnabledFor(level):
        given = {name: value for name, value in fields.items() if value is not None}
        _log.log(level, event, extra={"queuekit": given})


def start(*, as_json: bool = False, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send queuekit's log lines to stream (stderr), and there only."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Json() if as_json else _Human())
    _log.handlers[:] = [handler]
    _log.setLevel(level)
    _log.propagate = False


class _Human(logging.Formatter):
    """2030-01-31T09:00:00.123Z INFO done worker=web:12 queue=mail receipt=7:1 ms=12.3"""

    def format(self, record: logging.LogRecord) -> str:
        words = [_moment(record), record.levelname, _one_line(record.getMessage())]
        return " ".join(
            words + [f"{name}={_one_line(str(value))}" for name, value in _fields(record).items()]
        )


class _Json(logging.Formatter):
    """{"at": "…", "level": "info", "event": "done", "worker": …}"""

    def format(self, record: logging.LogRecord) -> str:
        head = {"at": _moment(record), "level": record.levelname.lower(), "event": record.getMessage()}
        return json.dumps({**head, **_fields(record)}, default=str)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = dict(getattr(record, "queuekit", {}))
    if record.exc_info and record.exc_info[1] is not None:
        fields["error"] = repr(record.exc_info[1])
    return fields


def _moment(record: logging.LogRecord) -> str:
    return iso(round(record.created * 1000))


def _one_line(text: str) -> str:
    """Text that cannot forge another line or talk to a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
