-- put: give a queue a task. A key that is held makes this a duplicate: nothing is added, and the holder counts it.
-- While the holder waits, :on_conflict says what becomes of it: keep what it has; replace: it takes on payload, priority and times; merge: the
-- payloads are JSON lists (anything else is a list of one), and are joined. :unique_ms is how long a task holds its key: NULL till it is
-- finished (one that replaces or merges: till it is claimed), -1 till it is claimed, else so long and till it is finished. One that replaces
-- or merges, and gives no such time, is a new task while the holder runs, however that one holds the key. A key may not begin with qk:.
--
-- A full queue that coalesces (policy) joins this put with others, as merge does, if all it names is queue, kind, priority and payload.
--
-- usage: put [-q QUEUE] [--kind K] [--key K] [--unique D|unfinished|unclaimed|forever] [--on-conflict keep|replace|merge] [--priority N|NAME] [--delay D | --at TIME] [--within D | --until TIME] [--require WORDS] [--share S] [--group G] [--after ID,ID...] [--on-failure cancel|run|wait] [--batch ID] [--attempts N] [--lease D] [--backoff D] [PAYLOAD | -]
--
-- parameters
--   :payload      text                   the work: any text without NUL, kept byte for byte
--   :queue        text    = 'default'
--   :kind         text    = ''           what sort of work; picks the handler
--   :key          text    = NULL         dedupe; NULL = none
--   :priority     integer = 0            higher is claimed first; or low (-10), normal (0), high (10), critical (20)
--   :delay_ms     integer = 0            run this much later
--   :run_at       integer = NULL         run at this moment (wins over :delay_ms)
--   :within_ms    integer = NULL         cancelled if it still waits this long after the put
--   :until_at     integer = NULL         cancelled if it still waits at this moment (wins over :within_ms)
--   :require      text    = NULL         what a worker must be able to do: words with spaces between, such as  gpu region=us
--   :share        text    = ''           whose share of the work it is: fair claims give each share its turn
--   :group        text    = NULL         tasks of a group run one at a time, in the order of their puts
--   :after        text    = NULL         JSON list of ids: it waits until these tasks are done
--   :on_failure   text    = NULL         when one of these fails: cancel this one (NULL), run it anyway, or wait for a retry
--   :batch        integer = NULL         count it in this batch
--   :unique_ms    integer = NULL         how long it holds its key; 9007199254740991 = for ever
--   :on_conflict  text    = 'keep'       keep, replace or merge
--   :max_attempts integer = NULL         failures that make it dead;  NULL = as the queue says, else 10
--   :lease_ms     integer = NULL         length of a lease;           NULL = as the queue says, else 60000
--   :backoff_ms   integer = NULL         wait after the first failure, doubles; NULL = as the queue says, else 1000
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer                the new task, or of a duplicate the holder of the key
--   duplicates    integer                0 = new; else how many puts have met this task's key
--   state         text                   ready or scheduled (blocked, too, once it is in the file); of a duplicate whatever the holder's is
-- no row: never (an error instead: QK010 to QK027)

insert into qk_task (state, due_at, run_at, until_at, created_at, queue, kind, key, key_until, duplicates, priority, lane, share, group_key,
                     after, on_failure, batch, max_attempts, lease_ms, backoff_ms, payload)
