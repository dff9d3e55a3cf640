-- worker_gone: a worker that has ended, or has died, is forgotten; one that has taken over its name meanwhile is not.
--
-- parameters
--   :name         text
--   :pid          integer
--   :started_ms   integer
-- no row: always

delete from qk_worker where name = :name and pid = :pid and started_ms = :started_ms;
