-- schedule_add: a schedule of this name, new or instead of the one that was there. With the rule and zone that it had, it goes on where it is
-- (so a script may add its schedules at every start); paused it stays in any case.
--
-- parameters
--   :name         text
--   :rule         text                   cron words, every D, or at TIME
--   :zone         text    = 'UTC'        whose clock the cron words mean
--   :queue        text    = 'default'    of its tasks, as the next three
--   :kind         text    = ''
--   :priority     integer = 0            or a name, as in put
--   :payload      text    = 'null'
--   :catch_up     text    = 'one'        of the instants that are late: skip, one, all
--   :grace_ms     integer = NULL         an instant longer ago is not put any more
--   :jitter_ms    integer = 0            each runs up to so much later
--   :next_at      integer = NULL         its first instant; NULL = to be worked out
-- no row: always

insert into qk_schedule (name, rule, zone, queue, kind, priority, payload, catch_up, grace_ms, jitter_ms, next_at)
values (:name, :rule, coalesce(:zone, 'UTC'), coalesce(:queue, 'default'), coalesce(:kind, ''),
        coalesce((select value from qk_priority where name = :priority), :priority, 0),
        coalesce(:payload, 'null'), coalesce(:catch_up, 'one'), :grace_ms, coalesce(:jitter_ms, 0), :next_at)
on conflict (name) do update
   set rule = excluded.rule, zone = excluded.zone, queue = excluded.queue, kind = excluded.kind, priority = excluded.priority,
       payload = excluded.payload, catch_up = excluded.catch_up, grace_ms = excluded.grace_ms, jitter_ms = excluded.jitter_ms,
       next_at = case when (rule, zone) = (excluded.rule, excluded.zone) and (next_at is not null or ended) then next_at else excluded.next_at end,
       last_at = case when (rule, zone) = (excluded.rule, excluded.zone) then last_at end,
       ended   = (rule, zone) = (excluded.rule, excluded.zone) and ended,
       error   = null;
