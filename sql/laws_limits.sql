-- laws_limits.sql: what a queue counts, for the sake of its limits: runs in progress, the rate of claims, tasks and bytes that wait.
--
-- Of a queue without limits nothing is counted; a limit that is set counts what is there. Each task remembers that it was counted: slot, counted.

create index if not exists qk_task_oldest on qk_task (queue) where state = 'ready' and counted = 1 and awaited = 0;

-- A queue has a limit from now on: its runs, those of each worker, or what waits are counted.
create trigger if not exists qk_queue_limits_made after insert on qk_queue
when coalesce(new.max_running, new.max_per_worker, new.max_depth, new.max_bytes) is not null
begin
  insert into qk_limited values (new.name, new.max_running is not null, new.max_per_worker is not null, coalesce(new.max_depth, new.max_bytes) is not null);
end;

create trigger if not exists qk_queue_limits after update of max_running, max_per_worker, max_depth, max_bytes on qk_queue
when new.max_running is not null and old.max_running is null or new.max_per_worker is not null and old.max_per_worker is null
  or coalesce(new.max_depth, new.max_bytes) is not null and coalesce(old.max_depth, old.max_bytes) is null
begin
  insert into qk_limited values (new.name, new.max_running is not null and old.max_running is null, new.max_per_worker is not null and old.max_per_worker is null,
    coalesce(new.max_depth, new.max_bytes) is not null and coalesce(old.max_depth, old.max_bytes) is null);
end;

create view if not exists qk_limited (queue, runs, hands, waits) as select 0, 0, 0, 0 where 0;

create trigger if not exists qk_limited_call instead of insert on qk_limited
begin
  update qk_task set slot = slot | new.runs | 2 * new.hands
   where (new.runs or new.hands)
     and id in (select t.id from qk_lease l cross join qk_task t not indexed
                 where t.id >= l.block << 4 and t.id < (l.block + 1) << 4 and t.state = 'running' and t.queue = new.queue);
  update qk_queue
     set running = (select count(distinct t.id) from qk_lease l cross join qk_task t not indexed
                     where t.id >= l.block << 4 and t.id < (l.block + 1) << 4 and t.state = 'running' and t.queue = new.queue and t.slot & 1)
   where name = new.queue and new.runs;
  delete from qk_hand where queue = new.queue and new.hands;
  insert into qk_hand (queue, worker, running)
    select new.queue, ifnull(t.worker, ''), count(distinct t.id) from qk_lease l cross join qk_task t not indexed
     where new.hands and t.id >= l.block << 4 and t.id < (l.block + 1) << 4 and t.state = 'running' and t.queue = new.queue and t.slot & 2
     group by 2;
  update qk_task set counted = 1
   where new.waits and queue = new.queue and counted = 0 and (state = 'ready' or state = 'scheduled' or state = 'blocked');
  update qk_queue
     set (depth, bytes) = (select count(*), ifnull(sum(length(cast(payload as blob))), 0) from qk_task
                            where queue = new.queue and counted = 1 and (state = 'ready' or state = 'scheduled' or state = 'blocked'))
   where name = new.queue and new.waits;
end;

-- A task whose claim counts has begun, or ended, a run.
create view if not exists qk_claimed (id, state) as select 0, 0 where 0;

create trigger if not exists qk_claimed_call instead of insert on qk_claimed
begin
  update qk_queue
     set running = running + (select (state = 'running') - (new.state = 'running') from qk_task where id = new.id),
         rate_at = ifnull((select case when rate_at > (claimed_at + 60000) * 1000 + max(ifnull(burst, 1) * rate_us, 1000)      -- see qk_gate
                                       then claimed_at * 1000 else max(rate_at, claimed_at * 1000) end + rate_us
                             from qk_task where id = new.id and state = 'running'), rate_at)
   where name = (select queue from qk_task where id = new.id and slot & 1);
  insert into qk_hand (queue, worker, running)
    select queue, ifnull(worker, ''), 1 from qk_task where id = new.id and state = 'running' and slot & 2
    on conflict (queue, worker) do update set running = running + 1;
  update qk_hand set running = running - 1
   where new.state = 'running' and (queue, worker) = (select queue, ifnull(worker, '') from qk_task where id = new.id and slot & 2);
  delete from qk_hand where running < 1 and (queue, worker) = (select queue, ifnull(worker, '') from qk_task where id = new.id);
end;

-- A share had its turn. None is more than a round behind the others of its priority, however long nobody asked for it.
create trigger if not exists qk_claimed_in_turn instead of insert on qk_claimed
when new.state = 'ready' and (select slot & 4 from qk_task where id = new.id)
begin
  insert into qk_turn (queue, priority, lane, share, round)
    values ((select queue from qk_task where id = new.id), (select priority from qk_task where id = new.id),
            (select lane  from qk_task where id = new.id), (select share    from qk_task where id = new.id), -1)
    on conflict (queue, priority, lane) do update
       set round = max(round, (select max(round) - 1 from qk_turn o where o.queue = excluded.queue and o.priority = excluded.priority))
                   + (excluded.share <= share),
           share = excluded.share;
