-- flow_cancel: all of a flow that waits is cancelled, what runs is asked to stop.
--
-- parameters
--   :id           integer                the flow
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is the number of tasks

update qk_task                                      -- (one that an earlier row of this statement has cancelled stays as it is)
   set state     = case when state = 'ready' or state = 'scheduled' or state = 'blocked' then 'cancelled' else state end,
       cancel_at = case when state = 'done' or state = 'dead' or state = 'cancelled' then cancel_at else coalesce(:now, (select now from qk_clock)) end,
       due_at    = case when state = 'ready' or state = 'scheduled' or state = 'blocked' then null else due_at end,
       ended_at  = case when state = 'ready' or state = 'scheduled' or state = 'blocked' then coalesce(:now, (select now from qk_clock)) else ended_at end
 where batch = :id and (state = 'ready' or state = 'scheduled' or state = 'blocked' or state = 'running');
