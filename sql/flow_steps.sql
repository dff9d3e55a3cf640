-- flow_steps: put the tasks of a flow, all or none. Their ids follow each other from the first on, in the order of the list.
--
-- Each step is a JSON object: name, payload (text), after (list of places in the list, from 0, all before its own), and, as in put,
-- queue kind priority on_failure delay_ms require share group max_attempts lease_ms backoff_ms.
--
-- parameters
--   :flow         integer                the batch
--   :steps        text                   JSON list of steps
--   :now          integer = the clock    the moment, in ms
-- no row: always

insert into qk_task (queue, kind, priority, state, run_at, due_at, created_at, duplicates, lane, share, group_key, after, on_failure, batch,
                     max_attempts, lease_ms, backoff_ms, payload)
select ifnull(s.queue, 'default'), ifnull(s.kind, ''), coalesce((select value from qk_priority where name = s.priority), s.priority, 0),
       iif(s.run_at is null, 'ready', 'scheduled'), s.run_at, s.run_at, s.now, 0,
       case when s.require <> '' then (select ifnull(group_concat(word, ' '), '') from (
         select distinct value as word from json_each('[' || replace(json_quote(s.require), ' ', '","') || ']') where value <> '' order by 1)) else '' end,
       ifnull(s.share, ''), s.group_key, iif(s.after = '[]', null, (select json_group_array(s.base + value) from json_each(s.after))),
       s.on_failure, :flow, s.max_attempts, s.lease_ms, s.backoff_ms, s.payload
  from (select j.key, w.base, w.now,
               json_extract(j.value, '$.queue') as queue, json_extract(j.value, '$.kind') as kind, json_extract(j.value, '$.priority') as priority,
               w.now + json_extract(j.value, '$.delay_ms') as run_at, json_extract(j.value, '$.require') as require,
               json_extract(j.value, '$.share') as share, json_extract(j.value, '$.group') as group_key,
               ifnull(json_extract(j.value, '$.after'), '[]') as after, json_extract(j.value, '$.on_failure') as on_failure,
               json_extract(j.value, '$.max_attempts') as max_attempts, json_extract(j.value, '$.lease_ms') as lease_ms,
               json_extract(j.value, '$.backoff_ms') as backoff_ms, json_extract(j.value, '$.payload') as payload
          from (select ifnull(max(id), 0) + 1 as base, coalesce(:now, (select now from qk_clock)) as now from qk_task limit 1) w
         cross join json_each(:steps) j) s;

insert into qk_step (batch, name, task_id)
select :flow, json_extract(j.value, '$.name'), w.first + j.key
  from (select min(id) as first from qk_task where batch = :flow) w
 cross join json_each(:steps) j;

update qk_batch set open = 0 where id = :flow;
