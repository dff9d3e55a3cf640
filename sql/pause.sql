-- pause: claims of the queue find nothing until it is resumed; what runs goes on.
--
-- usage: pause -q QUEUE
--
-- parameters
--   :queue        text    = 'default'
-- row
--   queue         text
--   paused        integer                1
-- no row: never

insert into qk_queue (name, paused) values (coalesce(:queue, 'default'), 1)
on conflict (name) do update set paused = 1
returning name as queue, paused;
