-- results: what the tasks that a task waited for have left.
--
-- usage: results ID
--
-- parameters
--   :id           integer                the task that waited
-- row
--   id            integer                one that it waited for
--   kind          text
--   state         text
--   result        text or NULL           what its ack left
--   error         text or NULL           why its last failed run failed
-- no row: it waited for none, or there is no such task

select p.id, p.kind, p.state, p.result, p.error
  from qk_dependency d
  join qk_task p on p.id = d.needs_id
 where d.task_id = :id
 order by p.id;
