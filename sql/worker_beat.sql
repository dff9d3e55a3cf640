-- worker_beat: a worker tells that it is there.
--
-- parameters
--   :name         text                   the name that its runs go by
--   :host         text
--   :pid          integer
--   :started_ms   integer                ms since the boot; start of its process
--   :queues       text    = '[]'         JSON list of names
--   :capabilities text    = ''           what it can do: words
--   :now          integer = the clock    the moment, in ms
-- no row: always

insert into qk_worker (name, host, pid, started_ms, beat_at, queues, capabilities)
values (:name, :host, :pid, :started_ms, coalesce(:now, (select now from qk_clock)), coalesce(:queues, '[]'), coalesce(:capabilities, ''))
on conflict (name) do update
   set host = excluded.host, pid = excluded.pid, started_ms = excluded.started_ms, beat_at = excluded.beat_at,
       queues = excluded.queues, capabilities = excluded.capabilities;
