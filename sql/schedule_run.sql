-- schedule_run: put a task of the schedule now, whatever its rule says; its next instant stays.
--
-- parameters
--   :name         text
--   :now          integer = the clock    the moment, in ms
-- no row: always. changes() is 0: there is no such schedule

update qk_schedule set fire = json_array(json_array(coalesce(:now, (select now from qk_clock)), null)) where name = :name;
