-- flow_show: the tasks of a flow (or of any batch), in the order of their puts.
--
-- parameters
--   :id           integer                the flow
-- row
--   id            integer
--   name          text or NULL           of the step; NULL = a task of a batch that is no flow
--   state         text
--   queue         text
--   kind          text
--   after         text                   JSON list of the ids that it waits, or waited, for
--   attempt       integer
--   claimed_at    integer or NULL
--   ended_at      integer or NULL
--   error         text or NULL
--   result        text or NULL
-- no row: there is no such flow, or nothing in it

select t.id, s.name, t.state, t.queue, t.kind, ifnull(t.after, '[]') as after, t.failures + (t.state in ('running', 'done')) as attempt,
       t.claimed_at, t.ended_at, t.error, t.result
  from qk_task t
  left join qk_step s on s.task_id = t.id
 where t.batch = :id
 order by t.id;
