-- claim: take the next ready task of a queue for the length of a lease. Opens with what is due (tick).
--
-- Which is next says the strategy of the claim, or of its queue:
--   priority  the highest priority, then the oldest (the default)
--   fifo      the oldest                lifo  the newest
--   random    the oldest of a priority drawn by lot: of n priorities that are ready, the lowest has a weight of 1, then 3, 5, 7 …
--   fair      of the highest priority, the oldest of the next share in turn
-- A task that requires words is taken only by who names all of them as capabilities.
--
-- usage: claim [-q QUEUE] [-n N] [--strategy S] [--capability WORDS] [--worker NAME] [--lease D]
--
-- parameters
--   :queue        text    = 'default'
--   :worker       text    = NULL         who takes it (up to 20 bytes cost nothing)
--   :capabilities text    = NULL         what the worker can do: words with spaces between, such as  gpu region=us
--   :strategy     text    = NULL         NULL = as the queue says, else priority
--   :lease_ms     integer = NULL         NULL = as the task says, else its queue, else 60000
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer
--   receipt       text                   id:claims, the fence of this run; ack, nack, extend and release ask for it
--   queue         text
--   kind          text
--   key           text or NULL
--   payload       text
--   attempt       integer                1 for the first; grows with failures
--   lease_until   integer                ms; the run is taken away after this moment unless extended
-- no row: nothing is ready that this worker can do, or the queue is paused, or at its limit

insert into qk_tick (now, seed) values (coalesce(:now, (select now from qk_clock)), abs(random() % 1000003));

update qk_task
   set state = 'running', claims = claims + 1, worker = :worker, ended_at = null,
       claimed_at = coalesce(:now, (select now from qk_clock)),
       due_at = coalesce(:now, (select now from qk_clock))
              + coalesce(:lease_ms, lease_ms, (select lease_ms from qk_queue where name = coalesce(:queue, 'default')), 60000),
       slot = ifnull((select (coalesce(max_running, rate_us) is not null) + 2 * (max_per_worker is not null) + 4 * (coalesce(:strategy, strategy) is 'fair')
                        from qk_queue where name = coalesce(:queue, 'default')), 0)
 where id = (
  with recursive pile (strategy, id) as (           -- the first task of each (lane, priority, share) that may be next
    select strategy, (select id from qk_task where state = 'ready' and queue = coalesce(:queue, 'default')
                         and lane >= '' and lane <= iif(:capabilities is null, '', x'')      -- a blob is greater than any text
                       order by lane, priority desc, share, id limit 1)
      from (select coalesce(:strategy, (select strategy from qk_queue where name = coalesce(:queue, 'default')), 'priority') as strategy)
     where not exists (select 1 from qk_gate where queue = coalesce(:queue, 'default')
                          and (free < 1 or at > coalesce(:now, (select now from qk_clock))
                            or per_worker <= (select running from qk_hand where queue = coalesce(:queue, 'default') and worker = ifnull(:worker, ''))))
    union all
    select strategy, coalesce(
        (select n.id from qk_task n where n.state = 'ready' and n.queue = p.queue and n.lane = p.lane and n.priority = p.priority
            and n.share > p.share and strategy <> 'fair' order by n.share, n.id limit 1),
        (select n.id from qk_task n where n.state = 'ready' and n.queue = p.queue and n.lane = p.lane and n.priority < p.priority
            and strategy <> 'fair' and strategy <> 'priority' order by n.priority desc, n.share, n.id limit 1),
        (select n.id from qk_task n where n.state = 'ready' and n.queue = p.queue and n.lane > p.lane and n.lane <= iif(:capabilities is null, '', x'')
          order by n.lane, n.priority desc, n.share, n.id limit 1))
      from pile cross join qk_task p on p.id = pile.id)
  select case strategy
      when 'fifo'   then oldest
      when 'lifo'   then newest
      when 'random' then (                          -- the greater of two draws out of n: the r-th has the weight 2 r - 1
        select min(t.id)
          from (select json_extract(list, '$[' || max((random() & 9223372036854775807) % json_array_length(list),
                                                      (random() & 9223372036854775807) % json_array_length(list)) || ']') as priority
                  from (select json_group_array(priority) as list
                          from (select distinct l.priority from json_each(piles) j cross join qk_task l on l.id = j.value order by 1))
                 limit 1) drawn                     -- the limit: drawn once, not for each row
               cross join json_each(piles) j cross join qk_task t on t.id = j.value and t.priority = drawn.priority)
      when 'fair'   then (                          -- the share after the one that was served last, else the first
        select min((select min(t.id) from qk_task t where t.state = 'ready' and t.queue = l.queue and t.lane = l.lane
                       and t.priority = top and t.share = turn.share))
          from (select ifnull(
                  (select min((select min(t.share) from qk_task t where t.state = 'ready' and t.queue = l.queue and t.lane = l.lane
                                  and t.priority = top and t.share > (select cursor from qk_queue where name = l.queue)))
                     from json_each(piles) j cross join qk_task l on l.id = j.value),
                  (select min((select min(t.share) from qk_task t where t.state = 'ready' and t.queue = l.queue and t.lane = l.lane
                                  and t.priority = top)) from json_each(piles) j cross join qk_task l on l.id = j.value)) as share) turn
               cross join json_each(piles) j cross join qk_task l on l.id = j.value)
      else iif(top = bottom, oldest, (select t.id from json_each(piles) j cross join qk_task t on t.id = j.value order by t.priority desc, t.id limit 1)) end
    from (select strategy, min(p.id) as oldest, max(p.priority) as top, min(p.priority) as bottom,
                 max(case strategy when 'lifo' then (select max(t.id) from qk_task t where t.state = 'ready' and t.queue = p.queue
                                                        and t.lane = p.lane and t.priority = p.priority and t.share = p.share) end) as newest,
                 json_group_array(p.id) as piles
            from pile cross join qk_task p on p.id = pile.id
           where p.lane = '' or (select group_concat('  ' || word || ' ', '') from (
                     select distinct value as word from json_each('[' || replace(json_quote(:capabilities), ' ', '","') || ']') where value <> '' order by 1))
                   glob '* ' || replace(p.lane, ' ', ' * ') || ' *'))
   and (due_at is null or due_at > coalesce(:now, (select now from qk_clock)))
returning id, id || ':' || claims as receipt, queue, kind, key, payload, failures + 1 as attempt, due_at as lease_until;
