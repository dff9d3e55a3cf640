-- queue_view: the SQL that gives a queue a view of its own name, so that  INSERT INTO notifications(data) VALUES ('{"a":1}')  is a put.
-- Returns text to execute, in order; a name that is taken by something else makes that text fail. The one place where a name is written
-- into SQL: quoted by printf's %w (identifier) and %Q (literal).
--
-- parameters
--   :queue        text                   the queue, and the name of the view
-- row
--   ddl           text                   one statement
-- no row: the view is there already

select ddl
  from (select 1 as n, printf('create view "%w" (id, state, kind, key, priority, data) as select id, state, kind, key, priority, payload from qk_task where queue = %Q;',
                              :queue, :queue) as ddl
        union all
        select 2, printf('create trigger "%w" instead of insert on "%w" begin insert into qk_task (queue, kind, key, duplicates, priority, payload) values (%Q, ifnull(new.kind, ''''), new.key, 0, coalesce((select value from qk_priority where name = new.priority), new.priority, 0), new.data) on conflict (queue, key) where key is not null and key_until is not null do update set duplicates = ifnull(duplicates, 0) + 1; end;',
                         :queue || '_put', :queue, :queue))
 where not exists (select 1 from sqlite_master
                    where type = 'trigger' and name = :queue || '_put' and tbl_name = :queue and instr(sql, 'insert into qk_task'))
 order by n;
