-- retry: a finished task (dead, cancelled or done) is ready again, with all its attempts, and does not expire any more. Its key is taken back if it
-- is free. Those that were cancelled because it failed wait for it again (nor do they expire); it waits itself for a task that it needs and that is
-- not done, be it unfinished or failed.
--
-- usage: retry ID...
--
-- parameters
--   :id           integer
--   :delay_ms     integer = 0            ready after this long
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   state         text                   ready, scheduled or blocked
-- no row: no such task, or it is not finished

update qk_task
   set failures = 0, crashes = 0, cancel_at = null, result = null, until_at = null, cause = null,
       error     = case when cause is null then error end,      -- (no run of its own failed)
       state     = case when needs > 0 then 'blocked' when :delay_ms > 0 then 'scheduled' else 'ready' end,
       due_at    = case when needs = 0 and :delay_ms > 0 then coalesce(:now, (select now from qk_clock)) + :delay_ms end,
       run_at    = case when needs > 0 and :delay_ms > 0 then coalesce(:now, (select now from qk_clock)) + :delay_ms end,
       key_until = case when key_until is not null then key_until
                        when key is not null
                         and not exists (select 1 from qk_task o
                                          where o.queue = qk_task.queue and o.key = qk_task.key
                                            and o.key is not null and o.key_until is not null) then 0 end
 where id = :id and (state = 'dead' or state = 'cancelled' or state = 'done')
returning id, state;
