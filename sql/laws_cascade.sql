-- laws_cascade.sql: a task failed, or a finished one is tried again: what that means for all that wait for it, directly or not.
--
-- A row in qk_cascade is the call; it is gone when the law has done its work. Meanwhile the law of moves keeps still (laws.sql), so that this
-- goes the same way with recursive_triggers on and off. Every step covers all the tasks concerned at once.

create trigger if not exists qk_cascade_begun before insert on qk_cascade
when new.root is not null and not exists (select 1 from qk_cascade where root is null)
begin
  select raise(abort, 'QK022 a cascade begins with the task that failed or is tried again');
end;

create trigger if not exists qk_cascade_call after insert on qk_cascade
when new.root is null
begin
  insert into qk_felled   select id from qk_task where id = new.task_id and (state = 'dead' or state = 'cancelled');
  insert into qk_reopened select id from qk_task where id = new.task_id and (state = 'ready' or state = 'scheduled' or state = 'blocked');
  -- Who waits for one of these, and was not reached: needs are counted anew, and it may run now, or no longer.
  insert or ignore into qk_cascade (task_id, root, needs)
    select d.task_id, new.task_id, (select count(*) from qk_unmet u where u.task_id = d.task_id)
      from qk_cascade c cross join qk_dependency d on d.needs_id = c.task_id;
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

-- The task failed: whoever waits for it, or for one of these, and is to be cancelled then.
create view if not exists qk_felled (id) as select 0 where 0;

create trigger if not exists qk_felled_call instead of insert on qk_felled
begin
  insert or ignore into qk_cascade (task_id, root)
    with recursive v (id) as (
      select new.id
      union
      select t.id from v cross join qk_dependency d on d.needs_id = v.id cross join qk_task t on t.id = d.task_id
       where d.on_failure = 'cancel' and (t.state = 'blocked' or t.state = 'ready' or t.state = 'scheduled'))
    select id, new.id from v where id <> new.id;
  insert into qk_filled select t.id, -1 from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.counted = 1;
  update qk_task
     set state = 'cancelled', cause = new.id, due_at = null, error = 'task ' || new.id || ', which it waited for, failed or was cancelled',
         ended_at  = (select ended_at from qk_task where id = new.id),
         key_until = case when key_until > 0 then key_until end
   where id in (select task_id from qk_cascade where root = new.id);
  update qk_batch
     set failed     = failed     + (select count(*) from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.batch = qk_batch.id),
         unfinished = unfinished - (select count(*) from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.batch = qk_batch.id)
   where id in (select t.batch from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id);
end;

-- The task is to be tried again: so are those that it had cancelled; they wait for it as before.
create view if not exists qk_reopened (id) as select 0 where 0;

create trigger if not exists qk_reopened_call instead of insert on qk_reopened
begin
  insert or ignore into qk_cascade (task_id, root)
    with recursive v (id) as (
      select new.id
      union
      select t.id from v cross join qk_dependency d on d.needs_id = v.id cross join qk_task t on t.id = d.task_id
       where t.state = 'cancelled' and (t.cause = new.id or t.cause = v.id))
    select id, new.id from v where id <> new.id;
  update qk_task set counted = 1
   where id in (select task_id from qk_cascade where root = new.id)
     and counted = 0 and exists (select 1 from qk_queue where name = qk_task.queue and coalesce(max_depth, max_bytes) is not null);
  insert into qk_filled select t.id, 1 from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.counted = 1;
  update qk_task
     set state = 'blocked', cause = null, error = null, cancel_at = null, until_at = null, due_at = null,
         needs     = (select count(*) from qk_unmet where task_id = qk_task.id),
         key_until = case when key_until is not null then key_until
                          when key is not null and not exists (select 1 from qk_task o where o.queue = qk_task.queue and o.key = qk_task.key
                                                                 and o.key is not null and o.key_until is not null) then 0 end
   where id in (select task_id from qk_cascade where root = new.id);
  update qk_batch
     set failed     = failed     - (select count(*) from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.batch = qk_batch.id),
         unfinished = unfinished + (select count(*) from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id and t.batch = qk_batch.id)
   where id in (select t.batch from qk_cascade c cross join qk_task t on t.id = c.task_id where c.root = new.id);
end;
