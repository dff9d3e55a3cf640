-- list: tasks, newest first.
--
-- usage: ls [-q QUEUE] [--state S] [--kind K] [--key K] [--limit N]
--
-- parameters
--   :queue        text    = NULL         NULL = any, here and below
--   :state        text    = NULL
--   :kind         text    = NULL
--   :key          text    = NULL
--   :limit        integer = 50
-- row
--   id            integer
--   state         text
--   queue         text
--   kind          text
--   key           text or NULL
--   priority      integer
--   attempt       integer                attempts made: failures, and the one that runs or succeeded
--   created_at    integer
--   due_at        integer or NULL
--   ended_at      integer or NULL
--   worker        text or NULL
--   error         text or NULL
-- no row: none match

select id, state, queue, kind, key, priority, failures + (state in ('running', 'done')) as attempt,
       created_at, due_at, ended_at, worker, error
  from qk_task
 where (:queue is null or queue = :queue) and (:state is null or state = :state)
   and (:kind  is null or kind  = :kind)  and (:key   is null or key   = :key)
 order by id desc
 limit coalesce(:limit, 50);
