-- schedule_list: the schedules of the file.
--
-- parameters
--   :name         text    = NULL         NULL = all
-- row
--   name          text
--   rule          text
--   zone          text
--   queue         text
--   kind          text
--   priority      integer
--   payload       text
--   next_at       integer or NULL        ms; NULL = not worked out yet, or it has ended
--   last_at       integer or NULL        ms; the last instant that put a task
--   catch_up      text
--   grace_ms      integer or NULL
--   jitter_ms     integer
--   paused        integer                1 = it does not fire
--   ended         integer                1 = no instant is left
--   error         text or NULL           why its instants cannot be worked out
-- no row: there is none

select name, rule, zone, queue, kind, priority, payload, next_at, last_at, catch_up, grace_ms, jitter_ms, paused, ended, error
  from qk_schedule
 where :name is null or name = :name
 order by name;
