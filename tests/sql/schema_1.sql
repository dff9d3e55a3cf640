PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE qk_task (
  id           integer primary key,                  -- given by SQLite, never by hand, never used twice
  state        text    not null default 'ready',     -- ready scheduled blocked running | done dead cancelled
  claims       integer not null default 0,           -- runs begun; never falls. The receipt of a run is the text id:claims
  settled      integer not null default 0,           -- runs ended
  failures     integer not null default 0,           -- runs that failed since the task was put or retried (crashes included)
  crashes      integer not null default 0,           -- of these: leases that expired
  priority     integer not null default 0,           -- higher first
  due_at       integer,                              -- when it changes by itself: run time if scheduled, lease end if running
  created_at   integer not null default (cast((julianday('now') - 2440587.5) * 86400000 + 0.5 as integer)),
  claimed_at   integer,                              -- when the last run began
  ended_at     integer,                              -- when the last run, or the task, ended; NULL while running
  cancel_at    integer,                              -- when the running task was asked to stop
  queue        text    not null default 'default',
  kind         text    not null default '',          -- what sort of work; picks the handler
  key          text,                                 -- dedupe: one holder of (queue, key) at a time
  key_until    integer default 0,                    -- how long it holds the key: 0 till finished, -1 till claimed; NULL = released
  duplicates   integer,                              -- puts that met its key; NULL = no put verb made it
  worker       text,                                 -- who ran it last
  error        text,                                 -- why its last failed run failed
  result       text,                                 -- what ack left
  run_at       integer,                              -- the run time asked for at put; NULL = at once
  until_at     integer,                              -- (later) expires unrun at this time
  lane         text    not null default '',          -- (later) capabilities asked of a worker
  share        text    not null default '',          -- (later) fairness label
  group_key    text,                                 -- (later) tasks of a group run one at a time, in order
  turn         integer,                              -- (later) NULL not in line, 0 waits, 1 has the turn
  needs        integer not null default 0,           -- (later) dependencies not yet satisfied
  cause        integer,                              -- (later) the task whose end cancelled this one
  batch        integer,                              -- (later) its qk_batch
  slot         integer not null default 0,           -- (later) 1 = counted against its queue's limits
  counted      integer not null default 0,           -- (later) 1 = counted in its queue's depth
  awaited      integer not null default 0,           -- (later) 1 = others wait for it
  after        text,                                 -- (later) JSON list of task ids to wait for
  on_failure   text,                                 -- (later) what to do when one of them fails
  max_attempts integer,                              -- these three: NULL = as the queue says
  lease_ms     integer,
  backoff_ms   integer,
  -- Pads the row to one size in every state, so that claim and ack overwrite it in place (0.3-0.5 µs, and no overflow page rewritten).
  slack        blob generated always as (zeroblob(39 - length(state) - ifnull(length(worker), 0)
                 - 6 * ((due_at is not null) + (claimed_at is not null) + (ended_at is not null)))) stored,
  payload      text    not null,                     -- any text without NUL; last, so that a claim's other columns never lie behind it
  constraint "QK010 no such state, or its times do not belong to it" check (case state
    when 'ready'     then due_at is until_at
    when 'running'   then typeof(due_at) = 'integer' and typeof(claimed_at) = 'integer' and ended_at is null
    when 'done'      then due_at is null and typeof(ended_at) = 'integer'
    when 'scheduled' then typeof(due_at) = 'integer'
    when 'dead'      then due_at is null and typeof(ended_at) = 'integer'
    when 'cancelled' then due_at is null and typeof(ended_at) = 'integer'
    when 'blocked'   then due_at is until_at and (needs > 0 or turn is 0)
    else 0 end),
  constraint "QK011 a run begins by claim and ends only by its receipt" check (settled = claims - (state = 'running')),
  constraint "QK012 the counts of a task do not add up" check (crashes >= 0 and failures >= crashes and claims >= failures),
  constraint "QK013 a queue needs a name without NUL" check (queue <> '' and printf('%s', queue) = queue),
  constraint "QK014 a kind or key is text without NUL" check ((kind = '' or printf('%s', kind) = kind) and (key is null or printf('%s', key) = key)),
  constraint "QK015 a payload is text without NUL" check (printf('%s', payload) = payload),
  constraint "QK016 an id is positive" check (id > 0),
  constraint "QK018 a priority, a time or a count is no integer" check (
        typeof(priority) = 'integer' and typeof(created_at) = 'integer'
    and (run_at is null or typeof(run_at) = 'integer') and (duplicates is null or typeof(duplicates) = 'integer' and duplicates >= 0)),
  constraint "QK019 a policy number is out of range" check (
        (max_attempts is null or typeof(max_attempts) = 'integer' and max_attempts > 0)
    and (lease_ms     is null or typeof(lease_ms)     = 'integer' and lease_ms between 1 and 1000000000000000)
    and (backoff_ms   is null or typeof(backoff_ms)   = 'integer' and backoff_ms between 0 and 1000000000))
);
INSERT INTO qk_task VALUES(1,'done',1,1,0,0,0,NULL,1795467056789,1795467056793,1795467056796,NULL,'default','',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'','',NULL,NULL,0,NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,'done');
INSERT INTO qk_task VALUES(2,'dead',1,1,1,0,0,NULL,1795467056789,1795467056794,1795467056797,NULL,'default','',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'','',NULL,NULL,0,NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,'dead');
INSERT INTO qk_task VALUES(3,'running',1,0,0,0,0,1795467116795,1795467056789,1795467056795,NULL,NULL,'default','',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'','',NULL,NULL,0,NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,'running');
INSERT INTO qk_task VALUES(4,'ready',0,0,0,0,0,NULL,1795467056798,NULL,NULL,NULL,'mail','','k',0,NULL,NULL,NULL,NULL,NULL,NULL,'','',NULL,NULL,0,NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,'ready');
INSERT INTO qk_task VALUES(5,'scheduled',0,0,0,0,0,1900000000000,1795467056799,NULL,NULL,NULL,'default','',NULL,0,NULL,NULL,NULL,NULL,1900000000000,NULL,'','',NULL,NULL,0,NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,'scheduled');
INSERT INTO qk_task VALUES(6,'cancelled',0,0,0,0,0,NULL,1795467056800,NULL,1795467056801,1795467056801,'default','',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'','',NULL,NULL,0,NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,'cancelled');
CREATE TABLE qk_lease (
  slot  integer not null,
  block integer not null,
  primary key (slot, block)
) without rowid;
INSERT INTO qk_lease VALUES(1753385856,0);
CREATE TABLE qk_run (
  task_id    integer not null,
  claim      integer not null,                       -- the n of the receipt id:n
  outcome    text    not null,                       -- failed crashed released cancelled done
  worker     text,
  claimed_at integer,
  ended_at   integer,
  text       text,                                   -- the error, or of a done run the result
  primary key (task_id, claim)
) without rowid;
INSERT INTO qk_run VALUES(2,1,'failed',NULL,1795467056794,1795467056797,NULL);
CREATE TABLE qk_queue (
  name           text    primary key not null,
  paused         integer not null default 0,         -- 1 = claims find nothing
  lease_ms       integer,
  max_attempts   integer,
  backoff_ms     integer,
  backoff_cap_ms integer,
  retention_ms   integer,                            -- how long done and cancelled tasks are kept; dead ones stay
  strategy       text,                               -- this and the rest: (later)
  max_running    integer,
  running        integer not null default 0,
  rate_us        integer,
  burst          integer,
  rate_at        integer not null default 0,
  cursor         text    not null default '',
  max_depth      integer,
  max_bytes      integer,
  on_full        text,
  depth          integer not null default 0,
  bytes          integer not null default 0,
  on_group       text,
  constraint "QK013 a queue needs a name without NUL" check (name <> '' and printf('%s', name) = name),
  constraint "QK019 a policy number is out of range" check (
        (lease_ms       is null or typeof(lease_ms)       = 'integer' and lease_ms between 1 and 1000000000000000)
    and (max_attempts   is null or typeof(max_attempts)   = 'integer' and max_attempts > 0)
    and (backoff_ms     is null or typeof(backoff_ms)     = 'integer' and backoff_ms between 0 and 1000000000)
    and (backoff_cap_ms is null or typeof(backoff_cap_ms) = 'integer' and backoff_cap_ms >= 0)
    and (retention_ms   is null or typeof(retention_ms)   = 'integer' and retention_ms >= 0)
    and (paused = 0 or paused = 1))
) without rowid;
INSERT INTO qk_queue VALUES('slow',1,NULL,3,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,0,'',NULL,NULL,NULL,0,0,NULL);
CREATE TABLE qk_worker (
  name       text    primary key not null,
  host       text    not null,
  pid        integer not null,
  started_ms integer not null,                       -- from the boot to the start of the process: tells a reused pid apart
  beat_at    integer not null,
  queues     text    not null default '[]'           -- JSON list of names
) without rowid;
CREATE TABLE qk_dependency (           -- task_id waits for needs_id; an edge points back in time, so no cycle can be written
  needs_id   integer not null,
  task_id    integer not null,
  on_failure text    not null default 'cancel',
  primary key (needs_id, task_id),
  constraint "QK017 a task can wait only for an older one" check (needs_id < task_id)
) without rowid;
CREATE TABLE qk_batch (
  id         integer primary key,
  callback   integer,
  open       integer not null default 1,
  total      integer not null default 0,
  unfinished integer not null default 0,
  done       integer not null default 0,
  failed     integer not null default 0
);
CREATE TABLE qk_schedule (
  name       text    primary key not null,
  rule       text    not null,
  zone       text    not null default 'UTC',
  queue      text    not null default 'default',
  kind       text    not null default '',
  payload    text    not null default 'null',
  next_at    integer,
  fire       text,
  catch_up   text    not null default 'one',
  grace_ms   integer,
  jitter_ms  integer not null default 0,
  paused     integer not null default 0
) without rowid;
CREATE TABLE qk_event (                -- what happened to tasks; append-only
  id      integer primary key,
  at      integer not null,
  task_id integer not null,
  event   text    not null,
  detail  text
);
CREATE TABLE qk_log (                  -- captured output, one row per run and stream
  task_id integer not null,
  claim   integer not null,
  stream  text    not null,
  text    text    not null,
  primary key (task_id, claim, stream)
) without rowid;
CREATE TABLE qk_meta (
  name  text primary key not null,
  value,
  constraint "QK031 a queue needs a database whose encoding is UTF-8: give it a file of its own" check (length(cast('a' as blob)) = 1)
) without rowid;
INSERT INTO qk_meta VALUES('replaced',NULL);
INSERT INTO qk_meta VALUES('schema_version',1);
CREATE INDEX qk_task_ready on qk_task (queue, lane, priority desc, share) where state = 'ready';
CREATE INDEX qk_task_due   on qk_task (due_at) where due_at is not null and state <> 'running';
CREATE UNIQUE INDEX qk_task_key on qk_task (queue, key) where key is not null and key_until is not null;
CREATE INDEX qk_dependency_task on qk_dependency (task_id);
CREATE INDEX qk_event_task on qk_event (task_id);
CREATE TRIGGER qk_task_birth before insert on qk_task
when new.id is not -1
  or new.claims is not 0 or new.failures is not 0 or new.needs is not 0 or new.turn is not null
  or new.after is not null or new.group_key is not null or new.until_at is not null or new.lane <> '' or new.key_until not in (0, -1)
  or not (new.state = 'ready' or new.state = 'scheduled')
  or coalesce(new.claimed_at, new.ended_at, new.cancel_at, new.worker, new.error, new.result, new.key) is not null
