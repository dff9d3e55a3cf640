-- schedule_remove: forget a schedule; the tasks that it has put stay.
--
-- parameters
--   :name         text
-- no row: always. changes() is 0: there is no such schedule

delete from qk_schedule where name = :name;
