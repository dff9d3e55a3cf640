-- laws_links.sql: what becomes of others when a task arrives or moves: its batch, the tasks that wait for it, the next of its group.
--
-- The triggers of laws.sql call these procedures (a view that holds nothing, and its INSTEAD OF trigger) for the few tasks that have such
-- links. With recursive_triggers off a law at work does not fire again for the rows that it changes itself, with it on it does: so each
-- step here is one that may be done twice, and the cascade says while it lasts that the other laws are to keep still.

create index if not exists qk_task_shared on qk_task (queue, lane, priority desc) where state = 'ready' and share <> '';
create unique index if not exists qk_task_turn on qk_task (queue, group_key) where turn = 1;
create index if not exists qk_task_line  on qk_task (queue, group_key) where turn = 0;
create index if not exists qk_task_line_timed on qk_task (queue, group_key) where turn = 0 and run_at is not null;
create index if not exists qk_task_batch on qk_task (batch) where batch is not null;
create index if not exists qk_task_dead  on qk_task (batch) where batch is not null and state = 'dead';

-- A task has arrived that has links, or in a queue that counts.
create trigger if not exists qk_task_arrival after insert on qk_task
when coalesce(new.after, new.group_key, new.batch) is not null or new.share <> ''
  or exists (select 1 from qk_queue where name = new.queue and coalesce(max_depth, max_bytes) is not null)
begin
  insert into qk_arrived values (new.id, new.queue, new.share, new.batch, new.after, new.on_failure, new.group_key,
    new.run_at is not null and new.state = 'ready' and new.duplicates is null);
end;

create view if not exists qk_arrived (id, queue, share, batch, after, on_failure, group_key, timed) as select 0, 0, 0, 0, 0, 0, 0, 0 where 0;

create trigger if not exists qk_arrived_call instead of insert on qk_arrived
begin
  insert into qk_timed select new.id where new.timed;
  insert into qk_queue (name, labelled)
    select new.queue, 1 where new.share <> '' and not exists (select 1 from qk_queue where name = new.queue and labelled = 1)
    on conflict (name) do update set labelled = 1;
  select raise(abort, 'QK026 there is no such batch, or it is closed and finished')
   where new.batch is not null and not exists (select 1 from qk_batch where id = new.batch and (open = 1 or unfinished > 0));
  update qk_batch set total = total + 1, unfinished = unfinished + 1 where id = new.batch;
  insert into qk_counted select new.id from qk_queue where name = new.queue and coalesce(max_depth, max_bytes) is not null;
  insert into qk_waited select new.id, new.after, ifnull(new.on_failure, 'cancel') where new.after is not null;
  insert into qk_line select new.id where new.group_key is not null;
end;

-- The task waits for others: the edges, and how many of them are not met yet. One of them may have failed already.
create view if not exists qk_waited (id, after, on_failure) as select 0, 0, 0 where 0;

create trigger if not exists qk_waited_call instead of insert on qk_waited
begin
  select raise(abort, 'QK024 after is a JSON list of the ids of older tasks') where not json_valid(new.after);
  select case
    when json_type(new.after) <> 'array' or other then raise(abort, 'QK024 after is a JSON list of the ids of older tasks')
    when newest >= new.id                         then raise(abort, 'QK017 a task can wait only for an older one')
    when found < listed                           then raise(abort, 'QK024 there is no such task to wait for')
  end
    from (select max(j.type <> 'integer') as other, max(j.value) as newest, count(*) as listed, count(t.id) as found
            from json_each(new.after) j left join qk_task t on t.id = j.value);
  insert or ignore into qk_dependency (needs_id, task_id, on_failure) select value, new.id, new.on_failure from json_each(new.after);
  update qk_task
     set needs = (select count(*) from qk_unmet where task_id = new.id), state = 'blocked', due_at = until_at
   where id = new.id and exists (select 1 from qk_unmet where task_id = new.id);
  insert into qk_vain values (new.id);
end;

-- Does the task wait in vain, for one that has failed already?
create view if not exists qk_vain (id) as select 0 where 0;

create trigger if not exists qk_vain_call instead of insert on qk_vain
begin
  insert into qk_cascade (task_id, was, only)
    select p.id, p.state, new.id from qk_dependency d cross join qk_task p on p.id = d.needs_id
     where d.task_id = new.id and d.on_failure = 'cancel' and (p.state = 'dead' or p.state = 'cancelled') order by d.needs_id limit 1;
