-- schedule_pause: a paused schedule does not fire until it is resumed. What it missed meanwhile is late, as after a time without a daemon.
-- One that an error has stopped is tried again when it is resumed.
--
-- parameters
--   :name         text
--   :paused       integer = 1            0 = it is resumed
-- no row: always. changes() is 0: there is no such schedule

update qk_schedule set paused = coalesce(:paused, 1), error = case when coalesce(:paused, 1) then error end where name = :name;
