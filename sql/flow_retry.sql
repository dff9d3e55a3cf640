-- flow_retry: go on with a flow: what failed or was cancelled is tried again, what waits for it waits again, and a step that runs is no longer
-- asked to stop. Or do all of it once more, if none of it has been purged.
--
-- parameters
--   :id           integer                the flow
--   :whole        integer = 0            1 = the steps that are done, too
-- no row: always. changes() is the number of tasks

update qk_task                                      -- (one that an earlier row of this statement has reopened stays as it is)
   set cancel_at = null,
       failures  = case when state = 'done' or state = 'dead' or state = 'cancelled' then 0 else failures end,
       crashes   = case when state = 'done' or state = 'dead' or state = 'cancelled' then 0 else crashes end,
       error     = case when cause is null then error end,                                                       -- (no run of its own failed)
       result    = case when state = 'done' or state = 'dead' or state = 'cancelled' then null else result end,
       until_at  = case when state = 'done' or state = 'dead' or state = 'cancelled' then null else until_at end,
       cause     = case when state = 'done' or state = 'dead' or state = 'cancelled' then 0 else cause end,      -- 0: with all of its flow
       due_at    = case when state = 'done' or state = 'dead' or state = 'cancelled' then null else due_at end,
       run_at    = case when state = 'done' or state = 'dead' or state = 'cancelled' then null else run_at end,
       state     = case when not (state = 'done' or state = 'dead' or state = 'cancelled') then state when needs > 0 then 'blocked' else 'ready' end
 where batch = :id
   and (state = 'dead' or state = 'cancelled' or state = 'running' and cancel_at is not null or :whole and state = 'done')
   and (not ifnull(:whole, 0) or (select count(*) from qk_task where batch = :id) = (select total from qk_batch where id = :id));