begin
  insert into qk_born values (
    new.id,
    new.after is not null or new.group_key is not null or new.until_at is not null or new.lane <> '' or new.needs is not 0 or new.turn is not null
      or new.key_until not in (0, -1),
    new.claims is not 0 or new.failures is not 0 or not (new.state = 'ready' or new.state = 'scheduled')
      or coalesce(new.claimed_at, new.ended_at, new.cancel_at, new.worker, new.error, new.result) is not null,
    new.queue, new.key, new.duplicates);
end;
CREATE VIEW qk_born (id, reserved, past, queue, key, duplicates) as select 0, 0, 0, 0, 0, 0 where 0;
CREATE TRIGGER qk_born_call instead of insert on qk_born
begin
  select case
    when new.id is not -1 then raise(abort, 'QK001 ids are given by the queue: insert without one (OR REPLACE of a task is refused)')
    when new.reserved     then raise(abort, 'QK003 after, group_key, until_at, lane and other times of key_until are reserved for a later schema')
    when new.past         then raise(abort, 'QK002 a task is born ready or scheduled, without a past')
    when new.duplicates is null and exists (select 1 from qk_task where queue = new.queue and key = new.key and key_until is not null)
      then raise(abort, 'QK004 an unfinished task of this queue holds the key: use put, which returns it')
  end;
  -- What looks like a put may be OR REPLACE all the same. That is the policy here, too, then: this line does nothing, or meets the next law.
  insert or ignore into qk_meta (name)
    select 'replaced' where exists (select 1 from qk_task where queue = new.queue and key = new.key and key_until is not null);
