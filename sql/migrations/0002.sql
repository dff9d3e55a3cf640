-- 0002: order, time and flow. The laws and views of schema 1 go (schema.sql, laws.sql and views.sql make theirs afterwards), and so do the
-- tables that schema 1 only reserved.

drop trigger if exists qk_task_birth;
drop trigger if exists qk_born_call;
drop trigger if exists qk_meta_replaced;
drop trigger if exists qk_task_run_at;
drop trigger if exists qk_timed_call;
drop trigger if exists qk_task_fixed;
drop trigger if exists qk_task_key_held;
drop trigger if exists qk_task_move;
drop trigger if exists qk_moved_call;
drop trigger if exists qk_task_lease;
drop trigger if exists qk_lease_kept;
drop trigger if exists qk_lease_fixed;
drop trigger if exists qk_task_delete;
drop trigger if exists qk_task_gone;
drop trigger if exists qk_run_born;
drop trigger if exists qk_run_fixed;
drop trigger if exists qk_run_kept;
drop trigger if exists qk_event_fixed;
drop trigger if exists qk_event_born;
drop trigger if exists qk_event_kept;
drop trigger if exists qk_meta_version;
drop trigger if exists qk_meta_kept;
drop trigger if exists qk_meta_version_born;
drop trigger if exists qk_tick_due;
drop view if exists qk_born;
drop view if exists qk_timed;
drop view if exists qk_moved;
drop view if exists qk_clock;
drop view if exists qk_policy;
drop view if exists qk_tick;
drop view if exists qk_running;
drop view if exists qk_tasks;
drop view if exists qk_stats;
drop table qk_dependency;
drop table qk_batch;
drop table qk_schedule;

alter table qk_worker add column capabilities text not null default '';
alter table qk_queue add column max_per_worker integer;
alter table qk_queue add column labelled integer not null default 0;
alter table qk_queue add column special integer generated always as (
  paused or labelled or coalesce(strategy, max_running, max_per_worker, rate_us) is not null) virtual;

update qk_meta set value = 2 where name = 'schema_version';
