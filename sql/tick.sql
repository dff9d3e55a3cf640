-- tick: move what is due: scheduled tasks become ready, those that waited too long are cancelled, expired leases become failed runs. Bounded;
-- run it again while it finds work.
--
-- usage: tick
--
-- parameters
--   :batch        integer = 100          most tasks, and most groups of leases, of one call (ten times as many that expire; a tenth as many lists of what was claimed ahead)
--   :jitter       integer = 25           percentage by which a backoff may be longer
--   :now          integer = the clock    the moment, in ms
-- no row: always

insert into qk_tick (now, batch, jitter, seed)
values (coalesce(:now, (select now from qk_clock)), :batch, :jitter, abs(random() % 1000003));
