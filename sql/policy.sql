-- policy: set how a queue treats its tasks; NULL leaves a value as it is. Reaches the tasks that wait, too.
-- A limit of 0 is lifted. One that is set counts what runs, or waits, already. A put into a full queue is refused (reject), or cancels the
-- oldest ready tasks (drop_oldest: a hundred at most), or is joined with others like it into one task whose payload is a list of theirs
-- (coalesce: see put; where max_bytes is what is full it is refused). A task that failed
-- keeps its group waiting until it is done, cancelled or retried (block), or lets the others go on (aside).
--
-- usage: policy [-q QUEUE] [--lease D] [--attempts N] [--backoff D] [--backoff-cap D] [--retention D] [--strategy S] [--max-running N] [--max-per-worker N] [--rate N/D] [--burst N] [--max-depth N] [--max-bytes N] [--on-full reject|drop_oldest|coalesce] [--on-group block|aside]
--
-- parameters
--   :queue          text    = 'default'
--   :lease_ms       integer = NULL       length of a lease (built in: 60000)
--   :max_attempts   integer = NULL       failures that make a task dead (10)
--   :backoff_ms     integer = NULL       wait after the first failure; doubles with each (1000)
--   :backoff_cap_ms integer = NULL       longest wait (3600000)
--   :retention_ms   integer = NULL       how long purge keeps done and cancelled tasks (604800000)
--   :strategy       text    = NULL       which ready task is next, see claim (priority)
--   :max_running    integer = NULL       most tasks that run at once (no limit)
--   :max_per_worker integer = NULL       most tasks that one worker runs at once (no limit)
--   :rate_us        integer = NULL       a claim each so many microseconds (no limit)
--   :burst          integer = NULL       and so many at once after a rest (1)
--   :max_depth      integer = NULL       most tasks that wait (no limit)
--   :max_bytes      integer = NULL       most bytes of the payloads that wait (no limit)
--   :on_full        text    = NULL       what becomes of a put into a full queue (reject)
--   :on_group       text    = NULL       what becomes of a group whose task failed (block)
-- row
--   queue           text
--   lease_ms        integer or NULL      NULL = built in
--   max_attempts    integer or NULL
--   backoff_ms      integer or NULL
--   backoff_cap_ms  integer or NULL
--   retention_ms    integer or NULL
--   strategy        text or NULL
--   max_running     integer or NULL
--   max_per_worker  integer or NULL
--   rate_us         integer or NULL
--   burst           integer or NULL
--   max_depth       integer or NULL
--   max_bytes       integer or NULL
--   on_full         text or NULL
--   on_group        text or NULL
-- no row: never

insert into qk_queue (name, lease_ms, max_attempts, backoff_ms, backoff_cap_ms, retention_ms, strategy,
                      max_running, max_per_worker, rate_us, burst, max_depth, max_bytes, on_full, on_group)
values (coalesce(:queue, 'default'), :lease_ms, :max_attempts, :backoff_ms, :backoff_cap_ms, :retention_ms, nullif(:strategy, 'priority'),
        nullif(:max_running, 0), nullif(:max_per_worker, 0), nullif(:rate_us, 0), nullif(:burst, 0), nullif(:max_depth, 0), nullif(:max_bytes, 0),
        :on_full, :on_group)
on conflict (name) do update
   set lease_ms       = coalesce(:lease_ms, lease_ms),
       max_attempts   = coalesce(:max_attempts, max_attempts),
       backoff_ms     = coalesce(:backoff_ms, backoff_ms),
       backoff_cap_ms = coalesce(:backoff_cap_ms, backoff_cap_ms),
       retention_ms   = coalesce(:retention_ms, retention_ms),
       strategy       = nullif(coalesce(:strategy, strategy), 'priority'),
       max_running    = nullif(coalesce(:max_running, max_running), 0),
       max_per_worker = nullif(coalesce(:max_per_worker, max_per_worker), 0),
       rate_us        = nullif(coalesce(:rate_us, rate_us), 0),
       burst          = nullif(coalesce(:burst, burst), 0),
       max_depth      = nullif(coalesce(:max_depth, max_depth), 0),
       max_bytes      = nullif(coalesce(:max_bytes, max_bytes), 0),
       on_full        = coalesce(:on_full, on_full),
       on_group       = coalesce(:on_group, on_group)
returning name as queue, lease_ms, max_attempts, backoff_ms, backoff_cap_ms, retention_ms, strategy,
          max_running, max_per_worker, rate_us, burst, max_depth, max_bytes, on_full, on_group;
