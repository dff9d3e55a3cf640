-- claim_many: take up to :limit tasks at once, as claim does by priority. Rows come in no order: sort by priority, then id, where it matters.
-- Of a queue with another strategy or with shares, and for a worker with capabilities, it takes nothing: claim one by one, in a transaction.
--
-- parameters
--   :queue        text    = 'default'
--   :worker       text    = NULL         who takes them
--   :lease_ms     integer = NULL         NULL (or 0) = as the task says, else its queue, else 60000
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
-- no row: nothing is ready, or the queue is paused, at its limit, or claims go by another order

insert into qk_tick (now, seed) values (coalesce(:now, (select now from qk_clock)), abs(random() % 1000003));

update qk_task
   set state = 'running', claims = claims + 1, worker = :worker, ended_at = null,
       claimed_at = coalesce(:now, (select now from qk_clock)),
       due_at = coalesce(:now, (select now from qk_clock))
              + coalesce(nullif(:lease_ms, 0), lease_ms, (select lease_ms from qk_queue where name = coalesce(:queue, 'default')), 60000),
       slot = ifnull((select (coalesce(max_running, rate_us) is not null) + 2 * (max_per_worker is not null)
                        from qk_queue where name = coalesce(:queue, 'default')), 0)
 where id in (select id from qk_task
               where state = 'ready' and queue = coalesce(:queue, 'default') and lane = ''
                 and (due_at is null or due_at > coalesce(:now, (select now from qk_clock)))
               order by priority desc, share, id
               limit ifnull((
                 select case when labelled or paused or ifnull(strategy, 'priority') <> 'priority' then 0
                        else max(0, min(coalesce(:limit, 100), ifnull(max_running - running, 1000000000), ifnull((
                               max(ifnull(burst, 1) * rate_us, 1000) - case
                                 when rate_at between coalesce(:now, (select now from qk_clock)) * 1000       -- else at rest, or a clock was set back
                                                  and (coalesce(:now, (select now from qk_clock)) + 60000) * 1000 + max(ifnull(burst, 1) * rate_us, 1000)
                                 then rate_at - coalesce(:now, (select now from qk_clock)) * 1000 else 0 end) / rate_us, 1000000000),
                             ifnull(max_per_worker - ifnull((select h.running from qk_hand h where h.queue = name and h.worker = ifnull(:worker, '')), 0),
                                    1000000000))) end
                   from qk_queue where name = coalesce(:queue, 'default')), coalesce(:limit, 100)))
returning id, id || ':' || claims as receipt, queue, kind, key, payload, failures + 1 as attempt, priority, due_at as lease_until;