select case when w.run_at is null then 'ready' else 'scheduled' end,
       case when w.run_at is null then w.until_at else min(w.run_at, ifnull(w.until_at, w.run_at)) end,
       w.run_at, w.until_at, w.now, w.queue, coalesce(:kind, ''), ifnull(:key, w.overflow),
       case when :unique_ms >= 0 then min(w.now + :unique_ms, 9007199254740991)
            when (w.on_conflict = 'replace' or w.on_conflict = 'merge') and substr(:key, 1, 3) is not 'qk:' then -2
            when :unique_ms = -1 then -1
            when w.on_conflict = 'keep' or substr(:key, 1, 3) = 'qk:' then 0 else 'no such' end,
       0, w.priority,
       case when :require <> '' then (select ifnull(group_concat(word, ' '), '') from (
         select distinct value as word from json_each('[' || replace(json_quote(:require), ' ', '","') || ']') where value <> '' order by 1)) else '' end,
       coalesce(:share, ''), :group, :after, :on_failure, :batch, :max_attempts, :lease_ms, :backoff_ms,
       case when w.on_conflict <> 'merge' then :payload
            when json_valid(:payload) then case json_type(:payload) when 'array' then :payload else '[' || :payload || ']' end
            else '[' || json_quote(:payload) || ']' end
  from (select *, case when overflow is not null then 'merge'
                       when :key is null and (:on_conflict = 'replace' or :on_conflict = 'merge') then 'keep'      -- no put will meet it
                       else coalesce(:on_conflict, 'keep') end as on_conflict
          from (select coalesce(:now, (select now from qk_clock)) as now, coalesce(:queue, 'default') as queue,
                       case when :run_at is not null then :run_at
                            when :delay_ms > 0 then coalesce(:now, (select now from qk_clock)) + :delay_ms end as run_at,
                       coalesce(:until_at, coalesce(:now, (select now from qk_clock)) + :within_ms) as until_at,
                       p.priority,
                       (select 'qk:overflow' || iif(p.priority <> 0, '/' || p.priority, '') || iif(:kind <> '', ':' || :kind, '')
                          from qk_queue             -- a full queue that coalesces, and a put like any other
                         where name = coalesce(:queue, 'default') and on_full = 'coalesce' and depth >= max_depth
                           and coalesce(:key, :unique_ms, nullif(:on_conflict, 'keep'), nullif(:delay_ms, 0), :run_at, :within_ms, :until_at,
                                        nullif(:require, ''), nullif(:share, ''), :group, :after, :on_failure, :batch,
                                        :max_attempts, :lease_ms, :backoff_ms) is null) as overflow
                  from (select coalesce((select value from qk_priority where name = :priority), :priority, 0) as priority) p)) w
 where true
on conflict (queue, key) where key is not null and key_until is not null
do update
   set duplicates = ifnull(duplicates, 0) + 1,
       payload  = case when state <> 'ready' and state <> 'scheduled' and state <> 'blocked' then payload
                       when :on_conflict = 'replace' then excluded.payload
                       when :on_conflict = 'merge' or :key is null then
                         (select '[' || a || iif(a = '' or b = '', '', ',') || b || ']'
                            from (select iif(json_valid(qk_task.payload), iif(json_type(qk_task.payload) = 'array',
                                             trim(substr(trim(qk_task.payload, char(9, 10, 13, 32)), 2, length(trim(qk_task.payload, char(9, 10, 13, 32))) - 2),
                                                  char(9, 10, 13, 32)),
                                             qk_task.payload), json_quote(qk_task.payload)) as a,
                                         trim(substr(trim(excluded.payload, char(9, 10, 13, 32)), 2, length(trim(excluded.payload, char(9, 10, 13, 32))) - 2),
                                              char(9, 10, 13, 32)) as b))
                       else payload end,
       priority = case when :on_conflict = 'replace' and (state = 'ready' or state = 'scheduled' or state = 'blocked') then excluded.priority else priority end,
       run_at   = case when :on_conflict = 'replace' and (state = 'ready' or state = 'scheduled' or state = 'blocked') then excluded.run_at else run_at end,
       until_at = case when :on_conflict = 'replace' and (state = 'ready' or state = 'scheduled' or state = 'blocked') then excluded.until_at else until_at end,
       due_at   = case when :on_conflict = 'replace' and (state = 'ready' or state = 'scheduled') then excluded.due_at
                       when :on_conflict = 'replace' and state = 'blocked' then excluded.until_at else due_at end,
       state    = case when :on_conflict = 'replace' and (state = 'ready' or state = 'scheduled') then excluded.state else state end
returning id, duplicates, state;