end
;
CREATE TRIGGER qk_meta_replaced after insert on qk_meta
when new.name = 'replaced'
begin
  select raise(abort, 'QK001 OR REPLACE of a task is refused: it would delete the holder of the key without a word');
end;
CREATE TRIGGER qk_task_run_at after insert on qk_task
when new.run_at is not null and new.state = 'ready' and new.due_at is null and new.duplicates is null
begin
  insert into qk_timed values (new.id);
end;
CREATE VIEW qk_timed (id) as select 0 where 0;
CREATE TRIGGER qk_timed_call instead of insert on qk_timed
begin
  update qk_task set state = 'scheduled', due_at = run_at where id = new.id;
end;
CREATE TRIGGER qk_task_fixed before update of queue, created_at, payload, lane, until_at, group_key, after on qk_task
when new.queue is not old.queue or new.created_at is not old.created_at
  or new.lane <> '' or coalesce(new.until_at, new.group_key, new.after) is not null
  or (new.payload is not old.payload and old.state <> 'ready' and old.state <> 'scheduled' and old.state <> 'blocked')
begin
  select case
    when new.queue is not old.queue           then raise(abort, 'QK005 a task never changes its queue: cancel it and put another')
    when new.created_at is not old.created_at then raise(abort, 'QK006 created_at never changes')
    when new.lane <> '' or coalesce(new.until_at, new.group_key, new.after) is not null
      then raise(abort, 'QK003 after, group_key, until_at and lane are reserved for a later schema')
    else                                           raise(abort, 'QK007 the payload is fixed while the task runs and when it is finished')
  end;
