-- laws.sql: what no client may do to a queue, whatever it is written in. Each law is a trigger that compares OLD with NEW.
--
-- Laws read no clock, draw no random number and pick no policy, and hold with foreign_keys and recursive_triggers on or off (both are
-- off in the sqlite3 shell). They speak as  QKnnn text  (table of the codes: README.md). A trigger costs a statement 0.3 µs and more
-- even when its WHEN is false, the longer its body the more: so there are few, a WHEN lets the quiet moves (claim, ack) pass, and a long body
-- is a procedure: a view that holds nothing, called by an INSERT into it.
--
-- laws_links, laws_cascade and laws_limits are extra: a file gets them when first a task has a group, a batch, a share or dependencies, or a
-- queue a limit (QK028 says so, and the clients read them in by themselves), for every shell would pay 5 ms to prepare a put that needs none.

-- Birth: the id is SQLite's to give, the past is empty, and a key that is held is met by put's upsert, never by OR REPLACE.
create trigger if not exists qk_task_birth before insert on qk_task
when new.id is not -1
  or new.claims is not 0 or new.failures is not 0 or new.needs is not 0 or new.slot is not 0 or new.counted is not 0 or new.awaited is not 0
  or new.lane <> '' or new.share <> ''
  or not (new.state = 'ready' or new.state = 'scheduled')
  or coalesce(new.claimed_at, new.ended_at, new.cancel_at, new.worker, new.error, new.result, new.key, new.turn, new.cause, new.until_at,
              new.group_key, new.after, new.on_failure, new.batch) is not null
begin
  insert into qk_born values (
    new.id,
    new.claims is not 0 or new.failures is not 0 or not (new.state = 'ready' or new.state = 'scheduled')
      or new.needs is not 0 or new.slot is not 0 or new.counted is not 0 or new.awaited is not 0
      or coalesce(new.claimed_at, new.ended_at, new.cancel_at, new.worker, new.error, new.result, new.turn, new.cause) is not null,
    new.queue, new.key, new.key_until, new.duplicates, new.created_at, new.until_at, new.lane, new.share, new.group_key, new.after, new.on_failure, new.batch);
end;

create view if not exists qk_born (id, past, queue, key, key_until, duplicates, created_at, until_at, lane, share, group_key, after, on_failure, batch) as
select 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 where 0;

create trigger if not exists qk_born_call instead of insert on qk_born
begin
  select case
    when new.id is not -1 then raise(abort, 'QK001 ids are given by the queue: insert without one (OR REPLACE of a task is refused)')
    when new.past         then raise(abort, 'QK002 a task is born ready or scheduled, without a past')
    when (coalesce(new.group_key, new.after, new.batch) is not null or new.share <> '') and not exists (select 1 from qk_meta where name = 'extra')
      then raise(abort, 'QK028 groups, shares, batches and dependencies need the extra laws: read laws_links.sql, laws_cascade.sql and laws_limits.sql in')
    when new.key_until is not null and typeof(new.key_until) <> 'integer' or new.until_at is not null and typeof(new.until_at) <> 'integer'
      or new.key_until < -2 or new.batch is not null and typeof(new.batch) <> 'integer'
      then raise(abort, 'QK018 a time, or the number of a batch, is no integer')
    when new.group_key is not null and (typeof(new.group_key) <> 'text' or new.group_key = '' or printf('%s', new.group_key) <> new.group_key)
      or new.share <> '' and (typeof(new.share) <> 'text' or printf('%s', new.share) <> new.share)
      then raise(abort, 'QK014 a group or share is text without NUL')
    when substr(new.key, 1, 3) = 'qk:' and not (new.key_until is -2 and substr(new.key, 1, 11) = 'qk:overflow'
        and exists (select 1 from qk_queue where name = new.queue and on_full = 'coalesce' and depth >= max_depth))
      then raise(abort, 'QK014 keys that begin with qk: are the queue''s own')
    when new.lane <> '' and (typeof(new.lane) <> 'text' or new.lane glob '*[^-A-Za-z0-9_.:/@+= ]*')
      then raise(abort, 'QK025 a requirement is words of letters, digits and -_.:/@+=')
    when new.lane <> '' and new.lane <> (select group_concat(word, ' ') from
        (select distinct value as word from json_each('["' || replace(new.lane, ' ', '","') || '"]') where value <> '' order by 1))
      then raise(abort, 'QK025 the words of a requirement stand in order, each once, with one space between')
    when new.on_failure is not null and new.on_failure not in ('cancel', 'run', 'wait')
      then raise(abort, 'QK019 on_failure is cancel, run or wait')
  end;
  -- A key that was held for a time, by a task that is finished, is free when the time is over; that of a task which waits, when its own time
  -- is over; and what would be taken on by the holder (-2) is a new task while that one runs, unless it holds the key for a time.
  update qk_task set key_until = null
   where queue = new.queue and key = new.key and key is not null and key_until is not null
     and case state when 'running' then new.key_until is -2 and key_until < 1
                    when 'done' then key_until between 1 and new.created_at
                    when 'dead' then key_until between 1 and new.created_at
                    when 'cancelled' then key_until between 1 and new.created_at
                    else until_at <= new.created_at end;
  select raise(abort, 'QK004 an unfinished task of this queue holds the key: use put, which returns it')
   where new.duplicates is null
     and exists (select 1 from qk_task where queue = new.queue and key = new.key and key is not null and key_until is not null);
  -- What looks like a put may be OR REPLACE all the same. That is the policy here, too, then: this line does nothing, or meets the next law.
  insert or ignore into qk_meta (name)
    select 'replaced' where exists (select 1 from qk_task where queue = new.queue and key = new.key and key is not null and key_until is not null);
