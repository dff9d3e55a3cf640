-- events_off: from now on nothing is written to qk_event. What is there stays, until its task is purged. Runs again without harm.
--
-- no row: always

savepoint qk_events;

drop trigger if exists qk_event_put;
drop trigger if exists qk_event_moved;
delete from qk_meta where name = 'events';

release qk_events;
