-- snooze: a waiting task runs later, or sooner: at a new time. (A running one is put off by release, with a delay.)
--
-- usage: snooze ID... [--delay D | --at TIME]
--
-- parameters
--   :id           integer
--   :delay_ms     integer = 0            run this long from now
--   :run_at       integer = NULL         run at this moment (wins over :delay_ms)
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   state         text                   scheduled; or still blocked: the time counts when it is free to run
--   due_at        integer or NULL        when it changes by itself
-- no row: no such task, or it does not wait

update qk_task
   set run_at = coalesce(:run_at, coalesce(:now, (select now from qk_clock)) + coalesce(:delay_ms, 0)),
       due_at = case state when 'blocked' then until_at
                else min(coalesce(:run_at, coalesce(:now, (select now from qk_clock)) + coalesce(:delay_ms, 0)), ifnull(until_at, 9007199254740991)) end,
       state  = case state when 'blocked' then 'blocked' else 'scheduled' end
 where id = :id and (state = 'ready' or state = 'scheduled' or state = 'blocked')
returning id, state, due_at;
