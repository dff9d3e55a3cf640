"""The daemon's configuration: a small TOML file.

database = "queue.db"            # beside this file; default as everywhere: $QUEUEKIT_DB, else the state folder

[daemon]                         # all optional
log = "human"                    # or "json"
grace = "10s"                    # what running tasks have after a stop
fallback = "30s"                 # look this often without being woken
purge_interval = "10m"           # forget what is older than its queue keeps it; "0" = never

[[queue]]                        # one worker each
name = "notifications"
exec = "notify --quiet"          # or a list of words; or, for Python:  app = "module:object"
concurrency = 1
lease = "60s"                    # default: as the task and its queue say
strategy = "fair"                # the order of its claims; default: as the queue says
capabilities = "gpu region=us"   # what it can do
later = "10s"                    # how long a task rests whose command exits 75
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from queuekit import toml
from queuekit.durations import milliseconds
from queuekit.errors import QueuekitError, Usage
from queuekit.model import STRATEGIES
from queuekit.schema import default_path

_Check = Callable[[Any], Any]


@dataclass(frozen=True)
class QueueConfig:
    """One [[queue]]: its handler is either exec (text or words) or app. Lengths are seconds."""

    name: str
    exec: str | list[str] | None = None
    app: str | None = None
    concurrency: int = 1
    lease: float | None = None
    strategy: str | None = None
    capabilities: str | None = None
    later: float = 10.0


@dataclass(frozen=True)
class Config:
    """What a daemon does. Lengths are seconds; purge_interval 0 = never."""

    database: Path
    queues: tuple[QueueConfig, ...] = ()
    log: str = "human"
    grace: float = 10.0
    fallback: float = 30.0
    purge_interval: float = 600.0

    @classmethod
    def load(cls, path: Path) -> Config:
        """Read the file. Raises Usage: one line with the file, the key and what is expected."""
        try:
            given = toml.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise Usage(f"{path}: cannot be read ({error.strerror})") from None
        except ValueError as error:
            raise Usage(f"{path}: not a TOML file: {error}") from None
        return _config(_Table(given, str(path)), path)


def _config(top: _Table, path: Path) -> Config:
    top.only("database", "daemon", "queue")
    database = top.take("database", _path, None)
    daemon = _Table(top.take("daemon", _table, {}), f"{path}: daemon")
    queues = top.take("queue", _tables, [])
    return Config(
        database=default_path() if database is None else path.parent / database,
        queues=tuple(
            _queue(_Table(queue, f"{path}: queue {number}")) for number, queue in enumerate(queues, 1)
        ),
        **daemon.all(log=_log, grace=_length, fallback=_positive, purge_interval=_length),
    )


def _queue(table: _Table) -> QueueConfig:
    given = table.all(
        name=_text,
        exec=_command,
        app=_text,
        concurrency=_count,
        lease=_positive,
        later=_length,
        strategy=_strategy,
        capabilities=_text,
    )
    if "name" not in given:
        raise table.wrong("name", "the name of a queue is missing")
    if ("exec" in given) == ("app" in given):
        raise table.wrong("exec", 'give either exec = "COMMAND" or app = "module:object"')
    return QueueConfig(**given)


class _Table:
    """A TOML table that is read key by key; place says where it stands."""

    def __init__(self, given: dict[str, Any], place: str) -> None:
        self._given = given
        self._place = place

    def only(self, *known: str) -> None:
        """Raises Usage if there is any other key."""
        for key in self._given:
            if key not in known:
                raise self.wrong(key, f"no such key; known are {', '.join(known)}")

    def all(self, **checks: _Check) -> dict[str, Any]:
        """The keys that are there, each through its check. Raises Usage."""
        self.only(*checks)
        return {key: self.take(key, check, None) for key, check in checks.items() if key in self._given}

    def take(self, key: str, check: _Check, default: Any) -> Any:
        """The value of key through its check, or the default. Raises Usage."""
        if key not in self._given:
            return default
        try:
            return check(self._given[key])
        except (QueuekitError, ValueError) as error:
            raise self.wrong(key, f"{error}, not {self._given[key]!r}") from None

    def wrong(self, key: str, why: str) -> Usage:
        """The error about a key."""
        return Usage(f"{self._place}: {key}: {why}")


def _text(value: Any) -> Any:
    return _expect(isinstance(value, str) and bool(value), value, "expected text")


def _strategy(value: Any) -> Any:
    return _expect(value in STRATEGIES, value, f"expected one of {', '.join(STRATEGIES)}")


def _path(value: Any) -> Path:
    try:
        return Path(_expect("\0" not in _text(value), value, "expected a path without NUL")).expanduser()
    except RuntimeError:
        raise ValueError("expected a path; there is no such home") from None


def _command(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return value
    good = isinstance(value, str) and bool(value.strip())
    return _expect(good, value, "expected a command, as text or a list of words")


def _log(value: Any) -> Any:
    return _expect(value in ("human", "json"), value, 'expected "human" or "json"')


def _count(value: Any) -> Any:
    return _expect(type(value) is int and value > 0, value, "expected a whole number above 0")


def _length(value: Any) -> float:
    try:
        return milliseconds(_expect(type(value) in (str, int, float), value, "")) / 1000
    except (Usage, ValueError):
        raise ValueError('expected a duration such as 1.5, "90s" or "10m"') from None


def _positive(value: Any) -> Any:
    return _expect((length := _length(value)) > 0, length, "expected a duration above 0")


def _table(value: Any) -> Any:
    return _expect(isinstance(value, dict), value, "expected a [table]")


def _tables(value: Any) -> Any:
    good = isinstance(value, list) and all(isinstance(table, dict) for table in value)
    return _expect(good, value, "expected [[queue]] tables")


def _expect(good: bool, value: Any, what: str) -> Any:
    if not good:
        raise ValueError(what)
    return value
