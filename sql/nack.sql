-- nack: the run failed. The task waits its backoff and is tried again, or is dead when its failures reach max_attempts.
-- If a cancel was asked meanwhile it is cancelled.
--
-- usage: nack RECEIPT [--error TEXT] [--delay D] [--dead]
--
-- parameters
--   :receipt      text
--   :error        text    = NULL         why; kept with the task and in its history
--   :delay_ms     integer = NULL         wait this long; NULL = backoff: base * 2^failures, capped, plus jitter
--   :dead         integer = 0            1 = dead at once, whatever attempts are left
--   :jitter       integer = 25           backoff is longer by up to this percentage
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   state         text                   scheduled, dead or cancelled
--   failures      integer
--   due_at        integer or NULL        when it is tried again
-- no row: the lease is lost

update qk_task
   set settled = claims, failures = failures + 1, ended_at = coalesce(:now, (select now from qk_clock)), error = :error,
       state  = case when cancel_at is not null then 'cancelled'
                     when :dead or failures + 1 >= (select max_attempts from qk_policy where task_id = qk_task.id) then 'dead'
                     else 'scheduled' end,
       due_at = case when cancel_at is not null then null
                     when :dead or failures + 1 >= (select max_attempts from qk_policy where task_id = qk_task.id) then null
                     else min(coalesce(:now, (select now from qk_clock))
                            + coalesce(:delay_ms, (select retry_ms + abs(random() % (retry_ms * coalesce(:jitter, 25) / 100 + 1))
                                                     from qk_policy where task_id = qk_task.id)), ifnull(until_at, 9007199254740991)) end
 where id = cast(:receipt as integer) and :receipt = id || ':' || claims and state = 'running'
returning id, state, failures, due_at;
