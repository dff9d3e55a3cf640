-- views.sql: the clock, the policy of each task, what falls due, and views for people. Runs again without harm.

-- The clock, for a statement that was given no :now. (The + 0.5: julianday is 1 ms low in half of its readings.)
create view if not exists qk_clock (now) as
select cast((julianday('now') - 2440587.5) * 86400000 + 0.5 as integer);

-- The policy in force for a task: its own, else its queue's, else the built-in default. retry_ms is the wait after its next failure.
create view if not exists qk_policy (task_id, max_attempts, lease_ms, retry_ms) as
select t.id,
       coalesce(t.max_attempts, q.max_attempts, 10),
       coalesce(t.lease_ms, q.lease_ms, 60000),
       min(coalesce(q.backoff_cap_ms, 3600000), coalesce(t.backoff_ms, q.backoff_ms, 1000) << min(t.failures, 20))
  from qk_task t
  left join qk_queue q on q.name = t.queue;

-- What is due: an INSERT into this view (tick.sql, claim.sql) moves the first due tasks and leases, in due order, in one statement.
--   now     the moment, in ms                 jitter  a failed run waits up to this percentage longer (NULL = 25)
--   batch   most of each sort (NULL = 100)    seed    any number >= 0, spreads the jitter (NULL = 0)
create view if not exists qk_tick (now, batch, jitter, seed) as select null, null, null, null where 0;

create trigger if not exists qk_tick_due instead of insert on qk_tick
when exists (select 1 from qk_task where due_at <= new.now and state <> 'running')      -- (a tick that finds nothing opens no temporary b-trees)
  or exists (select 1 from qk_lease where slot <= new.now >> 10)
begin
  -- who still waits at the end of his time is not wanted any more (ten times as many if there is nobody else: each claim passes over those that are left)
  update qk_task set state = 'cancelled', due_at = null, ended_at = new.now, error = 'expired: not run in time'
   where id in (select id from (select id, until_at from qk_task where due_at <= new.now and state <> 'running' order by due_at
                                 limit ifnull(new.batch, 100) * case when (
                                   select min(ifnull(until_at <= new.now, 0))
                                     from (select until_at from qk_task where due_at <= new.now and state <> 'running'
                                            order by due_at limit ifnull(new.batch, 100))) then 10 else 1 end)
                 where until_at <= new.now);
  -- who waits for a time is ready
  update qk_task set state = 'ready', due_at = until_at
   where id in (select id from (select id, until_at from qk_task where due_at <= new.now and state <> 'running'
                                 order by due_at limit ifnull(new.batch, 100))
                 where ifnull(until_at > new.now, 1));
  -- what was claimed ahead and never begun goes back, at no cost, when its lease has expired or that of the run at which its consumer was: the
  -- first in the list that has not ended. (Lists are read only when a lease may be over, and go back as a whole: of half a list nobody would know
  -- later which task was begun.)
  update qk_task
     set settled = claims, ended_at = new.now, state = case when cancel_at is null then 'ready' else 'cancelled' end,
         due_at = case when cancel_at is null then until_at end
   where id in (select t.id
                  from (select p.receipts, min(r.key) as begun, b.id as first, b.due_at as ends        -- (of the row with the least key)
                          from qk_prefetch p cross join json_each(p.receipts) r cross join qk_task b on b.id = cast(r.value as integer)
                         where exists (select 1 from qk_lease where slot <= new.now >> 10) and b.state = 'running' and r.value = b.id || ':' || b.claims
                         group by p.consumer having count(distinct b.id) > 1 and sum(b.due_at <= new.now) > 0
                         limit 1 + abs(ifnull(new.batch, 100)) / 10) l
                 cross join json_each(l.receipts) r cross join qk_task t on t.id = cast(r.value as integer)
                 where r.key > l.begun and t.id <> l.first and t.state = 'running' and r.value = t.id || ':' || t.claims
                   and min(l.ends, t.due_at) <= new.now);
  -- a lease that expired is a run that failed. (None is charged while more lists may have to go back: changes() tells how many tasks went just now,
  -- one of each list at least.)
  update qk_task
     set settled = claims, failures = failures + 1, crashes = crashes + 1, ended_at = new.now,
         error  = 'lease expired: worker ' || ifnull(worker, '?') || ' gave no sign of life',
         state  = case when cancel_at is not null then 'cancelled'
                       when failures + 1 >= (select max_attempts from qk_policy where task_id = qk_task.id) then 'dead'
                       else 'scheduled' end,
         due_at = case when cancel_at is not null then null
                       when failures + 1 >= (select max_attempts from qk_policy where task_id = qk_task.id) then null
                       else (select min(new.now + retry_ms + (ifnull(new.seed, 0) % 1000003 + id * 7919) % (retry_ms * ifnull(new.jitter, 25) / 100 + 1),
                                        ifnull(until_at, 9007199254740991))
                               from qk_policy where task_id = qk_task.id) end
   where id in (select t.id
                  from (select slot, block from qk_lease where slot <= new.now >> 10 order by slot
                         limit case when changes() > abs(ifnull(new.batch, 100)) / 10 then 0 else ifnull(new.batch, 100) end) l
                  cross join qk_task t not indexed
                 where t.id >= l.block << 4 and t.id < (l.block + 1) << 4
                   and t.state = 'running' and t.due_at >> 10 = l.slot and t.due_at <= new.now);
  delete from qk_prefetch
   where not exists (select 1 from json_each(receipts) r cross join qk_task t on t.id = cast(r.value as integer)
                      where t.state = 'running' and r.value = t.id || ':' || t.claims);
  delete from qk_lease
   where (slot, block) in (select l.slot, l.block
                             from (select slot, block from qk_lease where slot < new.now >> 10 order by slot limit ifnull(new.batch, 100)) l
                            where not exists (select 1 from qk_task t not indexed
                                               where t.id >= l.block << 4 and t.id < (l.block + 1) << 4
                                                 and t.state = 'running' and t.due_at >> 10 = l.slot));
