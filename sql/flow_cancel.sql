-- flow_cancel: all of a flow that waits is cancelled, what runs is asked to stop, and a dead step holds up its group no longer.
--
-- parameters
--   :id           integer                the flow
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is the number of tasks

update qk_task                                      -- (one that an earlier row of this statement has cancelled stays as it is)
   set state     = case state when 'running' then 'running' else 'cancelled' end,
       cancel_at = case state when 'cancelled' then cancel_at else coalesce(:now, (select now from qk_clock)) end,
       due_at    = case state when 'running' then due_at end,
       ended_at  = case state when 'running' then null when 'cancelled' then ended_at else coalesce(:now, (select now from qk_clock)) end
 where batch = :id and (state = 'ready' or state = 'scheduled' or state = 'blocked' or state = 'running' or state = 'dead' and turn = 1);
