-- batch_close: nothing more will be added but by its own tasks; when all of it is finished, its callback runs.
--
-- parameters
--   :id           integer
-- no row: always. changes() is 0: there is no such batch

update qk_batch set open = 0 where id = :id;
