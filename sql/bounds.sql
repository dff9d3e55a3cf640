-- bounds: the lowest and the highest id, for going through the file in bites (purge).
--
-- row
--   lowest        integer or NULL        NULL = no task
--   highest       integer or NULL
-- no row: never

select (select min(id) from qk_task) as lowest, (select max(id) from qk_task) as highest;
