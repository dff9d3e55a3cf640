-- ack_many: many runs succeeded, in one statement; as ack does for each of them.
--
-- parameters
--   :receipts     text                   JSON list of receipts
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is the number of tasks that are done now; of the others the lease is lost

update qk_task
   set state = 'done', settled = claims, due_at = null, ended_at = coalesce(:now, (select now from qk_clock)), result = null
  from json_each(:receipts) r
 where qk_task.id = cast(r.value as integer) and r.value = qk_task.id || ':' || qk_task.claims and qk_task.state = 'running';
