-- cancel: a waiting task is cancelled at once; of a running one the stop is asked: its worker hears it at its next extend,
-- and nack, release or the end of the lease make it cancelled (an ack still makes it done). A dead task that holds up its group can be
-- cancelled, too. Those that wait for a cancelled task are cancelled, run or wait, as they were put.
--
-- usage: cancel ID...
--
-- parameters
--   :id           integer
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   state         text                   cancelled, or running: asked
-- no row: no such task, or it is finished

update qk_task
   set state     = case state when 'running' then 'running' else 'cancelled' end,
       cancel_at = coalesce(:now, (select now from qk_clock)),
       due_at    = case state when 'running' then due_at end,
       ended_at  = case state when 'running' then null else coalesce(:now, (select now from qk_clock)) end
 where id = :id and (state = 'ready' or state = 'scheduled' or state = 'blocked' or state = 'running' or state = 'dead' and turn = 1)
returning id, state;
