-- purge: forget finished tasks that are older than their queue keeps them (7 days), dead ones only when asked for. The newest task stays,
-- and so does one whose result others may still read, one that a dead task has cancelled (a retry of that one brings it back), and one that
-- holds its key for a time that is not over. A flow stays while a step of it is dead, and all steps count their age from its end.
-- In bites: ids above :from, :span of them; without these, all at once.
--
-- usage: purge [-q QUEUE] [--older D] [--state done|cancelled|dead]
--
-- parameters
--   :queue        text    = NULL         NULL = all
--   :state        text    = NULL         NULL = done and cancelled
--   :older_ms     integer = NULL         age since the end; NULL = as the queue says, else 604800000
--   :from         integer = 0
--   :span         integer = NULL         NULL = to the end
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is the number of tasks forgotten

delete from qk_task
 where id > coalesce(:from, 0) and id <= coalesce(:from, 0) + coalesce(:span, 4611686018427387904)
   and (state = 'done' or state = 'cancelled' or state = 'dead')
   and case when :state is null then state <> 'dead' else state = :state end
   and (:queue is null or queue = :queue)
   and (key_until is null or key is null or key_until <= coalesce(:now, (select now from qk_clock)))
   and max(ended_at, case when batch is null then 0 else
             ifnull((select case when b.unfinished > 0
                                   or qk_task.state <> 'dead' and exists (select 1 from qk_task d where d.batch = b.id and d.batch is not null and d.state = 'dead')
                                 then 9223372036854775807 else b.ended_at end
                       from qk_step s cross join qk_batch b on b.id = s.batch where s.task_id = qk_task.id), 0) end)
    <= coalesce(:now, (select now from qk_clock))
                 - coalesce(:older_ms, (select retention_ms from qk_queue where name = qk_task.queue), 604800000);
