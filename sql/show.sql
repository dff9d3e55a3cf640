-- show: everything about one task.
--
-- usage: show ID [--payload]
--
-- parameters
--   :id           integer
-- row
--   id            integer
--   state         text
--   queue         text
--   kind          text
--   key           text or NULL
--   priority      integer
--   attempt       integer                attempts made: failures, and the one that runs or succeeded
--   claims        integer                runs begun, ever
--   failures      integer
--   crashes       integer
--   duplicates    integer                puts that met its key
--   max_attempts  integer                as in force: the task's, else its queue's, else the default
--   require       text                   words that a worker must name
--   share         text
--   group_key     text or NULL           the group that it is in
--   after         text or NULL           JSON list of the tasks that it waits, or waited, for
--   needs         integer                how many of these (or of its batch) it still waits for
--   on_failure    text or NULL           what becomes of it when one of these fails
--   batch         integer or NULL        the batch that counts it
--   run_at        integer or NULL        ms; as asked for at put
--   until_at      integer or NULL        ms; when it expires if it still waits
--   created_at    integer
--   due_at        integer or NULL        ms; when it changes by itself
--   claimed_at    integer or NULL
--   ended_at      integer or NULL
--   cancel_at     integer or NULL
--   worker        text or NULL
--   error         text or NULL
--   result        text or NULL
--   runs          text                   past runs, a JSON list of {claim, outcome, worker, claimed_at, ended_at, text}
--   payload       text
-- no row: no such task

select t.id, t.state, t.queue, t.kind, t.key, t.priority, t.failures + (t.state in ('running', 'done')) as attempt,
       t.claims, t.failures, t.crashes, ifnull(t.duplicates, 0) as duplicates, p.max_attempts,
       t.lane as require, t.share, t.group_key, t.after, t.needs, t.on_failure, t.batch, t.run_at, t.until_at,
       t.created_at, t.due_at, t.claimed_at, t.ended_at, t.cancel_at, t.worker, t.error, t.result,
       (select json_group_array(json_object('claim', claim, 'outcome', outcome, 'worker', worker,
                                            'claimed_at', claimed_at, 'ended_at', ended_at, 'text', text))
          from (select * from qk_run where task_id = t.id order by claim)) as runs,
       t.payload
  from qk_task t
  join qk_policy p on p.task_id = t.id
 where t.id = :id;
