-- take: claim the tasks that next has shown, in the same transaction. Policies are not asked: next has.
--
-- parameters
--   :ids          text                   JSON list of integers
--   :worker       text    = NULL         who takes them (up to 20 bytes cost nothing)
--   :lease_ms     integer = NULL         NULL (or 0) = as the task says, else its queue, else 60000; as given to next
--   :now          integer = the clock    the moment, in ms, as given to next
-- no row: always. changes() is the number of tasks that were ready

update qk_task
   set state = 'running', claims = claims + 1, worker = :worker, ended_at = null,
       claimed_at = coalesce(:now, (select now from qk_clock)),
       due_at = coalesce(:now, (select now from qk_clock))
              + coalesce(nullif(:lease_ms, 0), lease_ms, (select lease_ms from qk_queue where name = queue), 60000)
 where id in (select value from json_each(:ids)) and state = 'ready';
