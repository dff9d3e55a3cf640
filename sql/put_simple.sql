-- put_simple: put without key, delay or policy of its own: the lean twin of put (1.5 µs less). The id is last_insert_rowid().
--
-- parameters
--   :payload      text                   the work: any text without NUL, kept byte for byte
--   :queue        text    = 'default'
--   :kind         text    = ''           what sort of work; picks the handler
--   :priority     integer = 0            higher is claimed first; or low (-10), normal (0), high (10), critical (20)
--   :now          integer = the clock    the moment, in ms
-- no row: always

insert into qk_task (created_at, queue, kind, priority, payload)
values (coalesce(:now, (select now from qk_clock)), coalesce(:queue, 'default'), coalesce(:kind, ''),
        case when typeof(:priority) = 'text' then coalesce((select value from qk_priority where name = :priority), :priority) else coalesce(:priority, 0) end, :payload);
