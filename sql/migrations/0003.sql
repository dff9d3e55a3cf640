-- 0003: speed. The indexes that only links and limits need go: laws_links.sql and laws_limits.sql make them (again, in a file that has the extra
-- laws). tick gives back what a dead consumer had claimed ahead.

drop index if exists qk_task_shared;
drop index if exists qk_task_oldest;
drop index if exists qk_task_turn;
drop index if exists qk_task_line;
drop index if exists qk_task_line_timed;
drop index if exists qk_task_batch;
drop index if exists qk_task_dead;
drop trigger if exists qk_tick_due;
drop trigger if exists qk_task_move;

update qk_meta set value = 3 where name = 'schema_version';
