-- due: when something next changes by itself, for a consumer that sleeps: the earliest scheduled task, end of a wait or lease, claim that a
-- rate allows again, or schedule, of the whole file. A moment too early is possible (a lease that was acked meanwhile), one too late is not:
-- run tick then, and ask again.
--
-- parameters
--   :now          integer = the clock    the moment, in ms
-- row
--   due_at        integer or NULL        ms; NULL = nothing waits for a time
-- no row: never

select min(at) as due_at
  from (select min(due_at) as at from qk_task where due_at is not null and state <> 'running'
        union all
        select min(coalesce((select min(t.due_at) from qk_task t not indexed
                              where t.id >= l.block << 4 and t.id < (l.block + 1) << 4
                                and t.state = 'running' and t.due_at >> 10 = l.slot), (l.slot + 1) << 10))
          from qk_lease l where l.slot = (select min(slot) from qk_lease)
        union all
        select min(at) from qk_gate
         where free > 0 and at > coalesce(:now, (select now from qk_clock))
           and exists (select 1 from qk_task where state = 'ready' and queue = qk_gate.queue)
        union all
        select min(at) from qk_instant);
