-- release: give a task back unfinished; it costs no attempt (with a delay: snooze). If a cancel was asked meanwhile it is cancelled.
--
-- usage: release RECEIPT [--delay D]
--
-- parameters
--   :receipt      text
--   :delay_ms     integer = 0            ready again after this long
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   state         text                   ready, scheduled or cancelled
-- no row: the lease is lost

update qk_task
   set settled = claims, ended_at = coalesce(:now, (select now from qk_clock)),
       state  = case when cancel_at is not null then 'cancelled' when :delay_ms > 0 then 'scheduled' else 'ready' end,
       due_at = case when cancel_at is not null then null
                     when :delay_ms > 0 then min(coalesce(:now, (select now from qk_clock)) + :delay_ms, ifnull(until_at, 9007199254740991))
                     else until_at end
 where id = cast(:receipt as integer) and :receipt = id || ':' || claims and state = 'running'
returning id, state;