end;

-- What a queue lets its workers claim: how many more at once, from when (ms) at the earliest, how many each worker may hold.
-- The clock tells no microseconds: a rate above a thousand a second lets go all of a millisecond at once. What is claimed reaches a period
-- ahead. Whose moment lies further back, and more than the minute that it may have waited for the lock, lives after the clock was set back: at
-- a moment before since what was claimed does not count.
create view if not exists qk_gate (queue, free, since, at, per_worker) as
select name, (1 - paused) * (ifnull(max_running, 1000000000) - running),
       (rate_at - max(ifnull(burst, 1) * rate_us, 1000) + 999) / 1000 - 60000,
       (rate_at + rate_us - max(ifnull(burst, 1) * rate_us, 1000) + 999) / 1000, max_per_worker
  from qk_queue;

-- The schedules that fire, and when next (0 = not worked out yet). One whose queue is full waits for room, unless
-- there can never be enough: it fires, and is told.
create view if not exists qk_instant (name, at) as
select s.name, ifnull(s.next_at, 0)
  from qk_schedule s left join qk_queue q on q.name = s.queue
 where not s.paused and not s.ended and s.error is null
   and (q.on_full is 'drop_oldest'
     or ifnull(q.depth < q.max_depth, 1) and ifnull(q.bytes + length(cast(s.payload as blob)) <= q.max_bytes, 1)
     or length(cast(s.payload as blob)) > q.max_bytes);

-- Who holds what: the running tasks, as claim returns them.
create view if not exists qk_running (id, receipt, queue, kind, key, payload, attempt, lease_until, worker) as
select id, id || ':' || claims, queue, kind, key, payload, failures + 1, due_at, worker
  from qk_task
 where state = 'running';

-- For people: every task, newest last, with ISO times in UTC and a short payload.
create view if not exists qk_tasks (id, state, queue, kind, key, priority, attempt, created, due, ended, worker, error, payload) as
select id, state, queue, kind, key, priority, failures + (state in ('running', 'done')),
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%fZ', due_at     / 1000.0, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%fZ', ended_at   / 1000.0, 'unixepoch'),
       worker, error, substr(payload, 1, 60)
  from qk_task;

-- For people: how many tasks each queue has in each state.
create view if not exists qk_stats (queue, paused, ready, scheduled, blocked, running, done, dead, cancelled, oldest_ready_at) as
select n.queue, ifnull(q.paused, 0),
       ifnull(sum(t.state = 'ready'), 0),   ifnull(sum(t.state = 'scheduled'), 0), ifnull(sum(t.state = 'blocked'), 0),
       ifnull(sum(t.state = 'running'), 0), ifnull(sum(t.state = 'done'), 0),
       ifnull(sum(t.state = 'dead'), 0),    ifnull(sum(t.state = 'cancelled'), 0),
       min(case when t.state = 'ready' then t.created_at end)
  from (select queue from qk_task union select name from qk_queue) n
  left join qk_task  t on t.queue = n.queue
  left join qk_queue q on q.name  = n.queue
 group by n.queue;
