-- claim_simple: the lean twin of claim, for a worker without capabilities: no tick, and of a queue with policies of its own (a strategy,
-- limits, shares, a pause) it takes nothing. When it finds none, ask claim. Its row leaves to the caller what the caller knows (1 µs less).
--
-- parameters
--   :queue        text    = 'default'
--   :worker       text    = NULL         who takes it (up to 20 bytes cost nothing)
--   :lease_ms     integer = NULL         NULL (or 0) = as the task says, else its queue, else 60000
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   claims        integer                the receipt of the run is the text id:claims
--   kind          text
--   key           text or NULL
--   payload       text
--   attempt       integer                1 for the first; grows with failures
--   lease_until   integer                ms; the run is taken away after this moment unless extended
-- no row: nothing is ready, or claim must look

update qk_task
   set state = 'running', claims = claims + 1, worker = :worker, ended_at = null,
       claimed_at = coalesce(:now, (select now from qk_clock)),
       due_at = coalesce(:now, (select now from qk_clock))
              + coalesce(nullif(:lease_ms, 0), lease_ms, (select lease_ms from qk_queue where name = coalesce(:queue, 'default')), 60000)
 where id = (select id from qk_task
              where state = 'ready' and queue = coalesce(:queue, 'default') and lane = ''
              order by priority desc, share, id
              limit not exists (select 1 from qk_queue where name = coalesce(:queue, 'default') and special))
   and (due_at is null or due_at > coalesce(:now, (select now from qk_clock)))
returning id, claims, kind, key, payload, failures + 1 as attempt, due_at as lease_until;
