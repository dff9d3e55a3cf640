-- flow_list: batches and flows, newest first.
--
-- parameters
--   :limit        integer = 50
-- row
--   id            integer
--   name          text or NULL
--   open          integer                1 = tasks may be added
--   total         integer
--   unfinished    integer
--   done          integer
--   failed        integer                dead or cancelled
--   created_at    integer
--   ended_at      integer or NULL
-- no row: there is none

select id, name, open, total, unfinished, done, failed, created_at, ended_at
  from qk_batch
 order by id desc
 limit coalesce(:limit, 50);
