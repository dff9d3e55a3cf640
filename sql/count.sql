-- count: how many tasks of a queue are ready (its size). Reads only the index.
--
-- parameters
--   :queue        text    = 'default'
-- row
--   ready         integer
-- no row: never

select count(*) as ready from qk_task where state = 'ready' and queue = coalesce(:queue, 'default');
