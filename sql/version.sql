-- version: which schema the file has.
--
-- row
--   schema_version integer
--   extra          integer               1 = it has the extra laws (laws_links, laws_cascade, laws_limits)
--   events         integer               1 = it writes history events (events_on)
-- no row: never (an error instead: no such table = the file has no queue)

select value as schema_version, exists (select 1 from qk_meta where name = 'extra') as extra,
       exists (select 1 from qk_meta where name = 'events') as events
  from qk_meta where name = 'schema_version';
