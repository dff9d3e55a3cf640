-- laws_cascade.sql: a task failed, or a finished one is tried again: what that means for all that wait for it, directly or not.
--
-- A row in qk_cascade is the call; it is gone when the law has done its work. Meanwhile the law of moves keeps still (laws.sql), so that this
-- goes the same way with recursive_triggers on and off. Every step covers all the tasks concerned at once. Needs are counted up and down by what
-- has changed, never anew: of a task that waits for ten thousand, a failure of one costs as much as of a task that waits for two.

create trigger if not exists qk_cascade_begun before insert on qk_cascade
when new.root is not null and not exists (select 1 from qk_cascade where root is null)
begin
  select raise(abort, 'QK022 a cascade begins with the task that failed or is tried again');
end;

create trigger if not exists qk_cascade_call after insert on qk_cascade
when new.root is null
begin
  insert into qk_felled   select id, new.only from qk_task where id = new.task_id and (state = 'dead' or state = 'cancelled');
  insert into qk_reopened select id, new.cause from qk_task where id = new.task_id and (state = 'ready' or state = 'scheduled' or state = 'blocked');
  -- Who waits for one of these has more needs now, or less, and may run, or no longer. (A task that runs anyway has no need of one that failed.)
  insert into qk_cascade (task_id, root, needs)
    select t.id, new.task_id,
           t.needs + sum((c.was   = 'done' or d.on_failure = 'run' and (c.was   = 'dead' or c.was   = 'cancelled'))
                       - (p.state = 'done' or d.on_failure = 'run' and (p.state = 'dead' or p.state = 'cancelled'))) as changed
      from qk_cascade c
     cross join qk_task p on p.id = c.task_id and p.state <> c.was
     cross join qk_dependency d on d.needs_id = p.id
     cross join qk_task t on t.id = d.task_id
     group by t.id
    having changed <> t.needs
    on conflict (task_id) do update set needs = excluded.needs;
  update qk_task
     set needs  = (select needs from qk_cascade where task_id = qk_task.id),
         turn   = case when state = 'blocked' and turn is null and group_key is not null
                        and (select needs from qk_cascade where task_id = qk_task.id) = 0 then 0
                       when turn = 0 and (select needs from qk_cascade where task_id = qk_task.id) > 0 then null
                       else turn end,
         run_at = case when state = 'scheduled' and (select needs from qk_cascade where task_id = qk_task.id) > 0 then due_at else run_at end,
         due_at = case when (state = 'ready' or state = 'scheduled') and (select needs from qk_cascade where task_id = qk_task.id) > 0 then until_at
                       when state = 'blocked' and turn is null and group_key is null and run_at is not null
                        and (select needs from qk_cascade where task_id = qk_task.id) = 0 then min(run_at, ifnull(until_at, run_at))
                       else due_at end,
         state  = case when (state = 'ready' or state = 'scheduled') and (select needs from qk_cascade where task_id = qk_task.id) > 0 then 'blocked'
                       when state = 'blocked' and turn is null and group_key is null and (select needs from qk_cascade where task_id = qk_task.id) = 0
                         then case when run_at is null then 'ready' else 'scheduled' end
                       else state end
   where id in (select task_id from qk_cascade where needs is not null);
  insert into qk_line
    select t.id from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root is not null and t.group_key is not null;
  delete from qk_cascade;
end;

-- The task failed: those that wait for it (or only one of them), or for one of these, and are to be cancelled then.
create view if not exists qk_felled (id, only) as select 0, 0 where 0;

create trigger if not exists qk_felled_call instead of insert on qk_felled
begin
  insert into qk_cascade (task_id, root, was)
    with recursive v (id) as (
      select ifnull(new.only, new.id)
      union
      select t.id from v cross join qk_dependency d on d.needs_id = v.id cross join qk_task t on t.id = d.task_id
       where d.on_failure = 'cancel' and (t.state = 'blocked' or t.state = 'ready' or t.state = 'scheduled'))
    select t.id, new.id, t.state from v cross join qk_task t on t.id = v.id
     where t.state = 'blocked' or t.state = 'ready' or t.state = 'scheduled'
    on conflict (task_id) do update set root = excluded.root;
  insert into qk_filled select t.id, -1 from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.counted = 1;
  update qk_task
     set state = 'cancelled', cause = new.id, due_at = null, error = 'task ' || new.id || ', which it waited for, failed or was cancelled',
         ended_at  = max(created_at, (select ended_at from qk_task where id = new.id)),
         key_until = case when key_until > 0 then key_until end
   where id in (select task_id from qk_cascade where root = new.id);
  update qk_batch
     set failed     = failed     + (select count(*) from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.batch = qk_batch.id),
         unfinished = unfinished - (select count(*) from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.batch = qk_batch.id)
   where id in (select t.batch from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id);
  update qk_cascade set root = 0 where root = new.id;  -- these are through: another call for the same root begins with none
end;

-- The task is to be tried again: so are those behind it that it had cancelled, or that were cancelled with it for the same cause; they wait
-- for it as before. Whoever waits for another that has failed, too, is cancelled for the sake of that one. (A cause of 0: its flow is tried again,
-- all steps of it, one after the other; so it need not look for those.)
create view if not exists qk_reopened (id, cause) as select 0, 0 where 0;

create trigger if not exists qk_reopened_call instead of insert on qk_reopened
begin
  insert into qk_cascade (task_id, root, was)
    with recursive v (id) as (
      select new.id
      union
      select t.id from v cross join qk_dependency d on d.needs_id = v.id cross join qk_task t on t.id = d.task_id
       where t.state = 'cancelled' and (t.cause = new.id or t.cause = v.id or t.cause = new.cause)
         and ifnull(t.batch, 0) <> ifnull((select batch from qk_task where id = new.id and cause = 0), -1))
    select id, new.id, 'cancelled' from v where id <> new.id;
  update qk_task set counted = 1
   where id in (select task_id from qk_cascade where root = new.id)
     and counted = 0 and exists (select 1 from qk_queue where name = qk_task.queue and coalesce(max_depth, max_bytes) is not null);
  insert into qk_filled select t.id, 1 from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.counted = 1;
  update qk_task
     set state = 'blocked', cause = null, error = null, cancel_at = null, until_at = null, due_at = null,
         key_until = case when key_until is not null then key_until
                          when key is not null and not exists (select 1 from qk_task o where o.queue = qk_task.queue and o.key = qk_task.key
                                                                 and o.key is not null and o.key_until is not null) then 0 end
   where id in (select task_id from qk_cascade where root = new.id);
  update qk_batch
     set failed     = failed     - (select count(*) from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.batch = qk_batch.id),
         unfinished = unfinished + (select count(*) from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.batch = qk_batch.id)
   where id in (select t.batch from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id);
  insert into qk_felled (only, id)
    select c.task_id, (select p.id from qk_dependency d cross join qk_task p on p.id = d.needs_id
                        where d.task_id = c.task_id and (p.state = 'dead' or p.state = 'cancelled') order by d.needs_id desc limit 1) as failed
      from qk_cascade c
     where c.root = new.id and failed is not null;
end;
