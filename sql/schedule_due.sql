-- schedule_due: the schedules that are to fire, or whose next instant is not worked out yet. One whose queue is full waits for room.
--
-- parameters
--   :now          integer = the clock    the moment, in ms
-- row
--   name          text
--   rule          text
--   zone          text
--   next_at       integer or NULL        ms
--   catch_up      text
--   grace_ms      integer or NULL
--   jitter_ms     integer
--   within_ms     integer or NULL
--   on_full       text or NULL           of its queue: drop_oldest makes room for it
-- no row: none is due

select name, rule, zone, next_at, catch_up, grace_ms, jitter_ms, within_ms,
       (select on_full from qk_queue where name = queue) as on_full
  from qk_instant join qk_schedule using (name)
 where at <= coalesce(:now, (select now from qk_clock));
