-- next: the tasks that a worker without capabilities is given now, the best first; it claims none. take does, in the same transaction: so the two are
-- the lean twin of claim_many. No tick, and of a queue with policies of its own (a strategy, limits, shares, a pause) it shows nothing. When it
-- shows none, ask claim_many. (Two statements, for an UPDATE with RETURNING reads each row twice, and writes and reads its answer once more.)
--
-- parameters
--   :queue        text    = 'default'
--   :lease_ms     integer = NULL         NULL (or 0) = as the task says, else its queue, else 60000
--   :limit        integer = 100
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   claims        integer                once it is taken; the receipt of the run is then the text id:claims
--   kind          text
--   key           text or NULL
--   payload       text
--   attempt       integer                1 for the first; grows with failures
--   lease_until   integer                ms; once it is taken, the run is taken away after this moment unless extended
-- no row: nothing is ready, or claim_many must look

select id, claims + 1 as claims, kind, key, payload, failures + 1 as attempt,
       coalesce(:now, (select now from qk_clock))
     + coalesce(nullif(:lease_ms, 0), lease_ms, (select lease_ms from qk_queue where name = coalesce(:queue, 'default')), 60000) as lease_until
  from qk_task
 where state = 'ready' and queue = coalesce(:queue, 'default') and lane = ''
   and (due_at is null or due_at > coalesce(:now, (select now from qk_clock)))
 order by priority desc, share, id
 limit case when exists (select 1 from qk_queue where name = coalesce(:queue, 'default') and special) then 0 else coalesce(:limit, 100) end;