end;

create trigger if not exists qk_meta_replaced after insert on qk_meta
when new.name = 'replaced'
begin
  select raise(abort, 'QK001 OR REPLACE of a task is refused: it would delete the holder of the key without a word');
end;

-- A plain INSERT may name just run_at: the task is scheduled for that time.
create trigger if not exists qk_task_run_at after insert on qk_task
when new.run_at is not null and new.state = 'ready' and new.due_at is new.until_at and new.duplicates is null
begin
  insert into qk_timed values (new.id);
end;

create view if not exists qk_timed (id) as select 0 where 0;

create trigger if not exists qk_timed_call instead of insert on qk_timed
begin
  update qk_task set state = 'scheduled', due_at = min(run_at, ifnull(until_at, run_at))
   where id = new.id and state = 'ready' and run_at is not null and duplicates is null;
end;

-- What a task is never changes; its payload is fixed while a worker has it and once it is finished.
create trigger if not exists qk_task_fixed before update of queue, created_at, payload, lane, share, group_key, after, on_failure, batch, until_at on qk_task
when new.queue is not old.queue or new.created_at is not old.created_at
  or new.lane is not old.lane or new.share is not old.share or new.group_key is not old.group_key or new.after is not old.after or new.batch is not old.batch
  or new.on_failure is not old.on_failure or new.until_at is not null and typeof(new.until_at) <> 'integer'
  or (new.payload is not old.payload and old.state <> 'ready' and old.state <> 'scheduled' and old.state <> 'blocked')
begin
  select case
    when new.queue is not old.queue           then raise(abort, 'QK005 a task never changes its queue: cancel it and put another')
    when new.created_at is not old.created_at then raise(abort, 'QK006 created_at never changes')
    when new.payload is not old.payload       then raise(abort, 'QK007 the payload is fixed while the task runs and when it is finished')
    when new.until_at is not null and typeof(new.until_at) <> 'integer' then raise(abort, 'QK018 until_at is no integer')
    else                                           raise(abort, 'QK003 what a task requires, its share, group, batch and after never change')
  end;
end;

-- A key that is held is no more to be had by UPDATE OR REPLACE, which would delete its holder without a word. Nor does a task
-- take back the key that it was to give up when it finished (or was claimed): every later put would pass for its duplicate.
create trigger if not exists qk_task_key_held before update of key, key_until on qk_task
when new.key is not null and new.key_until is not null
begin
  select case
    when exists (select 1 from qk_task where queue = new.queue and key = new.key and key is not null and key_until is not null and id <> old.id)
      then raise(abort, 'QK004 an unfinished task of this queue holds the key: use put, which returns it')
    when typeof(new.key_until) <> 'integer' or new.key_until < -2 then raise(abort, 'QK018 key_until is 0, -1, -2 or a moment')
    when substr(new.key, 1, 3) = 'qk:' and new.key is not old.key then raise(abort, 'QK014 keys that begin with qk: are the queue''s own')
    when (new.state = 'done' or new.state = 'dead' or new.state = 'cancelled') and (new.key_until < 1 or old.key_until is null or new.key is not old.key)
      or new.key_until < 0 and new.state = 'running'
      then raise(abort, 'QK004 the task has given up its key: a put with the key is a new task')
  end;