end;

-- The dependencies that are not met: of these a task waits for the end.
create view if not exists qk_unmet (task_id, needs_id) as
select d.task_id, d.needs_id
  from qk_dependency d cross join qk_task p on p.id = d.needs_id
 where not (p.state = 'done' or d.on_failure = 'run' and (p.state = 'dead' or p.state = 'cancelled'));

-- What a task waits for is said when it is put, and never changes; the edge goes with either of its tasks.
create trigger if not exists qk_dependency_born before insert on qk_dependency
when new.needs_id < new.task_id and (new.task_id <> (select max(id) from qk_task) or (select after from qk_task where id = new.task_id) is null)
begin
  select raise(abort, 'QK003 what a task waits for never changes');
end;

create trigger if not exists qk_dependency_made after insert on qk_dependency
begin
  update qk_task set awaited = 1 where id = new.needs_id and awaited = 0;
end;

create trigger if not exists qk_dependency_fixed before update on qk_dependency
begin
  select raise(abort, 'QK003 what a task waits for never changes');
end;

create trigger if not exists qk_dependency_kept before delete on qk_dependency
when exists (select 1 from qk_task where id = old.task_id) and exists (select 1 from qk_task where id = old.needs_id)
begin
  select raise(abort, 'QK003 what a task waits for never changes');
end;

-- The line of a group. In it is who could run, or does, or (unless such step aside) will be tried again or is dead: one has the turn.
create view if not exists qk_line (id) as select 0 where 0;

create trigger if not exists qk_line_call instead of insert on qk_line
begin
  update qk_task set turn = null
   where id = new.id and turn is not null
     and not (state = 'running' or needs = 0 and (state = 'ready' or state = 'blocked'
       or (state = 'scheduled' or state = 'dead') and ifnull((select on_group from qk_queue where name = queue), 'block') <> 'aside'));
  update qk_task set turn = 0, run_at = case state when 'scheduled' then due_at end, state = 'blocked', due_at = until_at
   where id = new.id and ifnull(turn, 0) = 0 and needs = 0                                                 -- (0: somebody made it ready by hand)
     and (state = 'ready' or state = 'scheduled' and ifnull((select on_group from qk_queue where name = queue), 'block') <> 'aside');
  update qk_task set turn = null, state = 'scheduled', due_at = min(run_at, ifnull(until_at, run_at))      -- who waits for a time steps aside, too
   where id in (select w.id from qk_task t join qk_queue q on q.name = t.queue and q.on_group = 'aside'
                  join qk_task w indexed by qk_task_line_timed on w.queue = t.queue and w.group_key = t.group_key and w.turn = 0 and w.run_at is not null
                 where t.id = new.id and t.group_key is not null);
  update qk_task
     set turn = 1, state = case when run_at is null then 'ready' else 'scheduled' end,
         due_at = case when run_at is null then until_at else min(run_at, ifnull(until_at, run_at)) end
   where id = (select min(w.id) from qk_task t join qk_task w on w.queue = t.queue and w.group_key = t.group_key and w.turn = 0 and w.state = 'blocked'
                where t.id = new.id
                  and not exists (select 1 from qk_task h where h.queue = t.queue and h.group_key = t.group_key and h.turn = 1));
end;

-- A queue whose failed tasks step aside from now on.
create trigger if not exists qk_queue_aside_made after insert on qk_queue
when new.on_group is 'aside'
begin
  insert into qk_line select id from qk_task where queue = new.name and turn = 1 and (state = 'scheduled' or state = 'dead');
end;

create trigger if not exists qk_queue_aside after update of on_group on qk_queue
when new.on_group is 'aside' and old.on_group is not 'aside'
begin
  insert into qk_line select id from qk_task where queue = new.name and turn = 1 and (state = 'scheduled' or state = 'dead');
end;