end;
CREATE TRIGGER qk_task_key_held before update of key, key_until on qk_task
when new.key is not null and new.key_until is not null
begin
  select case
    when exists (select 1 from qk_task where queue = new.queue and key = new.key and key is not null and key_until is not null and id <> old.id)
      then raise(abort, 'QK004 an unfinished task of this queue holds the key: use put, which returns it')
    when new.key_until not in (0, -1) then raise(abort, 'QK003 other times of key_until are reserved for a later schema')
    when new.state = 'done' or new.state = 'dead' or new.state = 'cancelled' or new.key_until = -1 and new.state = 'running'
      then raise(abort, 'QK004 the task has given up its key: a put with the key is a new task')
  end;
end;
CREATE TRIGGER qk_task_move after update on qk_task
when not (new.id = old.id and case
  when new.state = old.state                              then new.claims = old.claims and new.worker is old.worker and new.claimed_at is old.claimed_at
                                                           and new.ended_at is old.ended_at and new.result is old.result
  when old.state = 'ready'   and new.state = 'running'    then new.claims = old.claims + 1 and new.key_until is not -1
  when old.state = 'running' and new.state = 'done'       then new.claims = old.claims and new.worker is old.worker and new.claimed_at is old.claimed_at
                                                           and (new.key is null or new.key_until is null)
  else 0 end)
begin
  insert into qk_moved values (new.id, old.id, old.state, old.claims, old.failures, old.crashes, old.worker, old.claimed_at, old.ended_at, old.result);
end;
CREATE VIEW qk_moved (id, old_id, state, claims, failures, crashes, worker, claimed_at, ended_at, result) as  -- what the row was
select 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 where 0
;
CREATE TRIGGER qk_moved_call instead of insert on qk_moved
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
     and (key_until = -1 and state = 'running'
       or state = 'done' or state = 'dead' or state = 'cancelled');
