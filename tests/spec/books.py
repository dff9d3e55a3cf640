"""The books that the extra laws keep, against a recount of the tasks themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

WAITING = "('ready', 'scheduled', 'blocked')"
FAILED = "('dead', 'cancelled')"

# What must not be found, by what is wrong then.
WRONG = {
    "needs are not what is unmet": """
        select t.id, t.needs,
               (select count(*) from qk_unmet u where u.task_id = t.id)
                 + (select count(*) from qk_batch where callback = t.id and ended_at is null) as unmet
          from qk_task t where t.needs <> unmet""",
    "a task runs, or could, before what it waits for": """
        select id from qk_task where state in ('ready', 'scheduled') and (needs > 0 or turn is 0)""",
    "a task is blocked by nothing": """
        select id from qk_task where state = 'blocked' and needs = 0 and turn is not 0""",
    "two of a group have the turn": """
        select queue, group_key from qk_task where turn = 1 group by 1, 2 having count(*) > 1""",
    "a line without a head": """
        select id from qk_task w where turn = 0
           and not exists (select 1 from qk_task h
                            where h.queue = w.queue and h.group_key = w.group_key and h.turn = 1)""",
    "a task that could run is not in its group's line": """
        select id from qk_task where group_key is not null and turn is null and state in ('ready', 'running')""",
    "a finished task holds its group up": """
        select t.id from qk_task t left join qk_queue q on q.name = t.queue
         where t.turn is not null
           and (t.state in ('done', 'cancelled') or t.state = 'dead' and q.on_group is 'aside')""",
    "the runs of a queue are miscounted": """
        select name, running from qk_queue
         where running <> (select count(*) from qk_task where queue = name and state = 'running' and slot & 1)""",
    "the runs of a worker are miscounted": """
        select h.queue, h.worker, h.running from qk_hand h
         where running <> (select count(*) from qk_task t
                            where t.queue = h.queue and ifnull(t.worker, '') = h.worker
                              and t.state = 'running' and slot & 2)""",
    "a worker's runs are not counted": """
        select id from qk_task t where state = 'running' and slot & 2
           and not exists (select 1 from qk_hand h where h.queue = t.queue and h.worker = ifnull(t.worker, ''))""",
    "the depth of a queue is miscounted": f"""
        select name, depth, bytes from qk_queue
         where (depth, bytes) <> (select count(*), ifnull(sum(length(cast(payload as blob))), 0) from qk_task
                                   where queue = name and counted and state in {WAITING})""",
    "a limit does not count all that runs or waits": f"""
        select name from qk_queue q
         where max_running is not null
               and running <> (select count(*) from qk_task where queue = q.name and state = 'running')
            or max_per_worker is not null
               and (select ifnull(sum(running), 0) from qk_hand where queue = q.name)
                <> (select count(*) from qk_task where queue = q.name and state = 'running')
            or coalesce(max_depth, max_bytes) is not null
               and depth <> (select count(*) from qk_task where queue = q.name and state in {WAITING})""",
    "a batch is miscounted": f"""
        select b.id, b.total, b.unfinished, b.done, b.failed from qk_batch b
         where total <> unfinished + done + failed
            or unfinished <> (select count(*) from qk_task where batch = b.id
                                 and state not in ('done', 'dead', 'cancelled'))
            or done < (select count(*) from qk_task where batch = b.id and state = 'done')  -- some are purged
            or failed < (select count(*) from qk_task where batch = b.id and state in {FAILED})""",
    "a batch is over and its callback waits": """
        select b.id from qk_batch b join qk_task c on c.id = b.callback
         where open = 0 and unfinished = 0 and (b.ended_at is null or c.state = 'blocked')""",
    "a callback runs before its batch is over": """
        select b.id from qk_batch b join qk_task c on c.id = b.callback where b.ended_at is null
           and c.state not in ('blocked', 'cancelled')""",
    "a retry of a flow was left unfinished": "select id from qk_task where cause = 0",
    "the cascade was left unfinished": "select task_id from qk_cascade union all select id from qk_linked",
    "a key is held twice": """
        select queue, key from qk_task where key is not null and key_until is not null
         group by 1, 2 having count(*) > 1""",
    "an event is not in the book": """
        select id from qk_event where (task_id >> 4, id >> 5) not in (select block, page from qk_event_book)""",
    "an event of a task that is gone": "select id from qk_event where task_id not in (select id from qk_task)",
    "the book of events knows tasks that are gone": """
        select block from qk_event_book where block not in (select id >> 4 from qk_task)""",
}


def wrong(file: sqlite3.Connection) -> Iterator[str]:
    """What the file keeps wrong books of."""
    for what, query in WRONG.items():
        if found := file.execute(query).fetchall():
            yield f"{what}: {found}"
