-- special: does the queue have policies of its own (a strategy, limits, shares, a pause)? Then nothing is claimed ahead of it.
--
-- parameters
--   :queue        text    = 'default'
-- row
--   special       integer                1 if it has, else 0
-- no row: never

select ifnull((select special from qk_queue where name = coalesce(:queue, 'default')), 0) as special;
