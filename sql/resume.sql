-- resume: a paused queue may be claimed from again.
--
-- usage: resume -q QUEUE
--
-- parameters
--   :queue        text    = 'default'
-- row
--   queue         text
--   paused        integer                0
-- no row: never

insert into qk_queue (name, paused) values (coalesce(:queue, 'default'), 0)
on conflict (name) do update set paused = 0
returning name as queue, paused;