end;
CREATE TRIGGER qk_task_lease after update of due_at, state on qk_task
when new.state = 'running'
 and not exists (select 1 from qk_lease where slot = new.due_at >> 10 and block = new.id >> 4)
begin
  insert into qk_lease (slot, block) values (new.due_at >> 10, new.id >> 4);
end;
CREATE TRIGGER qk_lease_kept before delete on qk_lease
when exists (select 1 from qk_task t not indexed
              where t.id >= old.block << 4 and t.id < (old.block + 1) << 4 and t.state = 'running' and t.due_at >> 10 = old.slot)
begin
  select raise(abort, 'QK023 a running task has a lease in this block: without it nobody would notice its end');
end;
CREATE TRIGGER qk_lease_fixed before update on qk_lease
begin
  select raise(abort, 'QK023 the book of leases is kept by the queue alone');
end;
CREATE TRIGGER qk_task_delete before delete on qk_task
begin
  select case
    when old.state = 'ready' or old.state = 'scheduled' or old.state = 'blocked' or old.state = 'running'
      then raise(abort, 'QK021 an unfinished task cannot be deleted: cancel it first')
    when old.id = (select max(id) from qk_task) then raise(ignore)
  end;
end;
CREATE TRIGGER qk_task_gone after delete on qk_task
begin
  delete from qk_run        where task_id = old.id;
  delete from qk_log        where task_id = old.id;
  delete from qk_dependency where needs_id = old.id;
  delete from qk_dependency where task_id  = old.id;
end;
CREATE TRIGGER qk_run_born before insert on qk_run
when new.claim < 1
  or exists (select 1 from qk_run where task_id = new.task_id and claim = new.claim)
  or not exists (select 1 from qk_task where id = new.task_id and claims = new.claim and state <> 'running' and state <> 'done')
begin
  select raise(abort, 'QK022 history is written by the queue alone');
end;
CREATE TRIGGER qk_run_fixed before update on qk_run
begin
  select raise(abort, 'QK022 history is append-only');
end;
CREATE TRIGGER qk_run_kept before delete on qk_run
when exists (select 1 from qk_task where id = old.task_id)
begin
  select raise(abort, 'QK022 history is append-only');
end;
CREATE TRIGGER qk_event_fixed before update on qk_event
begin
  select raise(abort, 'QK022 history is append-only');
end;
CREATE TRIGGER qk_event_born before insert on qk_event
when exists (select 1 from qk_event where id = new.id)
begin
  select raise(abort, 'QK022 history is append-only');
end;
CREATE TRIGGER qk_event_kept before delete on qk_event
when exists (select 1 from qk_task where id = old.task_id)
begin
  select raise(abort, 'QK022 history is append-only');
end;
CREATE TRIGGER qk_meta_version before update on qk_meta
when new.name <> old.name or (old.name = 'schema_version' and (typeof(new.value) <> 'integer' or new.value < old.value))
begin
  select case when new.name <> old.name then raise(abort, 'QK030 what the file tells of itself keeps its name')
    else raise(abort, 'QK030 this file was made by a newer queuekit: upgrade yours') end;
end;
CREATE TRIGGER qk_meta_kept before delete on qk_meta
begin
  select case old.name
    when 'replaced'       then raise(abort, 'QK001 OR REPLACE of a task is refused: it would delete the holder of the key without a word')
    when 'schema_version' then raise(abort, 'QK030 the version of the schema stays with the file') end;
end;
CREATE TRIGGER qk_meta_version_born before insert on qk_meta
when new.name = 'schema_version' and exists (select 1 from qk_meta where name = 'schema_version' and value > new.value)
begin
  select raise(abort, 'QK030 this file was made by a newer queuekit: upgrade yours');
end;
CREATE VIEW qk_clock (now) as
select cast((julianday('now') - 2440587.5) * 86400000 + 0.5 as integer);
CREATE VIEW qk_policy (task_id, max_attempts, lease_ms, retry_ms) as
select t.id,
       coalesce(t.max_attempts, q.max_attempts, 10),
       coalesce(t.lease_ms, q.lease_ms, 60000),
       min(coalesce(q.backoff_cap_ms, 3600000), coalesce(t.backoff_ms, q.backoff_ms, 1000) << min(t.failures, 20))
  from qk_task t
  left join qk_queue q on q.name = t.queue;
