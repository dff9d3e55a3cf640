"""A queue file with many tasks in every state, built fast: the tables first, the rows in bulk, the laws last."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from verbs import NOW, connect

from queuekit import statements

SOON = NOW + 60_000  # nothing is due before

# Ids 1..n are ready, ..2n scheduled, ..3n running, ..4n done. A tenth holds a key, a tenth requires a gpu; there are
# four priorities. 100 leases end each second, so that what due reads (the leases of the first second) is as much in a
# small file as in a large one.
_ROWS = f"""
with recursive numbers (i) as (select 1 union all select i + 1 from numbers where i < :n),
               states (position, state) as (values (0, 'ready'), (1, 'scheduled'), (2, 'running'), (3, 'done'))
insert into qk_task (id, state, claims, settled, due_at, created_at, claimed_at, ended_at,
                     key, key_until, duplicates, worker, priority, lane, payload)
select position * :n + i, state, state in ('running', 'done'), state = 'done',
       case when state in ('scheduled', 'running') then {SOON} + i * 10 end, {NOW} - 1000,
       case when state in ('running', 'done') then {NOW} - 500 end, case state when 'done' then {NOW} - 100 end,
       case when i % 10 = 0 then state || i end, case when state <> 'done' then 0 end, 0,
       case when state in ('running', 'done') then 'worker' end,
       i % 4, case i % 10 when 5 then 'gpu' else '' end, '{{"n":' || i || '}}'
  from states cross join numbers
"""
_LEASES = "insert into qk_lease select distinct due_at >> 10, id >> 4 from qk_task where state = 'running'"


def build(path: Path, each: int, *, analyze: bool, extra: bool = False) -> Path:
    """A queue file at path with this many tasks in each of four states, and the extra laws if asked for."""
    with closing(connect(path)) as connection:
        connection.execute("pragma synchronous = off")
        _run(connection, "pragmas")
        connection.execute("begin")
        _run(connection, "schema")
        connection.execute(_ROWS, {"n": each})
        connection.execute(_LEASES)
        _run(connection, "laws")
        _run(connection, "views")
        for name in statements.EXTRA if extra else ():
            _run(connection, name)
        connection.execute("commit")
        if analyze:
            connection.execute("analyze")
    return path


def _run(connection: sqlite3.Connection, name: str) -> None:
    for statement in statements.load(name):
        connection.execute(statement.text).fetchall()
