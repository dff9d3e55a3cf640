-- batch_open: begin a batch: tasks put with its id are counted together. With a payload, a callback: a task that runs when the batch is
-- closed and all its tasks are finished (done, dead or cancelled; batch tells how many).
--
-- parameters
--   :name         text    = NULL         for people
--   :payload      text    = NULL         of the callback; NULL = none
--   :queue        text    = 'default'    of the callback
--   :kind         text    = ''           of the callback
--   :now          integer = the clock    the moment, in ms
-- no row: always. last_insert_rowid() is the id of the batch

insert into qk_batch (name, queue, kind, payload, created_at)
values (:name, coalesce(:queue, 'default'), coalesce(:kind, ''), :payload, coalesce(:now, (select now from qk_clock)));
