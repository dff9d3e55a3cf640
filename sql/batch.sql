-- batch: how far a batch is. (batch open begins one and prints its id: tasks put with --batch ID are counted together. With a payload, a
-- callback: a task that runs when the batch is closed and all its tasks are finished.)
--
-- usage: batch open [--name N] [-q QUEUE] [--kind K] [PAYLOAD] | batch close ID | batch show ID | batch show --callback ID
--
-- parameters
--   :id           integer = NULL         the batch
--   :callback     integer = NULL         or the task that is its callback
-- row
--   id            integer
--   name          text or NULL
--   open          integer                1 = tasks may be added
--   total         integer
--   unfinished    integer
--   done          integer
--   failed        integer                dead or cancelled
--   created_at    integer
--   ended_at      integer or NULL        ms; when it was closed and all of it finished (the last time)
--   callback      integer or NULL        the task that runs then
-- no row: there is none

select id, name, open, total, unfinished, done, failed, created_at, ended_at, callback
  from qk_batch
 where id = :id or callback = :callback;