end;

-- Every move that is not quiet: is it legal, does it end a run the row would forget, does it free the key? Who ran the last run, when, and
-- what it left is history as well, which the row keeps for as long as the task stays running or done. Then, what it means to others.
-- (No OF list: an update of the rowid would slip past one.)
create trigger if not exists qk_task_move after update on qk_task
when not (new.id = old.id and case
  when old.state = 'running' and new.state = 'done'       then new.claims = old.claims and new.worker is old.worker and new.claimed_at is old.claimed_at
                                                           and case when new.key is null then 1 else ifnull(new.key_until > 0, 1) end
                                                           and coalesce(new.turn, new.batch, nullif(new.slot + new.awaited, 0)) is null
  when old.state = 'ready'   and new.state = 'running'    then new.claims = old.claims + 1 and ifnull(new.key_until, 0) >= 0 and new.slot + new.counted = 0
  when new.state = old.state                              then new.claims = old.claims and new.worker is old.worker and new.claimed_at is old.claimed_at
                                                           and new.ended_at is old.ended_at and new.result is old.result
  when old.state = 'ready'   and new.state = 'blocked'    then new.claims = old.claims and new.worker is old.worker and new.claimed_at is old.claimed_at
                                                           and new.ended_at is old.ended_at and new.result is old.result and new.group_key is null
  else 0 end)
 and not exists (select 1 from qk_cascade)
begin
  insert into qk_moved values (new.id, old.id, old.state, old.claims, old.failures, old.crashes, old.worker, old.claimed_at, old.ended_at, old.result,
    old.cause);
end;

create view if not exists qk_moved (id, old_id, state, claims, failures, crashes, worker, claimed_at, ended_at, result, cause) as  -- what the row was
select 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 where 0;

