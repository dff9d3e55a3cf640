-- policy: set how a queue treats its tasks; NULL leaves a value as it is. Reaches the tasks that wait, too.
--
-- parameters
--   :queue          text    = 'default'
--   :lease_ms       integer = NULL       length of a lease (built in: 60000)
--   :max_attempts   integer = NULL       failures that make a task dead (10)
--   :backoff_ms     integer = NULL       wait after the first failure; doubles with each (1000)
--   :backoff_cap_ms integer = NULL       longest wait (3600000)
--   :retention_ms   integer = NULL       how long purge keeps done and cancelled tasks (604800000)
-- row
--   queue           text
--   lease_ms        integer or NULL      NULL = built in
--   max_attempts    integer or NULL
--   backoff_ms      integer or NULL
--   backoff_cap_ms  integer or NULL
--   retention_ms    integer or NULL
-- no row: never

insert into qk_queue (name, lease_ms, max_attempts, backoff_ms, backoff_cap_ms, retention_ms)
values (coalesce(:queue, 'default'), :lease_ms, :max_attempts, :backoff_ms, :backoff_cap_ms, :retention_ms)
on conflict (name) do update
   set lease_ms       = coalesce(excluded.lease_ms, lease_ms),
       max_attempts   = coalesce(excluded.max_attempts, max_attempts),
       backoff_ms     = coalesce(excluded.backoff_ms, backoff_ms),
       backoff_cap_ms = coalesce(excluded.backoff_cap_ms, backoff_cap_ms),
       retention_ms   = coalesce(excluded.retention_ms, retention_ms)
returning name as queue, lease_ms, max_attempts, backoff_ms, backoff_cap_ms, retention_ms;
