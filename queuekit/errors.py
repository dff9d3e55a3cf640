"""What can go wrong, as one small tree. Every error says what happened and what to do, and carries its exit code."""

from __future__ import annotations

import queue
import re
import sqlite3

_LAW = re.compile(r"(QK\d{3}) (.*)", re.DOTALL)
_LONGEST = 2000  # characters of an error that are kept
_VERSION_LAWS = {"QK030", "QK031"}
_FULL_LAW = "QK027"
_PAYLOAD_LAWS = {"QK014", "QK015", "QK032"}


class QueuekitError(Exception):
    """Something went wrong that is not the caller's mistake. Root of the tree; exit code 1."""

    exit_code = 1


class Usage(QueuekitError):
    """The call itself is wrong: an option, a duration, a time. Exit code 2."""

    exit_code = 2


class LeaseLost(QueuekitError):
    """The receipt no longer counts: the lease expired, or the run was finished or released before. Exit code 4."""

    exit_code = 4


class Refused(QueuekitError):
    """A law of the file forbids it (code QKnnn), or the state of the task does (code None). Exit code 4."""

    exit_code = 4

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class Full(Refused, queue.Full):
    """The queue holds as many tasks, or bytes, as its policy allows (QK027); nothing was put. Exit code 4."""


class BadPayload(QueuekitError):
    """The payload or key is not text that every client can hold (NUL, invalid UTF-8, not JSON). Exit code 65."""

    exit_code = 65


class NoDatabase(QueuekitError):
    """There is no queue at the path: no file, no SQLite database, or none of our tables. Exit code 66."""

    exit_code = 66


class NoTask(QueuekitError):
    """There is no task with this id. Exit code 66."""

    exit_code = 66


class Busy(QueuekitError):
    """Another process held the write lock for the whole timeout; nothing was written. Exit code 75."""

    exit_code = 75


class TimedOut(QueuekitError):
    """What was waited for did not happen in time. Exit code 124."""

    exit_code = 124


class SchemaMismatch(QueuekitError):
    """The file was made by another version of queuekit, or in a way that no queue is. Exit code 1."""


def text_of(error: BaseException) -> str:
    """The text of any exception, as a file can keep it: cut, no NUL, no lone surrogate."""
    try:
        text = str(error)
    except Exception as again:
        text = f"(its text cannot be made: {type(again).__name__})"
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")[:_LONGEST]


def reason_of(error: BaseException) -> str:
    """What is kept of a run that an exception ended: its type and text."""
    return f"{type(error).__name__}: {text_of(error)}".removesuffix(": ")


def _refusal(code: str, message: str) -> QueuekitError:
    if code in _PAYLOAD_LAWS:
        return BadPayload(message)
    if code == _FULL_LAW:
        return Full(message, code)
    return SchemaMismatch(message) if code in _VERSION_LAWS else Refused(message, code)


def translate(error: sqlite3.Error | UnicodeError, path: str) -> QueuekitError:
    """The error of ours that says what SQLite's error means for a queue at path."""
    text = str(error)
    law = _LAW.search(text)
    if law:
        return _refusal(law[1], law[0])
    if isinstance(error, UnicodeError):
        return BadPayload("text must be valid Unicode without lone surrogates; nothing was put")
    if "is locked" in text:
        return Busy(f"{path} is locked by another writer; nothing was written, try again")
    if "binding parameter" in text:
        return Usage(f"a value of the wrong type: {text}; nothing was done")
    if "qk_task.payload" in text:
        return BadPayload("a task needs a payload; nothing was put")
    if "no such table: qk_" in text or "no such table: main.qk_" in text:
        return NoDatabase(f"{path} has no queue in it: run  queuekit init --db {path}")
    if "not a database" in text or "unable to open" in text:
        return NoDatabase(f"{path} cannot be opened as a SQLite database ({text})")
    if "readonly" in text:
        return QueuekitError(f"{path} is read-only here; nothing was written: check its owner and mode")
    if "disk is full" in text:
        return QueuekitError(
            f"the disk of {path} is full; nothing was written: free some space and try again"
        )
    return QueuekitError(f"{path}: {text}")
