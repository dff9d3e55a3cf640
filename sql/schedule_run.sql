-- schedule_run: put a task of the schedule now, whatever its rule says, and though it is paused; its next instant stays.
--
-- parameters
--   :name         text
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer                the task; of two calls in one ms the second finds that of the first
-- no row: there is no such schedule

insert into qk_task (queue, kind, key, duplicates, priority, until_at, due_at, created_at, lane, share, group_key,
                     max_attempts, lease_ms, backoff_ms, payload)
select s.queue, s.kind, s.name || '@' || c.now, 0, ifnull((select value from qk_priority where name = s.priority), s.priority),
       c.now + s.within_ms, c.now + s.within_ms, c.now,
       case when s.require <> '' then (select ifnull(group_concat(word, ' '), '') from (
         select distinct value as word from json_each('["' || replace(s.require, ' ', '","') || '"]') where value <> '' order by 1)) else '' end,
       s.share, s.group_key, s.max_attempts, s.lease_ms, s.backoff_ms, s.payload
  from qk_schedule s, (select coalesce(:now, (select now from qk_clock)) as now) c
 where s.name = :name
on conflict (queue, key) where key is not null and key_until is not null
do update set duplicates = ifnull(duplicates, 0) + 1
returning id;
