-- put_plain: the lean twin of put, for what has no more than a key, a time and a policy of its own (the shell prepares it in half the time).
-- A full queue that coalesces refuses it (QK027): put it by put then.
--
-- parameters
--   :payload      text                   the work: any text without NUL, kept byte for byte
--   :queue        text    = 'default'
--   :kind         text    = ''           what sort of work; picks the handler
--   :key          text    = NULL         dedupe; NULL = none
--   :priority     integer = 0            higher is claimed first; or low (-10), normal (0), high (10), critical (20)
--   :delay_ms     integer = 0            run this much later
--   :run_at       integer = NULL         run at this moment (wins over :delay_ms)
--   :max_attempts integer = NULL         failures that make it dead;  NULL = as the queue says, else 10
--   :lease_ms     integer = NULL         length of a lease;           NULL = as the queue says, else 60000
--   :backoff_ms   integer = NULL         wait after the first failure, doubles; NULL = as the queue says, else 1000
--   :now          integer = the clock    the moment, in ms
-- row
--   id            integer                the new task, or of a duplicate the holder of the key
--   duplicates    integer                0 = new; else how many puts have met this task's key
--   state         text                   ready or scheduled; of a duplicate whatever the holder's is
-- no row: never (an error instead: QK010 to QK027)

insert into qk_task (state, due_at, run_at, created_at, queue, kind, key, duplicates, priority, max_attempts, lease_ms, backoff_ms, payload)
values (case when :run_at is not null or :delay_ms > 0 then 'scheduled' else 'ready' end,
        case when :run_at is not null then :run_at
             when :delay_ms > 0 then coalesce(:now, (select now from qk_clock)) + :delay_ms end,
        case when :run_at is not null then :run_at
             when :delay_ms > 0 then coalesce(:now, (select now from qk_clock)) + :delay_ms end,
        coalesce(:now, (select now from qk_clock)),
        coalesce(:queue, 'default'), coalesce(:kind, ''), :key, 0,
        case when typeof(:priority) = 'text' then coalesce((select value from qk_priority where name = :priority), :priority) else coalesce(:priority, 0) end,
        :max_attempts, :lease_ms, :backoff_ms, :payload)
on conflict (queue, key) where key is not null and key_until is not null
do update set duplicates = ifnull(duplicates, 0) + 1
returning id, duplicates, state;
