-- put_many_simple: the lean twin of put_many, for tasks without delay or policy of their own (0.8 µs a task less). Their ids follow each other;
-- last_insert_rowid() is the last. A queue without room for all of them refuses them (QK027).
--
-- parameters
--   :payloads     text                   JSON list of strings: the payloads, in order
--   :queue        text    = 'default'
--   :kind         text    = ''
--   :priority     integer = 0            or a name, as in put
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is the number of tasks

insert into qk_task (created_at, queue, kind, priority, payload)
select w.now, w.queue, w.kind, w.priority, j.value
  from (select coalesce(:now, (select now from qk_clock)) as now, coalesce(:queue, 'default') as queue, coalesce(:kind, '') as kind,
               coalesce((select value from qk_priority where name = :priority), :priority, 0) as priority) w
 cross join json_each(:payloads) j;