create trigger if not exists qk_moved_call instead of insert on qk_moved
begin
  select case
    when t.id <> new.old_id then raise(abort, 'QK008 an id never changes')
    when t.claims <> new.claims + (new.state = 'ready' and t.state = 'running')
      then raise(abort, 'QK009 claims count the runs: only a claim adds one')
    when t.state <> new.state and instr('
        ready>running     ready>scheduled    ready>blocked      ready>cancelled
        scheduled>ready   scheduled>blocked  scheduled>cancelled
        blocked>ready     blocked>scheduled  blocked>cancelled
        running>done      running>dead       running>cancelled  running>ready  running>scheduled
        done>ready        done>scheduled     done>blocked
        dead>ready        dead>scheduled     dead>blocked       dead>cancelled
        cancelled>ready   cancelled>scheduled cancelled>blocked
      ', new.state || '>' || t.state) = 0
      then raise(abort, 'QK020 no such move between two states (see the state diagram)')
    when (t.worker is not new.worker or t.claimed_at is not new.claimed_at) and not (new.state = 'ready' and t.state = 'running')
      or (t.ended_at is not new.ended_at or t.result is not new.result) and t.state = new.state
      then raise(abort, 'QK022 who ran a task, when, and what it left is history: only a claim, or the end of its run, writes it')
    when new.state = 'running' and t.state = 'dead' and t.failures = new.failures
      then raise(abort, 'QK012 a run that leaves its task dead has failed')
  end from qk_task t where t.id = new.id;
  insert into qk_run (task_id, claim, outcome, worker, claimed_at, ended_at, text)
    select t.id, new.claims,
           case when new.state = 'done'          then 'done'
                when t.crashes  > new.crashes    then 'crashed'
                when t.failures > new.failures   then 'failed'
                when t.state = 'cancelled'       then 'cancelled'
                else 'released' end,
           new.worker, new.claimed_at,
           case new.state when 'done' then new.ended_at else t.ended_at end,
           case when new.state = 'done' then new.result when t.failures > new.failures then t.error end
      from qk_task t
     where t.id = new.id
       and ((new.state = 'running' and t.state <> 'running' and t.state <> 'done') or (new.state = 'done' and t.state <> 'done'));
  update qk_task set key_until = null
   where id = new.id and key is not null
     and (key_until < 0 and state = 'running'
       or key_until < 1 and (state = 'done' or state = 'dead' or state = 'cancelled'));
  insert into qk_linked
    select id, new.state, new.cause from qk_task
     where id = new.id
       and (counted = 1 or group_key is not null or slot > 0 and (state = 'running' or new.state = 'running')
         or needs > 0 and (state = 'ready' or state = 'scheduled')
         or (state = 'ready' or state = 'scheduled' or state = 'blocked') and (new.state = 'running' or new.state = 'done' or new.state = 'dead' or new.state = 'cancelled')
            and exists (select 1 from qk_queue where name = queue and coalesce(max_depth, max_bytes) is not null)
         or (awaited = 1 or batch is not null)
            and (state = 'done' or state = 'dead' or state = 'cancelled' or new.state = 'done' or new.state = 'dead' or new.state = 'cancelled'))
       and exists (select 1 from qk_meta where name = 'extra');
end;

-- The policies of a queue are words and numbers that mean something.
create trigger if not exists qk_queue_made before insert on qk_queue
begin
  insert into qk_policed values (new.strategy, new.max_running, new.max_per_worker, new.rate_us, new.burst, new.max_depth, new.max_bytes, new.on_full, new.on_group);
end;

create trigger if not exists qk_queue_set before update of strategy, max_running, max_per_worker, rate_us, burst, max_depth, max_bytes, on_full, on_group on qk_queue
begin
  insert into qk_policed values (new.strategy, new.max_running, new.max_per_worker, new.rate_us, new.burst, new.max_depth, new.max_bytes, new.on_full, new.on_group);
end;

create view if not exists qk_policed (strategy, max_running, max_per_worker, rate_us, burst, max_depth, max_bytes, on_full, on_group) as
select 0, 0, 0, 0, 0, 0, 0, 0, 0 where 0;

create trigger if not exists qk_policed_call instead of insert on qk_policed
begin
  select case
    when instr(' priority fifo lifo random fair ', ' ' || ifnull(new.strategy, 'fifo') || ' ') = 0
      then raise(abort, 'QK019 a strategy is priority, fifo, lifo, random or fair')
    when instr(' reject drop_oldest coalesce ', ' ' || ifnull(new.on_full, 'reject') || ' ') = 0
      then raise(abort, 'QK019 on_full is reject, drop_oldest or coalesce')
    when instr(' block aside ', ' ' || ifnull(new.on_group, 'block') || ' ') = 0
      then raise(abort, 'QK019 on_group is block or aside')
    when exists (select 1 from (select new.max_running as n union all select new.max_per_worker union all select new.rate_us union all select new.burst
                                union all select new.max_depth union all select new.max_bytes)
                  where n is not null and (typeof(n) <> 'integer' or n < 1 or n > 1000000000000000))
      then raise(abort, 'QK019 a limit is a whole number above 0')
    when coalesce(new.max_running, new.max_per_worker, new.rate_us, new.max_depth, new.max_bytes) is not null
     and not exists (select 1 from qk_meta where name = 'extra')
      then raise(abort, 'QK028 limits need the extra laws: read laws_links.sql, laws_cascade.sql and laws_limits.sql in')
  end;
end;

create trigger if not exists qk_batch_made before insert on qk_batch
when not exists (select 1 from qk_meta where name = 'extra')
begin
  select raise(abort, 'QK028 batches need the extra laws: read laws_links.sql, laws_cascade.sql and laws_limits.sql in');
end;

-- What a schedule will put can be put: so nothing that is known now stops it when it fires.
create trigger if not exists qk_schedule_made before insert on qk_schedule
when typeof(new.priority) <> 'integer' or new.group_key is not null or new.share <> ''
begin
  insert into qk_planned values (new.priority, new.group_key is not null or new.share <> '');
end;

create trigger if not exists qk_schedule_set before update of priority, group_key, share on qk_schedule
when typeof(new.priority) <> 'integer' or new.group_key is not null or new.share <> ''
begin
  insert into qk_planned values (new.priority, new.group_key is not null or new.share <> '');
end;

create view if not exists qk_planned (priority, linked) as select 0, 0 where 0;

create trigger if not exists qk_planned_call instead of insert on qk_planned
begin
  select case
    when typeof(new.priority) <> 'integer' and not exists (select 1 from qk_priority where name = new.priority)
      then raise(abort, 'QK018 a priority is an integer, or low, normal, high or critical')
    when new.linked and not exists (select 1 from qk_meta where name = 'extra')
      then raise(abort, 'QK028 groups and shares need the extra laws: read laws_links.sql, laws_cascade.sql and laws_limits.sql in')
  end;
end;

-- Another rule, or the clock of another zone, has other instants: they are worked out anew, unless the next one is told with it. A schedule that is
-- told its next instant has not ended, and is not stopped.
create trigger if not exists qk_schedule_turn after update of rule, zone, next_at on qk_schedule
when (new.rule <> old.rule or new.zone <> old.zone) and new.next_at is old.next_at
  or new.next_at is not null and new.next_at is not old.next_at and (new.ended or new.error is not null)
begin
  update qk_schedule set next_at = case when next_at is old.next_at then null else next_at end, ended = 0, error = null where name = new.name;
end;

-- A schedule fires: each instant becomes a task, whose key says which it is.
create trigger if not exists qk_schedule_fire after update of fire on qk_schedule
when new.fire is not null
begin
  insert into qk_task (queue, kind, key, duplicates, priority, state, run_at, until_at, due_at, lane, share, group_key,
                       max_attempts, lease_ms, backoff_ms, payload)
    select new.queue, new.kind, new.name || '@' || json_extract(value, '$[0]'), 0,
           ifnull((select value from qk_priority where name = new.priority), new.priority),
           case when json_extract(value, '$[1]') is null then 'ready' else 'scheduled' end, json_extract(value, '$[1]'), json_extract(value, '$[2]'),
           min(ifnull(json_extract(value, '$[1]'), json_extract(value, '$[2]')), ifnull(json_extract(value, '$[2]'), json_extract(value, '$[1]'))),
           case when new.require <> '' then (select ifnull(group_concat(word, ' '), '') from (
             select distinct value as word from json_each('["' || replace(new.require, ' ', '","') || '"]') where value <> '' order by 1)) else '' end,
           new.share, new.group_key, new.max_attempts, new.lease_ms, new.backoff_ms, new.payload
      from json_each(new.fire) where true
    on conflict (queue, key) where key is not null and key_until is not null do nothing;
  update qk_schedule set fire = null, last_at = (select max(json_extract(value, '$[0]')) from json_each(new.fire)) where name = new.name;
end;

-- A lease is on the books of qk_lease.
create trigger if not exists qk_task_lease after update of due_at, state on qk_task
when new.state = 'running'
 and not exists (select 1 from qk_lease where slot = new.due_at >> 10 and block = new.id >> 4)
begin
  insert into qk_lease (slot, block) values (new.due_at >> 10, new.id >> 4);
end;

create trigger if not exists qk_lease_kept before delete on qk_lease
when exists (select 1 from qk_task t not indexed
              where t.id >= old.block << 4 and t.id < (old.block + 1) << 4 and t.state = 'running' and t.due_at >> 10 = old.slot)
begin
  select raise(abort, 'QK023 a running task has a lease in this block: without it nobody would notice its end');
end;

create trigger if not exists qk_lease_fixed before update on qk_lease
begin
  select raise(abort, 'QK023 the book of leases is kept by the queue alone');
end;

-- Only what is finished can go, and never the newest row: so no id is used twice. What others wait for, or may still read the result of, stays,
-- and so does what a dead task has cancelled: a retry of that one brings it back. (No two keep each other: a dead task stays for the sake of newer
-- dead ones alone.)
create trigger if not exists qk_task_delete before delete on qk_task
begin
  select case
    when old.state = 'ready' or old.state = 'scheduled' or old.state = 'blocked' or old.state = 'running'
      then raise(abort, 'QK021 an unfinished task cannot be deleted: cancel it first')
    when old.id = (select max(id) from qk_task) then raise(ignore)
    when old.cause is not null and exists (select 1 from qk_task where id = old.cause and state = 'dead') then raise(ignore)
    when exists (select 1 from qk_dependency d cross join qk_task t on t.id = d.task_id
                  where d.needs_id = old.id and t.state <> 'done' and (t.state <> 'cancelled' or old.state = 'done'))
      then raise(ignore)
  end;
end;

create trigger if not exists qk_task_gone after delete on qk_task
begin
  delete from qk_run        where task_id = old.id;
  delete from qk_log        where task_id = old.id;
  delete from qk_event
   where id in (select e.id from qk_event_book b cross join qk_event e
                 where b.block = old.id >> 4 and e.id >= b.page << 5 and e.id < (b.page + 1) << 5 and e.task_id = old.id);
  delete from qk_event_book
   where block = old.id >> 4 and not exists (select 1 from qk_task where id >= old.id >> 4 << 4 and id < ((old.id >> 4) + 1) << 4);
  update qk_task set needs = needs - 1           -- of a finished task, that waited in vain: should it be retried, it waits for the others
   where needs > 0 and old.state <> 'done' and id in (select task_id from qk_dependency where needs_id = old.id and on_failure <> 'run');
  delete from qk_dependency where needs_id = old.id;
  delete from qk_dependency where task_id  = old.id;
  update qk_task set turn = 1, state = case when run_at is null then 'ready' else 'scheduled' end, due_at = min(ifnull(run_at, until_at), ifnull(until_at, run_at))
   where old.turn = 1
     and id = (select min(id) from qk_task where queue = old.queue and group_key = old.group_key and turn = 0 and state = 'blocked');
  delete from qk_step  where task_id = old.id;
  delete from qk_batch                               -- with the last of its tasks and its callback
   where (id = old.batch or callback = old.id) and ended_at is not null
     and not exists (select 1 from qk_task where batch = qk_batch.id) and not exists (select 1 from qk_task where id = qk_batch.callback);
end;

-- History is append-only, and what the law above wrote when a run ended: no OR REPLACE, no run that never was.
create trigger if not exists qk_run_born before insert on qk_run
when new.claim < 1
  or exists (select 1 from qk_run where task_id = new.task_id and claim = new.claim)
  or not exists (select 1 from qk_task where id = new.task_id and claims = new.claim and state <> 'running' and state <> 'done')
begin
  select raise(abort, 'QK022 history is written by the queue alone');
end;

create trigger if not exists qk_run_fixed before update on qk_run
begin
  select raise(abort, 'QK022 history is append-only');
end;

create trigger if not exists qk_run_kept before delete on qk_run
when exists (select 1 from qk_task where id = old.task_id)
begin
  select raise(abort, 'QK022 history is append-only');
end;

create trigger if not exists qk_event_fixed before update on qk_event
begin
  select raise(abort, 'QK022 history is append-only');
end;

create trigger if not exists qk_event_born before insert on qk_event
when new.id is not -1
begin
  select raise(abort, 'QK022 history is append-only');
end;

create trigger if not exists qk_event_booked after insert on qk_event
when new.id < 1 or not exists (select 1 from qk_event_book where block = new.task_id >> 4 and page = new.id >> 5)
begin
  select raise(abort, 'QK022 history is append-only') where new.id < 1;
  insert into qk_event_book (block, page) values (new.task_id >> 4, new.id >> 5);
end;

create trigger if not exists qk_event_kept before delete on qk_event
when exists (select 1 from qk_task where id = old.task_id)
begin
  select raise(abort, 'QK022 history is append-only');
end;

create trigger if not exists qk_event_book_fixed before update on qk_event_book
begin
  select raise(abort, 'QK022 the book of events is kept by the queue alone');
end;

create trigger if not exists qk_event_book_kept before delete on qk_event_book
when exists (select 1 from qk_task where id >= old.block << 4 and id < (old.block + 1) << 4)
begin
  select raise(abort, 'QK022 the book of events is kept by the queue alone');
end;

-- A file of a newer queuekit is left alone by an older one.
create trigger if not exists qk_meta_version before update on qk_meta
when new.name <> old.name or (old.name = 'schema_version' and (typeof(new.value) <> 'integer' or new.value < old.value))
begin
  select case when new.name <> old.name then raise(abort, 'QK030 what the file tells of itself keeps its name')
    else raise(abort, 'QK030 this file was made by a newer queuekit: upgrade yours') end;
end;

create trigger if not exists qk_meta_kept before delete on qk_meta
begin
  select case old.name
    when 'replaced'       then raise(abort, 'QK001 OR REPLACE of a task is refused: it would delete the holder of the key without a word')
    when 'extra'          then raise(abort, 'QK030 the extra laws stay with the file')
    when 'schema_version' then raise(abort, 'QK030 the version of the schema stays with the file') end;
end;

-- So does a program that has had the file open since schema 2 with its extra laws: they tell no version, and make no indexes, without which
-- nothing could be put or claimed any more. (Put says 'replaced' here.)
create trigger if not exists qk_meta_version_born before insert on qk_meta
when new.name <> 'replaced' and case new.name
  when 'schema_version' then exists (select 1 from qk_meta where name = 'schema_version' and value > new.value)
  when 'extra'          then new.value is not 3 end
begin
  select raise(abort, 'QK030 this file was made by a newer queuekit: upgrade yours');
end;
