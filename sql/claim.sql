-- claim: take the next ready task of a queue for the length of a lease. Opens with what is due (tick).
--
-- Which is next says the strategy of the claim, or of its queue:
--   priority  the highest priority, then the oldest (the default)
--   fifo      the oldest                lifo  the newest
--   random    the oldest of a priority drawn by lot: of n priorities that are ready, the lowest has a weight of 1, then 3, 5, 7 …
--   fair      of the highest priority, the oldest of the next share in turn. (Each set of requirements has turns of its own, and of those that
--             the worker meets the one that is the furthest behind is next.)
-- A task that requires words is taken only by who names all of them as capabilities.
--
-- usage: claim [-q QUEUE] [-n N] [--strategy S] [--capability WORDS] [--worker NAME] [--lease D]
--
-- parameters
--   :queue        text    = 'default'
--   :worker       text    = NULL         who takes it (up to 20 bytes cost nothing)
--   :capabilities text    = NULL         what the worker can do: words, each once, with spaces between, such as  gpu region=us
--   :strategy     text    = NULL         NULL (or what is none of these) = as the queue says, else priority
--   :lease_ms     integer = NULL         NULL (or 0) = as the task says, else its queue, else 60000
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
              + coalesce(nullif(:lease_ms, 0), lease_ms, (select lease_ms from qk_queue where name = coalesce(:queue, 'default')), 60000),
       slot = ifnull((select (coalesce(max_running, rate_us) is not null) + 2 * (max_per_worker is not null)
                           + 4 * case when instr(' priority fifo lifo random fair ', ' ' || :strategy || ' ') then :strategy = 'fair' else strategy is 'fair' end
                        from qk_queue where name = coalesce(:queue, 'default')), 0)
 where id = (
  with recursive
    pile (strategy, labelled, lane, last, id) as (  -- one task of each (lane, priority) that may be next; id is NULL if just longer lanes begin so
      select s.strategy, s.labelled, '', '',
             (select n.id from qk_task n where n.state = 'ready' and n.queue = coalesce(:queue, 'default') and n.lane = ''
                 and (n.due_at is null or n.due_at > coalesce(:now, (select now from qk_clock)))
               order by n.priority desc, n.share, n.id limit 1)
        from (select coalesce(case when instr(' priority fifo lifo random fair ', ' ' || :strategy || ' ') then :strategy end,
                              (select strategy from qk_queue where name = coalesce(:queue, 'default')), 'priority') as strategy,
                     (select labelled from qk_queue where name = coalesce(:queue, 'default')) as labelled) s
       where not exists (select 1 from qk_gate where queue = coalesce(:queue, 'default')
                            and (free < 1 or coalesce(:now, (select now from qk_clock)) between since and at - 1
                              or per_worker <= (select running from qk_hand where queue = coalesce(:queue, 'default') and worker = ifnull(:worker, ''))))
      union all                                     -- the next priority of the lane (NULL), or a lane that is one word longer
      select strategy, labelled, trim(lane || ' ' || ifnull(word.value, '')), ifnull(word.value, x''),      -- a blob is greater than any text
             case when word.value is null then (
                    select n.id from qk_task n where n.state = 'ready' and n.queue = coalesce(:queue, 'default') and n.lane = pile.lane
                       and n.priority < (select priority from qk_task where id = pile.id)
                       and (n.due_at is null or n.due_at > coalesce(:now, (select now from qk_clock)))
                     order by n.priority desc, n.share, n.id limit 1)
                  else (
                    select n.id from qk_task n where n.state = 'ready' and n.queue = coalesce(:queue, 'default') and n.lane = ltrim(pile.lane || ' ' || word.value)
                       and (n.due_at is null or n.due_at > coalesce(:now, (select now from qk_clock)))
                     order by n.priority desc, n.share, n.id limit 1) end
        from pile cross join json_each('[null' || iif(:capabilities is null, '', ',' || replace(json_quote(:capabilities), ' ', '","')) || ']') word
       where (:capabilities is not null or strategy = 'fifo' or strategy = 'lifo' or strategy = 'random')
         and case when word.value is null then pile.id is not null and (strategy = 'fifo' or strategy = 'lifo' or strategy = 'random')
                  else word.value > last
                   and exists (select 1 from qk_task n where n.state = 'ready' and n.queue = coalesce(:queue, 'default')
                                  and n.lane >= ltrim(pile.lane || ' ' || word.value) and n.lane < ltrim(pile.lane || ' ' || word.value) || '!') end),
    head (strategy, id, priority) as (              -- of each, the oldest (the newest, if that is asked for): among those without a share, and those with one
      select strategy,
             case when strategy = 'fair' then p.id  -- the oldest of its first share
                  when strategy = 'lifo' then max(p.id,
                    ifnull((select n.id from qk_task n where n.state = 'ready' and n.queue = p.queue and n.lane = p.lane and n.priority = p.priority
                               and n.share = '' and (n.due_at is null or n.due_at > coalesce(:now, (select now from qk_clock))) order by n.id desc limit 1), 0),
                    case when labelled then ifnull((
                      select n.id from qk_task n
                       where n.state = 'ready' and n.share <> '' and n.queue = p.queue and n.lane = p.lane and n.priority = p.priority
                         and (n.due_at is null or n.due_at > coalesce(:now, (select now from qk_clock))) order by n.id desc limit 1), 0) else 0 end)
                  when labelled then min(p.id,
                    ifnull((select n.id from qk_task n
                             where n.state = 'ready' and n.share <> '' and n.queue = p.queue and n.lane = p.lane and n.priority = p.priority
                               and (n.due_at is null or n.due_at > coalesce(:now, (select now from qk_clock))) order by n.id limit 1), p.id))
                  else p.id end,
             p.priority
        from pile cross join qk_task p on p.id = pile.id)
  select case strategy
      when 'fifo'   then oldest
      when 'lifo'   then newest
      when 'random' then (                          -- the greater of two draws out of n: the r-th has the weight 2 r - 1
        select min(t.id)
          from (select json_extract(list, '$[' || max((random() & 9223372036854775807) % json_array_length(list),
                                                      (random() & 9223372036854775807) % json_array_length(list)) || ']') as priority
                  from (select json_group_array(priority) as list
                          from (select distinct l.priority from json_each(heads) j cross join qk_task l on l.id = j.value order by 1))
                 limit 1) drawn                     -- the limit: drawn once, not for each row
               cross join json_each(heads) j cross join qk_task t on t.id = j.value and t.priority = drawn.priority)
      when 'fair'   then (                          -- of the lanes the one that is the furthest behind: its share after the one served last, or else
        select id                                   -- (negative) its first, and a new round. (ORDER BY would open a b-tree)
          from (select n.id, min(printf('%019d', coalesce(max(w.round, w.latest - 1) + (w.next < 0), w.latest, 0))
                                 || n.share || char(0) || printf('%019d', n.id))
                  from (select ifnull((select t.id from qk_task t where t.state = 'ready' and t.queue = l.queue and t.lane = l.lane and t.priority = top
                                          and t.share > turn.share and (t.due_at is null or t.due_at > coalesce(:now, (select now from qk_clock)))
                                        order by t.share, t.id limit 1), -l.id) as next,
                               turn.round,
                               (select max(round) from qk_turn where queue = l.queue and priority = top) as latest
                          from json_each(heads) j cross join qk_task l on l.id = j.value and l.priority = top
                          left join qk_turn turn on turn.queue = l.queue and turn.priority = l.priority and turn.lane = l.lane
                         limit -1) w                -- the limit: each is looked for once
                       cross join qk_task n on n.id = abs(w.next)))
      else iif(top = bottom, oldest, (select t.id from json_each(heads) j cross join qk_task t on t.id = j.value order by t.priority desc, t.id limit 1)) end
    from (select strategy, min(id) as oldest, max(id) as newest, max(priority) as top, min(priority) as bottom, json_group_array(id) as heads from head))
returning id, id || ':' || claims as receipt, queue, kind, key, payload, failures + 1 as attempt, due_at as lease_until;