CREATE VIEW qk_tick (now, batch, jitter, seed) as select null, null, null, null where 0;
CREATE TRIGGER qk_tick_due instead of insert on qk_tick
begin
  update qk_task set state = 'ready', due_at = until_at
   where id in (select id from qk_task
                 where due_at <= new.now and state <> 'running' and state = 'scheduled'
                 order by due_at limit ifnull(new.batch, 100));
  -- a lease that expired is a run that failed
  update qk_task
     set settled = claims, failures = failures + 1, crashes = crashes + 1, ended_at = new.now,
         error  = 'lease expired: worker ' || ifnull(worker, '?') || ' gave no sign of life',
         state  = case when cancel_at is not null then 'cancelled'
                       when failures + 1 >= (select max_attempts from qk_policy where task_id = qk_task.id) then 'dead'
                       else 'scheduled' end,
         due_at = case when cancel_at is not null then null
                       when failures + 1 >= (select max_attempts from qk_policy where task_id = qk_task.id) then null
                       else new.now + (select retry_ms + (ifnull(new.seed, 0) % 1000003 + id * 7919) % (retry_ms * ifnull(new.jitter, 25) / 100 + 1)
                                         from qk_policy where task_id = qk_task.id) end
   where id in (select t.id
                  from (select slot, block from qk_lease where slot <= new.now >> 10 order by slot limit ifnull(new.batch, 100)) l
                  cross join qk_task t not indexed
                 where t.id >= l.block << 4 and t.id < (l.block + 1) << 4
                   and t.state = 'running' and t.due_at >> 10 = l.slot and t.due_at <= new.now);
  delete from qk_lease
   where (slot, block) in (select l.slot, l.block
                             from (select slot, block from qk_lease where slot < new.now >> 10 order by slot limit ifnull(new.batch, 100)) l
                            where not exists (select 1 from qk_task t not indexed
                                               where t.id >= l.block << 4 and t.id < (l.block + 1) << 4
                                                 and t.state = 'running' and t.due_at >> 10 = l.slot));
end
;
CREATE VIEW qk_running (id, receipt, queue, kind, key, payload, attempt, lease_until, worker) as
select id, id || ':' || claims, queue, kind, key, payload, failures + 1, due_at, worker
  from qk_task
 where state = 'running';
CREATE VIEW qk_tasks (id, state, queue, kind, key, priority, attempt, created, due, ended, worker, error, payload) as
select id, state, queue, kind, key, priority, failures + (state in ('running', 'done')),
       strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%fZ', due_at     / 1000.0, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%fZ', ended_at   / 1000.0, 'unixepoch'),
       worker, error, substr(payload, 1, 60)
  from qk_task;
CREATE VIEW qk_stats (queue, paused, ready, scheduled, blocked, running, done, dead, cancelled, oldest_ready_at) as
select n.queue, ifnull(q.paused, 0),
       ifnull(sum(t.state = 'ready'), 0),   ifnull(sum(t.state = 'scheduled'), 0), ifnull(sum(t.state = 'blocked'), 0),
       ifnull(sum(t.state = 'running'), 0), ifnull(sum(t.state = 'done'), 0),
       ifnull(sum(t.state = 'dead'), 0),    ifnull(sum(t.state = 'cancelled'), 0),
       min(case when t.state = 'ready' then t.created_at end)
  from (select queue from qk_task union select name from qk_queue) n
  left join qk_task  t on t.queue = n.queue
  left join qk_queue q on q.name  = n.queue
 group by n.queue;
CREATE VIEW "mail" (id, state, kind, key, priority, data) as select id, state, kind, key, priority, payload from qk_task where queue = 'mail';
CREATE TRIGGER "mail_put" instead of insert on "mail" begin insert into qk_task (queue, kind, key, duplicates, priority, payload) values ('mail', ifnull(new.kind, ''), new.key, 0, ifnull(new.priority, 0), new.data) on conflict (queue, key) where key is not null and key_until is not null do update set duplicates = ifnull(duplicates, 0) + 1; end;
COMMIT;
