-- claim_many_simple: the lean twin of claim_many, as claim_simple is of claim: no tick, and of a queue with policies of its own it takes nothing.
-- When it finds none, ask claim_many. Rows come in no order: sort by priority, then id, where it matters.
--
-- parameters
--   :queue        text    = 'default'
--   :worker       text    = NULL         who takes them
--   :lease_ms     integer = NULL         NULL (or 0) = as the task says, else its queue, else 60000
--   :limit        integer = 100
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   claims        integer                the receipt of the run is the text id:claims
--   kind          text
--   key           text or NULL
--   payload       text
--   attempt       integer                1 for the first; grows with failures
--   lease_until   integer                ms; the run is taken away after this moment unless extended
--   priority      integer
-- no row: nothing is ready, or claim_many must look

update qk_task
   set state = 'running', claims = claims + 1, worker = :worker, ended_at = null,
       claimed_at = coalesce(:now, (select now from qk_clock)),
       due_at = coalesce(:now, (select now from qk_clock))
              + coalesce(nullif(:lease_ms, 0), lease_ms, (select lease_ms from qk_queue where name = coalesce(:queue, 'default')), 60000)
 where id in (select id from qk_task
               where state = 'ready' and queue = coalesce(:queue, 'default') and lane = ''
                 and (due_at is null or due_at > coalesce(:now, (select now from qk_clock)))
               order by priority desc, share, id
               limit case when exists (select 1 from qk_queue where name = coalesce(:queue, 'default') and special) then 0 else coalesce(:limit, 100) end)
returning id, claims, kind, key, payload, failures + 1 as attempt, due_at as lease_until, priority;
