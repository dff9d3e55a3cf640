-- put_many: many tasks of one kind at once, in one statement. Their ids follow each other; last_insert_rowid() is the last.
-- A queue without room for all of them refuses them (QK027), also one that coalesces: put them one by one then.
--
-- parameters
--   :payloads     text                   JSON list of strings: the payloads, in order
--   :queue        text    = 'default'
--   :kind         text    = ''
--   :priority     integer = 0            or a name, as in put; so, too, all below
--   :delay_ms     integer = 0            run this much later
--   :run_at       integer = NULL         run at this moment (wins over :delay_ms)
--   :within_ms    integer = NULL
--   :until_at     integer = NULL
--   :require      text    = NULL
--   :share        text    = ''
--   :group        text    = NULL
--   :after        text    = NULL
--   :on_failure   text    = NULL
--   :batch        integer = NULL
--   :max_attempts integer = NULL
--   :lease_ms     integer = NULL
--   :backoff_ms   integer = NULL
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is the number of tasks

insert into qk_task (state, due_at, run_at, until_at, created_at, queue, kind, duplicates, priority, lane, share, group_key, after, on_failure,
                     batch, max_attempts, lease_ms, backoff_ms, payload)
select case when w.run_at is null then 'ready' else 'scheduled' end,
       case when w.run_at is null then w.until_at else min(w.run_at, ifnull(w.until_at, w.run_at)) end,
       w.run_at, w.until_at, w.now, w.queue, w.kind, 0, w.priority, w.lane, w.share, :group, :after, :on_failure,
       :batch, :max_attempts, :lease_ms, :backoff_ms, j.value
  from (select coalesce(:now, (select now from qk_clock)) as now,
               case when :run_at is not null then :run_at
                    when :delay_ms > 0 then coalesce(:now, (select now from qk_clock)) + :delay_ms end as run_at,
               coalesce(:until_at, coalesce(:now, (select now from qk_clock)) + :within_ms) as until_at,
               coalesce(:queue, 'default') as queue, coalesce(:kind, '') as kind, coalesce(:share, '') as share,
               coalesce((select value from qk_priority where name = :priority), :priority, 0) as priority,
               case when :require <> '' then (select ifnull(group_concat(word, ' '), '') from (
         select distinct value as word from json_each('[' || replace(json_quote(:require), ' ', '","') || ']') where value <> '' order by 1)) else '' end as lane) w
 cross join json_each(:payloads) j;
