"""One queue file: the running of sql/ files on it.

A Database may be shared by threads (one lock around one connection), and by processes across fork (each opens its own).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import takewhile
from operator import attrgetter
from threading import get_ident
from typing import Any, TypeVar

from queuekit import statements
from queuekit.errors import Busy, QueuekitError, Usage, translate
from queuekit.group_commit import join
from queuekit.open_file import OpenFile
from queuekit.schema import writes_events
from queuekit.scripts import dicts, execute, largest
from queuekit.transaction import Transaction

_T = TypeVar("_T")
_fetchall: Callable[[sqlite3.Cursor], list[tuple[Any, ...]]] = sqlite3.Cursor.fetchall
_lastrowid: Callable[[sqlite3.Cursor], int] = attrgetter("lastrowid")
_rowcount: Callable[[sqlite3.Cursor], int] = attrgetter("rowcount")

# After these, a waiting consumer of this process has reason to look again.
_STIRRING = set(
    "put put_plain put_simple put_many put_many_simple ack_many nack extend release cancel retry snooze batch_close "
    "schedule_add schedule_fire schedule_run schedule_pause resume policy reap events_on events_off".split()
)
_PUTS = {"put", "put_plain", "put_simple", "put_many", "put_many_simple"}
_PURGE_SPAN = 1_000  # ids of one bite: some 30 ms of the write lock


class Database(OpenFile):
    """The queue file at path, made if it is missing (create=True).

    synchronous is "normal" (a crash of a process loses nothing; a power cut may lose the last moments) or "full" (each
    commit waits for the disk; threads that write at the same time share commits).
    timeout is how many seconds a write waits for other writers before it raises Busy.
    Raises NoDatabase (create=False and no queue there), SchemaMismatch.
    """

    def run(self, name: str, parameters: Mapping[str, Any], only: int | None = None) -> list[tuple[Any, ...]]:
        """Run sql/NAME.sql with :parameters; the rows of its last statement, text as bytes. Each statement commits.

        With only, run just the statement of that index. Raises QueuekitError and its children.
        """
        return self._do(name, parameters, _fetchall, only)

    def run_into(
        self, told: list[tuple[Any, ...]], name: str, parameters: Mapping[str, Any], only: int | None = None
    ) -> None:
        """As run, with the rows in told instead of what was there: also if an interrupt comes out of it."""
        self._do(name, parameters, told.extend, only, told)

    def insert(self, name: str, parameters: Mapping[str, Any]) -> int:
        """As run; the id of the last row inserted."""
        return self._do(name, parameters, _lastrowid)

    def count(self, name: str, parameters: Mapping[str, Any]) -> int:
        """As run; how many tasks it changed."""
        return self._do(name, parameters, _rowcount)

    def rows(self, name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """As run, each row a dict by column, text decoded (what is no UTF-8 shows as U+FFFD)."""
        return self._do(name, parameters, dicts)

    def _do(
        self,
        name: str,
        parameters: Mapping[str, Any],
        take: Callable[[sqlite3.Cursor], _T],
        only: int | None = None,
        told: list[tuple[Any, ...]] | None = None,
    ) -> _T:
        busy = self.waiting.crowded and not self.held()
        try:
            busy = busy or not self.lock.acquire(False)
        except BaseException:  # a signal, perhaps just when it was taken
            with suppress(RuntimeError):
                self.lock.release()
            raise
        if busy:
            run = partial(self._do, name, parameters, take, only, told)
            return self._share(run, writes=not statements.only_reads(name))
        try:
            if time.monotonic() >= self.look_at:
                self.follow_the_path(create=name in _PUTS)
            try:
                connection = self._connection or self.connection()
                if self.depth:
                    self.must_be_whole()
                script = statements.load(name)
                before = connection.total_changes
                taken = execute(
                    connection, script if only is None else (script[only],), parameters, take, told
                )
            except (sqlite3.Error, UnicodeError) as error:
                raise translate(error, str(self.path)) from error
            except OverflowError as error:
                raise Usage(f"a number is too large for the file: {largest(parameters)}") from error
            if name in _STIRRING:
                self.stirs += 1
            elif name == "ack" and (changes := connection.total_changes - before) > 1:
                self._weigh(changes)
            return taken
        finally:
            self.lock.release()

    def _weigh(self, changes: int) -> None:
        """An ack that changed more than its own task may have set others free; or one more is its event."""
        if changes > 2:
            self.stirs += 1
        else:
            self.doubt = True

    def _share(self, run: Callable[[], _T], *, writes: bool) -> _T:
        """As another thread has the connection: write together with others, if that is to wait for the disk."""
        if writes and self.waits_for_disk and get_ident() not in self.waiting.threads:
            return join(self, run)
        with self.lock:
            return run()

    def together(self, work: Callable[[], _T]) -> _T:
        """Do work, verbs that are kept together or not at all, in a commit that may be shared with other threads.

        Returns what work returns, when that is durable. Raises what it raises. Another thread may call it.
        """

        def kept_together() -> _T:
            return self.transaction().run(work)

        busy = self.waiting.crowded and not self.held()
        try:
            busy = busy or not self.lock.acquire(False)
        except BaseException:  # as in _do
            with suppress(RuntimeError):
                self.lock.release()
            raise
        if busy:
            return self._share(kept_together, writes=True)
        try:
            return kept_together()
        finally:
            self.lock.release()

    @property
    def in_transaction(self) -> bool:
        """True if this thread has a transaction open."""
        return self.depth > 0 and self.held()

    def transaction(self) -> Transaction:
        """with database.transaction() as connection: everything inside commits together or not at all.

        Your own rows, and puts and acks on queues of this Database. The connection is for your own SQL
        (its text comes as bytes). Other threads wait. A nested one is a part of the outer: undone alone, or with it.
        Raises Busy.
        """
        return Transaction(self)

    def must_be_whole(self, *, ending: bool = False) -> None:
        """Raises QueuekitError if SQLite has rolled back the open transaction by itself (OR ROLLBACK, a full disk)."""
        if (self.depth or ending) and not self.connection().in_transaction:
            raise QueuekitError(
                f"SQLite has rolled back the transaction on {self.path}: nothing of it was kept"
            )

    def version(self) -> tuple[int, int]:
        """A mark that differs after a commit of another connection, or one here that a consumer should see.

        Raises Busy: a file that is no WAL may be locked for readers, too.
        """
        with self.lock:
            try:
                self.follow_the_path()
                (seen,) = self.connection().execute("pragma data_version").fetchone()
                if self.doubt and not writes_events(self.connection()):
                    self.stirs += 1
                self.doubt = False  # (a switch of events in between is a commit, and seen as one)
            except sqlite3.Error as error:
                raise translate(error, str(self.path)) from error
            return seen, self.stirs

    def differs(self, seen: tuple[int, int]) -> bool:
        """True if version is another than it was; while the file is locked nothing is known, and False."""
        try:
            return self.version() != seen
        except Busy:
            return False

    def next_due(self, now: int | None = None) -> int | None:
        """The ms when something in the file next changes by itself (never too late; perhaps too early), or None."""
        due: int | None = self.run("due", {"now": now})[0][0]
        return due

    def tick(self, now: int | None = None) -> bool:
        """Move a batch of what is due at now (ms; None = the clock). True if anything moved: more may be due."""
        with self.lock:
            before = self.connection().total_changes
            self.run("tick", {"now": now})
            return self.connection().total_changes > before

    def purge(self, given: Mapping[str, Any], stopped: Callable[[], bool] = lambda: False) -> int:
        """Run purge.sql over the whole file in bites, so that no other writer waits long; how many tasks it forgot.

        Ends between two bites when stopped says so.
        """
        lowest, highest = self.run("bounds", {})[0]
        starts = range((lowest or 1) - 1, highest or 0, _PURGE_SPAN)
        bites = takewhile(lambda _: not stopped(), starts)
        return sum(self.count("purge", {**given, "from": start, "span": _PURGE_SPAN}) for start in bites)

    def events(self, on: bool) -> None:
        """From now on every put and change of a task's state, by any client, is written to qk_event; or (False) none.

        What was written stays until its task is purged. Raises Busy.
        """
        with self.transaction():
            self.run("events_on" if on else "events_off", {})

    def make_view(self, queue: str) -> None:
        """Give the queue a view of its name, for INSERT INTO name(data). Raises QueuekitError if it is taken."""
        with self.transaction() as connection:
            try:
                for row in self.rows("queue_view", {"queue": queue}):
                    connection.execute(row["ddl"])
            except sqlite3.Error as error:
                raise QueuekitError(
                    f"no view for queue {queue!r}: the name is taken in {self.path} ({error})"
                ) from error
