-- flow_open: a flow is a batch that is made whole: flow_steps puts its tasks, in the same transaction.
--
-- parameters
--   :name         text    = NULL         for people
--   :now          integer = the clock    the moment, in ms
-- no row: always. last_insert_rowid() is the id of the flow

insert into qk_batch (name, created_at) values (:name, coalesce(:now, (select now from qk_clock)));