-- A task with links has moved from this state.
create trigger if not exists qk_linked_call before insert on qk_linked
begin
  insert into qk_claimed select id, new.state from qk_task where id = new.id and slot > 0 and (state = 'running' or new.state = 'running') and state <> new.state;
  update qk_task set counted = 1                   -- it waits again, and did not when its queue was counted
   where id = new.id and counted = 0 and (state = 'ready' or state = 'scheduled' or state = 'blocked')
     and (new.state = 'running' or new.state = 'done' or new.state = 'dead' or new.state = 'cancelled')
     and exists (select 1 from qk_queue where name = qk_task.queue and coalesce(max_depth, max_bytes) is not null);
  insert into qk_filled select id, (state = 'ready' or state = 'scheduled' or state = 'blocked') - (new.state = 'ready' or new.state = 'scheduled' or new.state = 'blocked')
    from qk_task where id = new.id and counted = 1
     and (state = 'ready' or state = 'scheduled' or state = 'blocked') <> (new.state = 'ready' or new.state = 'scheduled' or new.state = 'blocked');
  update qk_task                                   -- its run ended while one that it needs is tried again
     set run_at = case state when 'scheduled' then due_at end, state = 'blocked', due_at = until_at
   where id = new.id and needs > 0 and (state = 'ready' or state = 'scheduled');
  insert into qk_line select id from qk_task where id = new.id and group_key is not null;
  insert into qk_released select id from qk_task where id = new.id and awaited = 1 and state = 'done' and new.state <> 'done';
  insert into qk_cascade (task_id, was, cause) select id, new.state, new.cause from qk_task
   where id = new.id and awaited = 1
     and ((state = 'dead' or state = 'cancelled') and not (new.state = 'dead' or new.state = 'cancelled')
       or (state = 'ready' or state = 'scheduled' or state = 'blocked') and (new.state = 'done' or new.state = 'dead' or new.state = 'cancelled'));
  update qk_task set cause = null where id = new.id and cause = 0;      -- (laws_cascade.sql)
  update qk_batch
     set done       = done + (select (state = 'done') - (new.state = 'done') from qk_task where id = new.id),
         failed     = failed + (select (state = 'dead' or state = 'cancelled') - (new.state = 'dead' or new.state = 'cancelled') from qk_task where id = new.id),
         unfinished = unfinished - (select (state = 'done' or state = 'dead' or state = 'cancelled')
                                         - (new.state = 'done' or new.state = 'dead' or new.state = 'cancelled') from qk_task where id = new.id)
   where id = (select batch from qk_task where id = new.id);
  insert into qk_vain select id from qk_task where id = new.id and new.state = 'running' and state = 'blocked' and needs > 0;
  select raise(ignore);  -- the row is not for keeping
end;

-- The task is done: those that wait for it have one need less; who has none left runs, or gets in line.
create view if not exists qk_released (id) as select 0 where 0;

create trigger if not exists qk_released_call instead of insert on qk_released
begin
  update qk_task
     set needs  = needs - 1,
         turn   = case when state = 'blocked' and needs = 1 and group_key is not null then 0 else turn end,
         state  = case when state = 'blocked' and needs = 1 and group_key is null
                       then case when run_at is null then 'ready' else 'scheduled' end else state end,
         due_at = case when state = 'blocked' and needs = 1 and group_key is null and run_at is not null
                       then min(run_at, ifnull(until_at, run_at)) else due_at end
   where needs > 0 and id in (select task_id from qk_dependency where needs_id = new.id);
  insert into qk_line
    select t.id from qk_dependency d cross join qk_task t on t.id = d.task_id where d.needs_id = new.id and t.turn = 0 and t.needs = 0;
end;

-- A batch that is closed and finished: its callback may run.
create trigger if not exists qk_batch_callback after insert on qk_batch
when new.payload is not null
begin
  insert into qk_task (queue, kind, created_at, payload) values (new.queue, new.kind, new.created_at, new.payload);
  update qk_batch set callback = (select max(id) from qk_task) where id = new.id;
  update qk_task set state = 'blocked', needs = 1 where id = (select callback from qk_batch where id = new.id);
end;

create trigger if not exists qk_batch_ended after update of open, unfinished on qk_batch
when new.open = 0 and new.unfinished = 0 and (old.open or old.unfinished > 0)
begin
  update qk_batch set ended_at = ifnull((select max(ended_at) from qk_task where batch = new.id), new.created_at) where id = new.id;
  update qk_task
     set needs  = needs - 1,
         state  = case when state = 'blocked' and needs = 1 then case when run_at is null then 'ready' else 'scheduled' end else state end,
         due_at = case when state = 'blocked' and needs = 1 and run_at is not null then min(run_at, ifnull(until_at, run_at)) else due_at end
   where id = new.callback and needs > 0;
end;
