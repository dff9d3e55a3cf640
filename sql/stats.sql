-- stats: how many tasks a queue has in each state. Reads every task: for people, not for loops (count is quick).
--
-- usage: stats [-q QUEUE]
--
-- parameters
--   :queue        text    = NULL         NULL = all
-- row
--   queue         text
--   paused        integer                1 = claims find nothing
--   ready         integer
--   scheduled     integer
--   blocked       integer
--   running       integer
--   done          integer
--   dead          integer
--   cancelled     integer
--   oldest_ready_at integer or NULL      ms
-- no row: no such queue, or no task yet

select queue, paused, ready, scheduled, blocked, running, done, dead, cancelled, oldest_ready_at
  from qk_stats
 where :queue is null or queue = :queue;
