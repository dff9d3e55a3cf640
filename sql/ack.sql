-- ack: the run succeeded; the task is done. Only the receipt of the run in progress counts.
--
-- usage: ack RECEIPT [--result TEXT]
--
-- parameters
--   :receipt      text
--   :result       text    = NULL         kept with the task (the integer 0 is NULL, too: Python binds it 1 µs faster)
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is 1, or 0: the lease is lost (expired and taken by another, released, or finished before)

update qk_task
   set state = 'done', settled = claims, due_at = null, ended_at = coalesce(:now, (select now from qk_clock)), result = nullif(:result, 0)
 where id = cast(:receipt as integer) and :receipt = id || ':' || claims and state = 'running';
