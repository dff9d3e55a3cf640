-- schema.sql: the tables of a queue. Shape is a CHECK here, law is a trigger (laws.sql), choice is a statement (one file per verb).
--
-- Times are integer milliseconds since the Unix epoch: columns end in _at (a moment) or _ms (a length).
-- A policy column of a task that is NULL means "as its queue says"; a queue without a row means the built-in default (view qk_policy).
-- Every table starts with qk_, so that a queue can live in an application's own database.
-- Runs again without harm. Loads on SQLite 3.31.

-- One row a task, from put to purge. (What a law reads of OLD stands among the first 32 columns: else SQLite loads the whole old row.)
--  INSERT INTO qk_task(queue, payload) VALUES (…)  is a complete put.
create table if not exists qk_task (
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
  key_until    integer default 0,                    -- how long it holds the key: 0 till finished, -1 till claimed (-2: and a put that
                                                     -- meets it is taken on), or a moment (and till finished); NULL = released
  duplicates   integer,                              -- puts that met its key; NULL = no put verb made it
  worker       text,                                 -- who ran it last
  error        text,                                 -- why its last failed run failed
  result       text,                                 -- what ack left
  run_at       integer,                              -- the run time asked for at put; NULL = at once
  until_at     integer,                              -- expires at this moment if it still waits then
  lane         text    not null default '',          -- what it requires of a worker: words in order, one space between
  share        text    not null default '',          -- whose share of the work it is (a tenant): fair claims take turns
  group_key    text,                                 -- tasks of a group run one at a time, in order
  turn         integer,                              -- its place in the group's line: NULL not in it, 0 waits, 1 has the turn
  needs        integer not null default 0,           -- dependencies that are not met yet
  cause        integer,                              -- the task whose failure cancelled this one
  batch        integer,                              -- its qk_batch
  slot         integer not null default 0,           -- what its claim counts for: 1 its queue's limits, 2 its worker's, 4 takes turns
  counted      integer not null default 0,           -- 1 = counted in its queue's depth
  awaited      integer not null default 0,           -- 1 = others wait, or waited, for it
  after        text,                                 -- JSON list of the tasks to wait for, as put
  on_failure   text,                                 -- when one of them fails: cancel (NULL), run, or wait for its retry
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

-- Each index costs every put and claim 0.15 µs: those that only links and limits need come with the extra laws.
create index if not exists qk_task_ready on qk_task (queue, lane, priority desc, share) where state = 'ready';
create index if not exists qk_task_due   on qk_task (due_at) where due_at is not null and state <> 'running';
create unique index if not exists qk_task_key on qk_task (queue, key) where key is not null and key_until is not null;

-- Which leases end when, coarsely: some of the 16 tasks with id >> 4 = block hold a lease that ends in the second slot (due_at >> 10).
-- A law adds a row when a claim or extend needs one, ack never touches it, tick sweeps it: running tasks need no index of their own.
create table if not exists qk_lease (
  slot  integer not null,
  block integer not null,
  primary key (slot, block)
) without rowid;

-- What a consumer has claimed ahead, in the order in which it runs it: a task is begun when those before it have ended. If the consumer dies,
-- only the one that was begun has crashed; the others go back (tick).
create table if not exists qk_prefetch (
  consumer text primary key not null,
  receipts text not null,                            -- JSON list
  constraint "QK033 the receipts of what is claimed ahead are a JSON list" check (
        printf('%s', receipts) = receipts and json_valid(receipts) and json_type(receipts) = 'array')
) without rowid;

-- Past runs that the task row no longer tells, written by law. Always: count of runs = claims - (state is running or done).
create table if not exists qk_run (
  task_id    integer not null,
  claim      integer not null,                       -- the n of the receipt id:n
  outcome    text    not null,                       -- failed crashed released cancelled done
  worker     text,
  claimed_at integer,
  ended_at   integer,
  text       text,                                   -- the error, or of a done run the result
  primary key (task_id, claim)
) without rowid;

-- Policy per queue. Every NULL means the built-in default of view qk_policy.
create table if not exists qk_queue (
  name           text    primary key not null,
  paused         integer not null default 0,         -- 1 = claims find nothing
  lease_ms       integer,
  max_attempts   integer,
  backoff_ms     integer,
  backoff_cap_ms integer,
  retention_ms   integer,                            -- how long done and cancelled tasks are kept; dead ones stay
  strategy       text,                               -- which ready task is next: priority (NULL) fifo lifo random fair
  max_running    integer,                            -- most tasks that run at once
  running        integer not null default 0,         --   how many do, as long as there is a limit
  rate_us        integer,                            -- a claim each so many microseconds
  burst          integer,                            --   and this many at once after a rest (NULL = 1)
  rate_at        integer not null default 0,         --   to when, in microseconds since the epoch, the claims so far use it up
  cursor         text    not null default '',        -- not used (it is there since schema 1): see qk_turn
  max_depth      integer,                            -- most tasks that wait
  max_bytes      integer,                            -- most bytes of their payloads
  on_full        text,                               -- then a put is refused (NULL, reject), drops the oldest, or coalesces
  depth          integer not null default 0,         --   how many wait, as long as there is a limit
  bytes          integer not null default 0,
  on_group       text,                               -- a task that failed keeps its group waiting (NULL, block) or steps aside
  max_per_worker integer,                            -- most tasks that one worker runs at once
  labelled       integer not null default 0,         -- 1 = some task has a share
  special        integer generated always as (       -- 1 = only claim.sql may claim: its lean twin knows no policies
                   paused or labelled or coalesce(strategy, max_running, max_per_worker, rate_us) is not null) virtual,
  constraint "QK013 a queue needs a name without NUL" check (name <> '' and printf('%s', name) = name),
  constraint "QK019 a policy number is out of range" check (
        (lease_ms       is null or typeof(lease_ms)       = 'integer' and lease_ms between 1 and 1000000000000000)
    and (max_attempts   is null or typeof(max_attempts)   = 'integer' and max_attempts > 0)
    and (backoff_ms     is null or typeof(backoff_ms)     = 'integer' and backoff_ms between 0 and 1000000000)
    and (backoff_cap_ms is null or typeof(backoff_cap_ms) = 'integer' and backoff_cap_ms >= 0)
    and (retention_ms   is null or typeof(retention_ms)   = 'integer' and retention_ms >= 0)
    and (paused = 0 or paused = 1))
) without rowid;

-- The names of priorities.
create table if not exists qk_priority (
  name  text    primary key not null,
  value integer not null
) without rowid;
insert or ignore into qk_priority values ('low', -10), ('normal', 0), ('high', 10), ('critical', 20);

-- Who works, or worked, on this file.
create table if not exists qk_worker (
  name       text    primary key not null,
  host       text    not null,
  pid        integer not null,
  started_ms integer not null,                       -- from the boot to the start of the process: tells a reused pid apart
  beat_at    integer not null,
  queues     text    not null default '[]',          -- JSON list of names
  capabilities text  not null default ''             -- words
) without rowid;

-- How many tasks each worker runs of the queues that limit it.
create table if not exists qk_hand (
  queue   text    not null,
  worker  text    not null,
  running integer not null,
  primary key (queue, worker)
) without rowid;

-- Whose turn it was last, when claims are fair: of each priority and set of requirements. The rows of a queue are a thousand at most.
create table if not exists qk_turn (
  queue    text    not null,
  priority integer not null,
  lane     text    not null,
  share    text    not null,                         -- the share that was served last
  round    integer not null,                         -- how often it has begun again with the first share
  primary key (queue, priority, lane)
) without rowid;
create index if not exists qk_turn_round on qk_turn (queue, priority, round);

create table if not exists qk_dependency (           -- task_id waits for needs_id; an edge points back in time, so no cycle can be written
  needs_id   integer not null,
  task_id    integer not null,
  on_failure text    not null default 'cancel',      -- of needs_id: cancel, run, wait
  primary key (needs_id, task_id),
  constraint "QK017 a task can wait only for an older one" check (needs_id < task_id)
) without rowid;
create index if not exists qk_dependency_task on qk_dependency (task_id);

-- The task whose failure, or retry, is being passed on, and those it reaches. Empty but while that law is at work.
create table if not exists qk_cascade (
  task_id integer primary key not null,
  root    integer,                                   -- NULL = the task it began with
  was     text,                                      -- its state before; NULL = it just waits for one of these
  cause   integer,                                   -- with the first: the task whose failure had cancelled it
  needs   integer,                                   -- of who just waits: its needs from now on
  only    integer                                    -- with the first: of those that wait for it, just this one is reached; NULL = all
);

-- Tasks that are counted together. A callback is a task that runs when the batch is closed and all of it is finished.
create table if not exists qk_batch (
  id         integer primary key autoincrement,      -- never used twice
  name       text,
  open       integer not null default 1,             -- 1 = tasks may be added
  total      integer not null default 0,
  unfinished integer not null default 0,
  done       integer not null default 0,
  failed     integer not null default 0,             -- dead or cancelled
  created_at integer not null default (cast((julianday('now') - 2440587.5) * 86400000 + 0.5 as integer)),
  ended_at   integer,                                -- when it was closed and all of it was finished: the last time
  queue      text    not null default 'default',     -- of the callback, as the next two
  kind       text    not null default '',
  payload    text,                                   -- NULL = no callback
  callback   integer                                 -- its task, made by law
);
create index if not exists qk_batch_callback_task on qk_batch (callback) where callback is not null;

-- The names of the tasks of a flow, which is a batch.
create table if not exists qk_step (
  batch   integer not null,
  name    text    not null,
  task_id integer not null,
  primary key (batch, name)
) without rowid;
create unique index if not exists qk_step_task on qk_step (task_id);

-- Tasks that come again and again, or once at a time. Python works out the instants, a law puts the tasks.
create table if not exists qk_schedule (
  name         text    primary key not null,
  rule         text    not null,                     -- five or six cron words, or  every D, or  at TIME
  zone         text    not null default 'UTC',       -- whose clock the cron words mean, and a TIME without a zone
  queue        text    not null default 'default',   -- of its tasks, as the rest down to within_ms
  kind         text    not null default '',
  priority     integer not null default 0,           -- or a name of qk_priority, looked up when it fires
  payload      text    not null default 'null',
  share        text    not null default '',
  group_key    text,
  require      text,                                 -- words in any order
  max_attempts integer,
  lease_ms     integer,
  backoff_ms   integer,
  within_ms    integer,                              -- cancelled if it still waits this long after it was put
  next_at      integer,                              -- the next instant; NULL = not worked out yet, or it has ended
  last_at      integer,                              -- the last instant that put a task
  fire         text,                                 -- JSON list of [instant, run time or null, end of waiting or null]: to be put now, by law
  catch_up     text    not null default 'one',       -- of the instants that are late: skip (all but one of this minute), one (the last), all
  grace_ms     integer,                              -- an instant longer ago is not put any more; NULL = one is, however late
  jitter_ms    integer not null default 0,           -- each runs up to so much later
  paused       integer not null default 0,
  ended        integer not null default 0,           -- 1 = no instant is left
  error        text,                                 -- why its instants cannot be worked out, or put
  constraint "QK013 a queue needs a name without NUL" check (queue <> '' and printf('%s', queue) = queue),
  constraint "QK014 a kind, group or share is text without NUL" check (
        printf('%s', kind) = kind and printf('%s', share) = share and (group_key is null or group_key <> '' and printf('%s', group_key) = group_key)),
  constraint "QK015 a payload is text without NUL" check (printf('%s', payload) = payload),
  constraint "QK019 a policy number is out of range" check (
        (max_attempts is null or typeof(max_attempts) = 'integer' and max_attempts > 0)
    and (lease_ms     is null or typeof(lease_ms)     = 'integer' and lease_ms between 1 and 1000000000000000)
    and (backoff_ms   is null or typeof(backoff_ms)   = 'integer' and backoff_ms between 0 and 1000000000)
    and (within_ms    is null or typeof(within_ms)    = 'integer' and within_ms between 0 and 1000000000000000)),
  constraint "QK025 a requirement is words of letters, digits and -_.:/@+=" check (require is null or require not glob '*[^-A-Za-z0-9_.:/@+= ]*'),
  constraint "QK029 a schedule is named, has a rule, and its numbers and words mean something" check (
        name <> '' and printf('%s', name) = name and substr(name, 1, 3) <> 'qk:'      -- keys that begin so are the queue's own
    and typeof(rule) = 'text' and printf('%s', rule) = rule and printf('%s', zone) = zone
    and catch_up in ('skip', 'one', 'all') and paused in (0, 1) and ended in (0, 1)
    and typeof(jitter_ms) = 'integer' and jitter_ms between 0 and 1000000000000000
    and (grace_ms is null or typeof(grace_ms) = 'integer' and grace_ms between 0 and 1000000000000000)),
  constraint "QK029 the next instant of a schedule is a moment from 1970 to the end of 9999, in ms" check (
        next_at is null or typeof(next_at) = 'integer' and next_at between 0 and 253402300799999)
) without rowid;

create table if not exists qk_event (                -- what happened to tasks; append-only. Empty unless events_on.sql was read in
  id      integer primary key,
  at      integer not null,
  task_id integer not null,
  event   text    not null,
  detail  text
);

-- Where a task's events are, coarsely: some of the 32 events with id >> 5 = page are of the 16 tasks with id >> 4 = block. A law adds a row when
-- an event needs one, which is seldom: an index would cost every verb a page.
create table if not exists qk_event_book (
  block integer not null,
  page  integer not null,
  primary key (block, page)
) without rowid;

create table if not exists qk_log (                  -- captured output, one row per run and stream
  task_id integer not null,
  claim   integer not null,
  stream  text    not null,
  text    text    not null,
  primary key (task_id, claim, stream)
) without rowid;

-- Facts about the file itself.
create table if not exists qk_meta (
  name  text primary key not null,
  value,
  constraint "QK031 a queue needs a database whose encoding is UTF-8: give it a file of its own" check (length(cast('a' as blob)) = 1)
) without rowid;

-- What the extra laws are called with; never holds a row.
create table if not exists qk_linked (
  id    integer primary key,
  state text,                                        -- the state that this task had before it moved
  cause integer                                      --   and its cause
);

insert into qk_meta (name, value) values ('schema_version', 3)
  on conflict (name) do update set value = excluded.value where excluded.value < value;  -- an older schema than the file's: refused by law QK030
insert or ignore into qk_meta (name) values ('replaced');  -- is there so that laws.sql notices an INSERT OR REPLACE
