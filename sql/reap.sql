-- reap: the worker is known to be dead: the leases of its runs end now, and the next tick makes crashed runs of them.
--
-- parameters
--   :worker       text                   the name that its runs go by
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is the number of runs ended

update qk_task set due_at = coalesce(:now, (select now from qk_clock))
 where id in (select t.id
                from (select distinct block from qk_lease) l
                cross join qk_task t not indexed
               where t.id >= l.block << 4 and t.id < (l.block + 1) << 4 and t.state = 'running' and t.worker = :worker);
