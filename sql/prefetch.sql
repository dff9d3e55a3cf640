-- prefetch: tell the file what this consumer has claimed ahead, in the order in which it will run it, in the transaction of the claim. It may begin a
-- task only when those before it in the list have ended; so, if it dies, the file knows which one it was at, and the others cost no attempt.
--
-- parameters
--   :consumer     text                   a name that no other consumer has: not even another thread
--   :receipts     text    = '[]'         JSON list of receipts; it takes the place of the last one
-- no row: always

insert into qk_prefetch (consumer, receipts) values (:consumer, coalesce(:receipts, '[]'))
    on conflict (consumer) do update set receipts = excluded.receipts;
