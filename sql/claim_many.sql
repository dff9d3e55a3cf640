-- claim_many: take up to :limit tasks at once; else as claim. Rows come in no order: sort by priority, then id, where it matters.
--
-- parameters
--   :queue        text    = 'default'
--   :worker       text    = NULL         who takes them
--   :lease_ms     integer = NULL         NULL = as the task says, else its queue, else 60000
--   :limit        integer = 100
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   receipt       text                   id:claims, the fence of this run; ack, nack, extend and release ask for it
--   queue         text
--   kind          text
--   key           text or NULL
--   payload       text
--   attempt       integer                1 for the first; grows with failures
--   priority      integer
--   lease_until   integer                ms; the run is taken away after this moment unless extended
-- no row: nothing is ready, or the queue is paused

insert into qk_tick (now, seed) values (coalesce(:now, (select now from qk_clock)), abs(random() % 1000003));

update qk_task
   set state = 'running', claims = claims + 1, worker = :worker, ended_at = null,
       claimed_at = coalesce(:now, (select now from qk_clock)),
       due_at = coalesce(:now, (select now from qk_clock))
              + coalesce(:lease_ms, lease_ms, (select lease_ms from qk_queue where name = coalesce(:queue, 'default')), 60000)
 where id in (select id from qk_task
              where state = 'ready' and queue = coalesce(:queue, 'default') and lane = ''
              order by priority desc, share, id
              limit coalesce(:limit, 100) * not exists (select 1 from qk_queue where name = coalesce(:queue, 'default') and paused))
returning id, id || ':' || claims as receipt, queue, kind, key, payload, failures + 1 as attempt, priority, due_at as lease_until;
