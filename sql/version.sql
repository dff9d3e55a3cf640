-- version: which schema the file has.
--
-- row
--   schema_version integer
-- no row: never (an error instead: no such table = the file has no queue)

select value as schema_version from qk_meta where name = 'schema_version';
