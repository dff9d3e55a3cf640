-- workers: who works, or died working, on this file.
--
-- parameters
--   :host         text    = NULL         NULL = any
-- row
--   name          text
--   host          text                   with what tells apart the process numbers that are valid there
--   pid           integer
--   started_ms    integer                ms since the boot; start of the process, tells a reused pid apart
--   beat_at       integer                ms; its last sign of life
--   queues        text                   JSON list of names
--   capabilities  text                   what it can do: words
-- no row: nobody

select name, host, pid, started_ms, beat_at, queues, capabilities from qk_worker where :host is null or host = :host order by name;
