-- schedule_due: the schedules that are to fire, or whose next instant is not worked out yet.
--
-- parameters
--   :now          integer = the clock    the moment, in ms
-- row
--   name          text
--   rule          text
--   zone          text
--   next_at       integer or NULL        ms
--   last_at       integer or NULL        ms
--   catch_up      text
--   grace_ms      integer or NULL
--   jitter_ms     integer
-- no row: none is due

select name, rule, zone, next_at, last_at, catch_up, grace_ms, jitter_ms
  from qk_schedule
 where not paused and error is null
   and (next_at <= coalesce(:now, (select now from qk_clock)) or next_at is null and last_at is null);
