-- events_on: from now on every put and every change of a task's state, by whatever client, leaves a row in qk_event. (A put that meets its key
-- is none.) Runs again without harm. Read it in again after the extra laws (qk and Python do): else what a put sets off stands before the put.
--
-- The events, and what detail tells:
--   put,                        ready or scheduled (of a plain INSERT with run_at, scheduled comes right after);
--   claimed,                    a run began: its worker;
--   done,                       it was acked: its result;
--   failed, crashed, released,  it ended, and the task waits again: of a failure, or a lease that expired, the error;
--   dead,                       it failed for the last time, or was given up: the error;
--   cancelled, expired,         called off, or not run in time: why, if not by hand;
--   retried,                    finished, and waits again;
--   ready, scheduled, blocked,  waits in another way: its time, need or turn has come; it has another time; it needs others.
--
-- at is the moment that the row tells: created_at, claimed_at, ended_at, and of what was scheduled the time that has come. Laws read no
-- clock: so retried, scheduled, blocked, and ready after blocked have that of the event before, or the last one of the task itself, if that is
-- later. For what another task sets off it is that one's moment; what is done by hand happened then, or later.
--
-- A DELETE (purge) takes the events of its task along; if these are the newest, their ids are used again.
-- no row: always

savepoint qk_events;

insert or ignore into qk_meta (name) values ('events');
drop trigger if exists qk_event_put;
drop trigger if exists qk_event_moved;

create trigger qk_event_put after insert on qk_task
begin
  insert into qk_event (at, task_id, event) values (new.created_at, new.id, 'put');
end;

create trigger qk_event_moved after update of state on qk_task
when new.state <> old.state
begin
  insert into qk_event (at, task_id, event, detail) values (
    case when new.state = 'running' then new.claimed_at
         when new.state = 'done' or old.state = 'running' or new.state = 'dead' or new.state = 'cancelled' then new.ended_at
         when old.state = 'scheduled' and new.state = 'ready' then old.due_at
         else max(new.created_at, ifnull(new.claimed_at, 0), ifnull(new.ended_at, 0), ifnull((select at from qk_event where id = (select max(id) from qk_event)), 0)) end,
    new.id,
    case when new.state = 'running' then 'claimed'
         when new.state = 'done' or new.state = 'dead' then new.state
         when new.state = 'cancelled' then case when old.state <> 'running' and coalesce(new.cancel_at, new.cause) is null
                                                 and new.until_at <= new.ended_at then 'expired' else 'cancelled' end
         when old.state = 'running' then case when new.crashes > old.crashes then 'crashed' when new.failures > old.failures then 'failed'
                                              else 'released' end
         when old.state = 'done' or old.state = 'dead' or old.state = 'cancelled' then 'retried'
         else new.state end,
    case when new.state = 'running' then new.worker
         when new.state = 'done' then new.result
         when new.failures > old.failures or new.error is not old.error then new.error end);
end;

release qk_events;
