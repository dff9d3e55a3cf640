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
--   priority      integer                (or the name that raw SQL gave it)
--   payload       text
--   share         text
--   group_key     text or NULL
--   require       text or NULL
--   max_attempts  integer or NULL
--   lease_ms      integer or NULL
--   backoff_ms    integer or NULL
--   within_ms     integer or NULL
--   next_at       integer or NULL        ms; NULL = not worked out yet, or it has ended
--   last_at       integer or NULL        ms; the last instant that put a task
--   catch_up      text
--   grace_ms      integer or NULL
--   jitter_ms     integer
--   paused        integer                1 = it does not fire
--   ended         integer                1 = no instant is left
--   error         text or NULL           why its instants cannot be worked out, or put
-- no row: there is none

select name, rule, zone, queue, kind, priority, payload, share, group_key, require, max_attempts, lease_ms, backoff_ms, within_ms,
       next_at, last_at, catch_up, grace_ms, jitter_ms, paused, ended, error
  from qk_schedule
 where :name is null or name = :name
 order by name;
