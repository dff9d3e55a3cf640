-- extend: the worker is still at it; the lease now ends :lease_ms from now. Tells whether a cancel was asked.
--
-- usage: extend RECEIPT [--lease D]
--
-- parameters
--   :receipt      text
--   :lease_ms     integer = NULL         NULL = as the task says, else its queue, else 60000
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   lease_until   integer                ms
--   cancel_at     integer or NULL        when a cancel was asked: stop, and release or nack
-- no row: the lease is lost; stop working on the task

update qk_task
   set due_at = coalesce(:now, (select now from qk_clock))
              + coalesce(:lease_ms, (select lease_ms from qk_policy where task_id = qk_task.id))
 where id = cast(:receipt as integer) and :receipt = id || ':' || claims and state = 'running'
returning id, due_at as lease_until, cancel_at;
