"""Group commit: what threads write at the same time shares one transaction, and so one wait for the disk.

A verb that finds the connection taken leaves its work in Database.waiting. One of those that wait leads: when the lock
is free it takes all the work there is, runs it in the order of its coming between one BEGIN and one COMMIT, and tells
each thread what came of its own. Meanwhile the next ones gather. Work that is refused fails alone, for each statement
is atomic by itself; so a group needs no savepoints. (With synchronous=NORMAL a commit is cheaper than all this.)

After a group its threads may come again at once, and the first would not meet the others. So the leader waits for them:
for half the time of a commit at most, and never long.

Signals interrupt the main thread. It never leads others: a leader that is interrupted would leave them in doubt.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from queuekit.waiting import Work

if TYPE_CHECKING:
    from queuekit.database import Database

_T = TypeVar("_T")


def join(database: Database, run: Callable[[], _T]) -> _T:
    """Run it in a commit that is shared with others; what it returns, when that is durable. Raises what it raises.

    run may be called by another thread, and again if SQLite undid the first time. Not for a thread that holds the lock.
    """
    work = Work(run)
    if threading.current_thread() is threading.main_thread():
        _join_interruptibly(database, work)
    else:
        database.waiting.add(work)
        if database.waiting.leader is not work:
            work.wait()
        if not work.over:
            _lead(database, work)
    if work.error is not None:
        raise work.error
    result: _T = work.result
    return result


def _lead(database: Database, work: Work) -> None:
    waiting = database.waiting
    with database.lock:
        waiting.gather(work)
        begin = time.monotonic()
        group = waiting.take()
        try:
            _commit(database, group)
        finally:
            for one in group:
                one.over = True
            waiting.took(len(group), time.monotonic() - begin)
    for one in group:
        one.tell()


def _commit(database: Database, group: list[Work]) -> None:
    if len(group) == 1 or time.monotonic() >= database.look_at:
        group[0].do()  # alone: outside of a transaction a verb knows what to do if the path leads elsewhere
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
    """As the main thread: work that a signal finds waiting is not done; if it was begun, its end is waited for."""
    waiting = database.waiting
    try:
        waiting.add(work)
        if waiting.leader is work:
            waiting.gather(work)
        else:
            work.wait()
        if not work.over:
            with database.lock:
                if not work.begun and not waiting.hand_on(work):
                    work.result = work.run()
                    work.over = True
        while not work.over:
            work.wait()
    finally:
        waiting.withdraw(work)
        while work.begun and not work.over:
            with suppress(BaseException):
                work.wait()
