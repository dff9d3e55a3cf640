-- schedule_fire: put the tasks of the instants that are due, and say which comes next; only if the next one is still the expected, so that
-- of many that try at once one does it, and if it was not paused, or turned to another rule or zone, meanwhile.
--
-- parameters
--   :name         text
--   :rule         text                   as it was when the instants were worked out, as the next two
--   :zone         text
--   :expected     integer = NULL         next_at as it was then
--   :next_at      integer = NULL         the next instant; NULL = none is left
--   :fire         text    = NULL         JSON list of [instant, run time or null, end of waiting or null]; NULL = nothing is put
--   :error        text    = NULL         why nothing can be worked out
-- no row: always. changes() is 0: somebody else was quicker

update qk_schedule
   set fire = :fire, error = :error, ended = :error is null and :next_at is null,
       next_at = case when :error is null then :next_at else next_at end
 where name = :name and rule = :rule and zone = :zone and next_at is :expected and paused = 0;