end;

-- The first turn of its priority and requirements: with the greatest round of the queue. A thousand are enough: the furthest behind go.
create trigger if not exists qk_turn_made after insert on qk_turn
when new.round = -1
begin
  update qk_turn set round = max(0, (select max(round) from qk_turn where queue = new.queue))
   where queue = new.queue and priority = new.priority and lane = new.lane;
  delete from qk_turn
   where queue = new.queue and (select count(*) from qk_turn where queue = new.queue) > 1000
     and (priority, lane) in (select priority, lane from qk_turn
                               where queue = new.queue and (priority <> new.priority or lane <> new.lane) order by round limit 100);
end;

-- A new rate begins with a full burst: what an old, slower one has used up in advance does not count. With another burst as many claims are left as
-- before, or as many as it allows.
create trigger if not exists qk_queue_rate after update of rate_us, burst on qk_queue
when new.rate_us is not old.rate_us or new.burst is not old.burst
begin
  update qk_queue
     set rate_at = case when new.rate_us is not old.rate_us then 0
                        else rate_at + max(ifnull(new.burst, 1) * rate_us, 1000) - max(ifnull(old.burst, 1) * rate_us, 1000) end
   where name = new.name and rate_us is not null;
end;

-- One more (by 1) or less (-1) waits in a queue whose depth is limited.
create view if not exists qk_filled (id, by) as select 0, 0 where 0;

create trigger if not exists qk_filled_call instead of insert on qk_filled
begin
  update qk_queue
     set depth = depth + new.by, bytes = bytes + new.by * (select length(cast(payload as blob)) from qk_task where id = new.id)
   where name = (select queue from qk_task where id = new.id);
end;

create trigger if not exists qk_task_resized after update of payload on qk_task
when new.counted = 1 and new.payload is not old.payload
begin
  update qk_queue set bytes = bytes + length(cast(new.payload as blob)) - length(cast(old.payload as blob)) where name = new.queue;
  insert into qk_roomed select new.id, 0 where length(cast(new.payload as blob)) > length(cast(old.payload as blob));
end;

-- A task has arrived in a queue whose depth is limited.
create view if not exists qk_counted (id) as select 0 where 0;

create trigger if not exists qk_counted_call instead of insert on qk_counted
begin
  update qk_task set counted = 1 where id = new.id;
  insert into qk_filled values (new.id, 1);
  insert into qk_roomed values (new.id, 1);
end;

-- Is there room for the task (as one more), or its larger payload (not as one more)? If need be, its queue makes some.
create view if not exists qk_roomed (id, one_more) as select 0, 0 where 0;

create trigger if not exists qk_roomed_call instead of insert on qk_roomed
begin
  insert into qk_dropped
    select q.name, t.id, new.one_more * (q.depth - ifnull(q.max_depth, q.depth)), q.bytes - ifnull(q.max_bytes, q.bytes)
      from qk_task t join qk_queue q on q.name = t.queue
     where t.id = new.id and q.on_full = 'drop_oldest' and (new.one_more and q.depth > q.max_depth or q.bytes > q.max_bytes);
  select raise(abort, 'QK032 the payload alone is larger than all that its queue may hold (max_bytes): nothing was put')
    from qk_task t join qk_queue q on q.name = t.queue
   where t.id = new.id and new.one_more and length(cast(t.payload as blob)) > q.max_bytes;
  select raise(abort, 'QK027 the queue is full: nothing was put; try again when some of it is done')
    from qk_task t join qk_queue q on q.name = t.queue
   where t.id = new.id
     and (q.bytes > q.max_bytes
       or new.one_more and q.depth > q.max_depth and not (q.on_full is 'coalesce' and substr(ifnull(t.key, ''), 1, 11) = 'qk:overflow'))
     and not (q.on_full is 'drop_oldest' and exists (select 1 from qk_task o indexed by qk_task_oldest             -- the next put goes on with it
                    where o.queue = q.name and o.state = 'ready' and o.counted = 1 and o.awaited = 0 and o.id <> t.id));
end;

-- A full queue makes room: its oldest ready tasks go (a hundred for each put), but for those that others wait for.
create view if not exists qk_dropped (queue, id, tasks, bytes) as select 0, 0, 0, 0 where 0;

create trigger if not exists qk_dropped_call instead of insert on qk_dropped
begin
  update qk_task
     set state = 'cancelled', due_at = null, error = 'dropped: its queue was full',
         ended_at = (select created_at from qk_task order by id desc limit 1)      -- a law reads no clock: the moment of the newest put
   where id in (
    select id from (select id, row_number() over (order by id) as n,
                           sum(length(cast(payload as blob))) over (order by id) - length(cast(payload as blob)) as before
                      from (select id, payload from qk_task indexed by qk_task_oldest
                             where queue = new.queue and state = 'ready' and counted = 1 and awaited = 0 and id <> new.id order by id limit 100))
     where n <= new.tasks or before < new.bytes);
end;

-- All is there, also the indexes, which the extra laws make since schema 3: laws.sql calls them from now on.
insert or ignore into qk_meta (name, value) values ('extra', 3);
