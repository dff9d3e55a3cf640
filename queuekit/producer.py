"""Putting: the producer's half of a queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from queuekit.database import Database
from queuekit.durations import Duration, Moment, milliseconds, moment_ms, now_ms
from queuekit.errors import BadPayload, Full, Usage
from queuekit.model import TaskId, encode

if TYPE_CHECKING:
    from typing_extensions import Unpack

_T = TypeVar("_T")
_UNIQUE = {"unfinished": None, "unclaimed": -1, "forever": 9007199254740991}
_ON_CONFLICT = (None, "keep", "replace", "merge")


class StepOptions(TypedDict, total=False):
    """What a step of a flow takes, too.

    kind          what sort of work; picks the handler
    priority      higher is claimed first; a number, or "low" (-10), "normal" (0), "high" (10), "critical" (20)
    delay         run this much later
    require       words that a worker must name as capabilities: "gpu region=us", or a list of them
    share         whose share of the work it is: fair claims give each share its turn
    group         tasks of a group run one at a time, in the order of their puts
    on_failure    when one that it waits for fails: "cancel" it (the default), "run" it anyway, "wait" for a retry
    max_attempts, lease, backoff   as the queue says where they are not given
    """

    kind: str | None
    priority: int | str | None
    delay: Duration | None
    require: str | Iterable[str] | None
    share: str | None
    group: str | None
    on_failure: str | None
    max_attempts: int | None
    lease: Duration | None
    backoff: Duration | None


class TaskOptions(StepOptions, total=False):
    """What put and put_many take of a task: what a step takes (StepOptions), and these.

    at            run at this moment
    within, until cancelled if it still waits after this length, or at this moment
    after         the id, or ids, of tasks that must be done first
    batch         the id of a batch that counts it
    """

    at: Moment | None
    within: Duration | None
    until: Moment | None
    after: int | Iterable[int] | None
    batch: int | None


class Producer:
    """Puts tasks into the queue called name. now, wherever it is taken, is ms since the epoch, for tests."""

    database: Database
    name: str

    def put(
        self,
        payload: Any,
        *,
        key: str | None = None,
        unique: Duration | None = None,
        on_conflict: str | None = None,
        now: int | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskId:
        """Give the queue a task; its id. With a key that another task holds: that one's id, .duplicates counting.

        payload is text (kept byte for byte), bytes of UTF-8, or any JSON value. unique is how long it holds its key:
        "unfinished" (the default), "unclaimed", "forever", or a length. on_conflict says what the holder does with a
        duplicate while it waits: "keep" what it has, "replace" payload, priority and times, or "merge" JSON lists.
        Raises BadPayload, Busy, Full, Refused (there is no such task to wait for, or batch), Usage.
        """
        given = bound(options) if options else {}
        lean = _lean_twin(given, key) if unique is on_conflict is None else None
        given["payload"] = payload if type(payload) is str else encode(payload)
        given["queue"] = self.name
        given["now"] = now_ms() if now is None else now
        try:
            if lean == "put_simple":
                return TaskId(self.database.insert(lean, _USUAL | given))
            if lean is not None:
                return self._put(lean, given | {"key": key})
        except Full:  # a full queue may coalesce: put knows how
            pass
        given |= {"key": key, "unique_ms": _unique(unique), "on_conflict": _conflict(on_conflict, key)}
        return self._with_room(lambda: self._put("put", given), now)

    def put_many(
        self, payloads: Iterable[Any], *, now: int | None = None, **options: Unpack[TaskOptions]
    ) -> list[int]:
        """Put all or, if one payload is bad or the queue is full, none; their ids in order. None is coalesced.

        Raises BadPayload, Busy, Full, Refused, Usage.
        """
        texts = [payload if type(payload) is str else encode(payload) for payload in payloads]
        given = bound(options)
        if not texts:
            return []
        statement = "put_many_simple" if given.keys() <= _SIMPLE else "put_many"
        listed = json.dumps(texts, ensure_ascii=False)
        if "\\u0000" in listed:  # a NUL, or text that looks like it
            list(map(without_nul, texts))
        given |= {"queue": self.name, "now": now, "payloads": listed}
        last = self._with_room(lambda: self.database.insert(statement, given), now)
        return list(range(last - len(texts) + 1, last + 1))

    def _with_room(self, put: Callable[[], _T], now: int | None) -> _T:
        """Put; into a full queue once more, when what had expired in it is gone."""
        try:
            return put()
        except Full:
            if not self.database.tick(now):
                raise
        return put()

    def _put(self, statement: str, given: dict[str, Any]) -> TaskId:
        number, duplicates, _state = self.database.run(statement, given)[0]
        id = TaskId(number)
        id.duplicates = duplicates
        return id


def words(given: str | Iterable[str]) -> str | None:
    """Requirements or capabilities as the file takes them: words, each once, with spaces between; None for none."""
    listed = (given if isinstance(given, str) else " ".join(given)).split(" ")
    return " ".join(dict.fromkeys(word for word in listed if word)) or None


def without_nul(payload: Any) -> str:
    """The text of a payload that goes to SQLite in JSON, whose functions would cut it short. Raises BadPayload."""
    text = encode(payload)
    if "\0" in text:
        raise BadPayload("a payload is text without NUL; nothing was put")
    return text


def _ids(after: int | Iterable[int]) -> str | None:
    ids = [after] if isinstance(after, (int, str)) else list(after)
    try:
        return json.dumps(list(map(int, ids))) if ids else None
    except (TypeError, ValueError):
        raise Usage(f"after takes the ids of tasks, not {after!r}; nothing was put") from None


def _priority(value: int | str) -> int | str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Usage(f"a priority is a number, low, normal, high or critical, not {value!r}; nothing was put")
    return value


# The :parameter of each option, and what makes its value (None: it is taken as it is).
_OPTIONS: dict[str, tuple[str, Callable[[Any], Any] | None]] = {
    **{name: (name, None) for name in ("kind", "max_attempts", "share", "group", "on_failure", "batch")},
    "priority": ("priority", _priority),
    **{name: (f"{name}_ms", milliseconds) for name in ("delay", "within", "lease", "backoff")},
    "at": ("run_at", moment_ms),
    "until": ("until_at", moment_ms),
    "require": ("require", words),
    "after": ("after", _ids),
}
_USUAL = {"kind": "", "priority": 0}  # sqlite3 takes 1 µs longer to bind None
_SIMPLE = _USUAL.keys()
_PLAIN = _SIMPLE | {"delay_ms", "run_at", "max_attempts", "lease_ms", "backoff_ms"}


def _lean_twin(given: Mapping[str, Any], key: str | None) -> str | None:
    """The statement that is put for what has a key and these parameters and no others, if there is one."""
    if key is None and given.keys() <= _SIMPLE:
        return "put_simple"
    return "put_plain" if given.keys() <= _PLAIN else None


def bound(options: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters for options that are not None. Raises TypeError for one that there is not."""
    given = {}
    for name, value in options.items():
        if name not in _OPTIONS:
            raise TypeError(f"a task has no option {name!r}; options are {', '.join(sorted(_OPTIONS))}")
        if value is not None:
            parameter, made = _OPTIONS[name]
            given[parameter] = value if made is None else made(value)
    return given


def _unique(length: Duration | None) -> int | None:
    if length is None or (isinstance(length, str) and length in _UNIQUE):
        return _UNIQUE[length or "unfinished"]
    return milliseconds(length)


def _conflict(what: str | None, key: str | None) -> str | None:
    if what not in _ON_CONFLICT:
        raise Usage(f"on_conflict is keep, replace or merge, not {what!r}; nothing was put")
    if what not in (None, "keep") and key is None:
        raise Usage(f"{what} needs a key: without one no put meets another; nothing was put")
    return what
