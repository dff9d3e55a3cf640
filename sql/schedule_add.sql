-- schedule: tasks that come again and again, or once. add makes a schedule of this name, new or instead of the one that was there. With the
-- rule and zone that it had, it goes on where it is (so a script may add its schedules at every start), or at :next_at if that is sooner;
-- paused it stays in any case. (qk leaves :next_at out: queuekit alone knows calendars, so it fires the schedules, and tells their next
-- instants. add of queuekit prints the first one.)
-- Of each schedule one of --cron, --every and --at is wanted. --zone says whose clock the cron words mean, and a TIME without a zone; every
-- counts seconds. --catch-up says what is put of the instants for which nobody was there: the last one, each of them (all), or (skip) the
-- last if it is of this minute; none is put that is later than --grace. The rest is as in put.
--
-- usage: schedule add NAME (--cron WORDS | --every D | --at TIME) [--zone Z] [--catch-up one|all|skip] [--grace D] [--jitter D] [-q QUEUE] [--kind K] [--priority N|NAME] [--within D] [--require WORDS] [--share S] [--group G] [--attempts N] [--lease D] [--backoff D] [PAYLOAD | -] | schedule ls | schedule run-now|pause|resume|rm NAME | queuekit schedule next NAME [-n N]
--
-- parameters
--   :name         text
--   :rule         text                   cron words, every D, or at TIME
--   :zone         text    = 'UTC'        whose clock the cron words mean, and a TIME without a zone
--   :queue        text    = 'default'    of its tasks, as the rest down to :within_ms; each as in put
--   :kind         text    = ''
--   :priority     integer = 0            or a name, as in put
--   :payload      text    = 'null'
--   :share        text    = ''
--   :group        text    = NULL
--   :require      text    = NULL
--   :max_attempts integer = NULL
--   :lease_ms     integer = NULL
--   :backoff_ms   integer = NULL
--   :within_ms    integer = NULL         cancelled if it still waits this long after it was put
--   :catch_up     text    = 'one'        of the instants that are late: skip, one, all
--   :grace_ms     integer = NULL         an instant longer ago is not put any more
--   :jitter_ms    integer = 0            each runs up to so much later
--   :next_at      integer = NULL         its first instant; NULL = to be worked out by who fires it
-- no row: always

insert or replace into qk_schedule (name, rule, zone, queue, kind, priority, payload, share, group_key, require, max_attempts, lease_ms,
                                    backoff_ms, within_ms, catch_up, grace_ms, jitter_ms, paused, next_at, last_at, ended)
select :name, :rule, coalesce(:zone, 'UTC'), coalesce(:queue, 'default'), coalesce(:kind, ''),
       coalesce((select value from qk_priority where name = :priority), :priority, 0), coalesce(:payload, 'null'), coalesce(:share, ''), :group,
       :require, :max_attempts, :lease_ms, :backoff_ms, :within_ms, coalesce(:catch_up, 'one'), :grace_ms, coalesce(:jitter_ms, 0),
       ifnull(was.paused, 0),
       case when was.same is not 1 then :next_at when not was.ended then coalesce(min(was.next_at, :next_at), was.next_at, :next_at) end,
       case when was.same then was.last_at end, ifnull(was.same and was.ended, 0)
  from (select s.*, s.rule = :rule and s.zone = coalesce(:zone, 'UTC') as same from (select 1) left join qk_schedule s on s.name = :name) was;
