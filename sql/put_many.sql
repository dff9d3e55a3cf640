-- put_many: many tasks of one kind at once, in one statement. Their ids follow each other; last_insert_rowid() is the last.
--
-- parameters
--   :payloads     text                   JSON list of strings: the payloads, in order
--   :queue        text    = 'default'
--   :kind         text    = ''
--   :priority     integer = 0
--   :delay_ms     integer = 0            run this much later
--   :run_at       integer = NULL         run at this moment (wins over :delay_ms)
--   :max_attempts integer = NULL         as in put, here and below
--   :lease_ms     integer = NULL
--   :backoff_ms   integer = NULL
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is the number of tasks

insert into qk_task (state, due_at, run_at, created_at, queue, kind, duplicates, priority, max_attempts, lease_ms, backoff_ms, payload)
select case when w.run_at is null then 'ready' else 'scheduled' end, w.run_at, w.run_at, w.now, w.queue, w.kind, 0, w.priority,
       :max_attempts, :lease_ms, :backoff_ms, j.value
  from (select coalesce(:now, (select now from qk_clock)) as now,
               case when :run_at is not null then :run_at
                    when :delay_ms > 0 then coalesce(:now, (select now from qk_clock)) + :delay_ms end as run_at,
               coalesce(:queue, 'default') as queue, coalesce(:kind, '') as kind, coalesce(:priority, 0) as priority) w
 cross join json_each(:payloads) j;
