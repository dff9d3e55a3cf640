-- pragmas.sql: what a NEW queue file is made with. Leave it out when the tables go into an application's own file.
--
--   page_size 2048   small pages: a commit writes less (measured: +10-20 % put and claim)
--   journal_mode WAL readers never wait for a writer, and the write to the -wal file is what wakes consumers
--
-- Both are remembered by the file. Nothing else in sql/ depends on a pragma.

pragma page_size = 2048;
pragma journal_mode = wal;
