"""Group commit: what threads write at the same time shares one transaction, and so one wait for the disk.

A verb that finds the connection taken leaves its work in Database.waiting. One of those that wait leads: when the lock
is free it takes all the work there is, runs it in the order of its coming between one BEGIN and one COMMIT, and tells
each thread what came of its own. Meanwhile the next ones gather. Work that is refused fails alone, for each statement
is atomic by itself, and verbs of several keep a savepoint. (With synchronous=NORMAL a commit is cheaper than all this.)

After a group its threads may come again at once, and the first would not meet the others. So the leader waits for them:
for half the time of a commit at most, and never long.

Signals interrupt the main thread. It never leads others: a leader that is interrupted would leave them in doubt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from queuekit.waiting import Work

if TYPE_CHECKING:
    from queuekit.database import Database

_T = TypeVar("_T")


def join(database: Database, run: Callable[[], _T]) -> _T:
    """Run it in a commit that is shared with others; what it returns, when that is durable. Raises what it raises.

    run may be called by another thread, and again if SQLite undid the first time. Not for a thread that holds the lock,
    nor for one that has joined already: what its handlers and finalizers write cannot wait for what they hold up.
    """
    work, thread = Work(run), threading.get_ident()
    try:
        database.waiting.threads.add(thread)
        if threading.current_thread() is threading.main_thread():
            _join_interruptibly(database, work)
        else:
            _join(database, work)
    finally:
        database.waiting.threads.discard(thread)
    if work.error is not None:
        raise work.error
    result: _T = work.result
    return result


def _join(database: Database, work: Work) -> None:
    waiting = database.waiting
    try:
        waiting.add(work)
        if waiting.leader is not work:
            work.wait()
        if not work.over:
            _lead(database, work)
    except BaseException:
        waiting.leave(work)
        raise


def _lead(database: Database, work: Work) -> None:
    """Do all that waits. The leader's own may have been done meanwhile."""
    group: list[Work] = []
    try:
        with database.lock:
            database.waiting.gather(work)
            database.waiting.take(group)
            if group:
                _settle(database, group)
    finally:
        for one in group:
            one.tell()


def _settle(database: Database, group: list[Work]) -> None:
    begin = time.monotonic()
    try:
        _commit(database, group)
    except BaseException as error:  # one that is none of ours
        for one in group:
            if not one.over:
                one.fail(error)
        raise
    finally:
        for one in group:
            one.over = True
        database.waiting.took(len(group), time.monotonic() - begin)


def _commit(database: Database, group: list[Work]) -> None:
    if len(group) == 1 or time.monotonic() >= database.look_at:
        group[0].do()  # alone: outside of a transaction a verb knows what to do if the path leads elsewhere
        group[0].over = True
        group = group[1:]
    if group:
        _commit_together(database, group)


def _commit_together(database: Database, group: list[Work]) -> None:
    culprit = None  # whose statement made SQLite roll back everything
    try:
        with database.transaction() as connection:
            for work in group:
                work.do()
                if not connection.in_transaction:
                    culprit = work
                    break
        database.stirs -= 1  # the transaction's own: each work has said for itself what others should see
    except Exception as error:
        for work in group:
            if culprit is None:
                work.fail(error)
            elif work is not culprit:
                work.do()


def _join_interruptibly(database: Database, work: Work) -> None:
    """As the main thread: work that a signal finds waiting is not done; if it was begun, its end is waited for.

    However many signals come: work that stayed in the list would lead for ever, and do nothing.
    """
    interrupt, left = None, False
    try:
        _wait_for_it(database, work)
    except BaseException as error:
        interrupt = error
    while not left:
        try:
            database.waiting.leave(work)
            while not work.over:
                work.wait()
            left = True
        except BaseException as error:
            interrupt = interrupt or error
    if interrupt is not None:
        try:
            raise interrupt
        finally:
            del interrupt  # it holds this frame


def _wait_for_it(database: Database, work: Work) -> None:
    waiting = database.waiting
    waiting.add(work)
    if waiting.leader is work:
        waiting.gather(work)
    else:
        work.wait()
    if not work.over:
        with database.lock:
            if not work.over and not waiting.hand_on(work):
                try:
                    work.result = work.run()
                finally:
                    work.over = True
    while not work.over:
        work.wait()
