"""What a client may try on the file of test_laws.py, by the code of the law that refuses it.

The tasks: 1 ready, holds the key k; 2 scheduled; 3 running, holds the key r; 4 done; 5 dead; 6 cancelled;
7 ready, the newest.
"""

from __future__ import annotations

NUL = "cast(x'610062' as text)"

ATTACKS: dict[str, list[str]] = {
    "QK001": [
        "insert into qk_task (id, payload) values (99, 'x')",
        "insert or replace into qk_task (id, payload) values (1, 'x')",
        "replace into qk_task (id, payload) values (4, 'x')",
        "replace into qk_task (rowid, payload) values (3, 'x')",
        "insert or ignore into qk_task (id, payload) values (99, 'x')",
        "insert or replace into qk_task (payload, key, duplicates) values ('x', 'k', 0)",
        "insert or replace into qk_task (payload, key, duplicates) values ('x', 'r', 0)",
        "delete from qk_meta where name = 'replaced'",
        "insert into qk_task (id, payload) select id, payload from qk_task where id = 4",
    ],
    "QK002": [
        "insert into qk_task (payload, state, due_at, claimed_at) values ('x', 'running', 1, 1)",
        "insert into qk_task (payload, state, ended_at) values ('x', 'done', 1)",
        "insert into qk_task (payload, claims, settled) values ('x', 1, 1)",
        "insert into qk_task (payload, failures) values ('x', 1)",
        "insert into qk_task (payload, claims) values ('x', 'x')",
        "insert into qk_task (payload, failures) values ('x', 'x')",
        "insert into qk_task (payload, cancel_at) values ('x', 1)",
        "insert into qk_task (payload, claimed_at, ended_at, worker, result) values ('x', 1, 2, 'w', 'r')",
        "insert into qk_task (payload, state) values ('x', 'bogus')",
        *(
            f"insert into qk_task (payload, {book}) values ('x', 1)"
            for book in ("needs", "turn", "slot", "counted", "awaited", "cause")
        ),
        "insert into qk_task (payload, needs) values ('x', 'x')",
    ],
    "QK003": [
        *(
            f"update qk_task set {reserved} where id = 1"
            for reserved in (
                "lane = 'gpu'",
                "after = '[1]'",
                "group_key = 'g'",
                "share = 's'",
                "batch = 1",
                "on_failure = 'run'",
            )
        ),
    ],
    "QK004": [
        "insert into qk_task (payload, key) values ('x', 'k')",
        "insert or replace into qk_task (payload, key) values ('x', 'k')",
        "insert or ignore into qk_task (payload, key) values ('x', 'k')",
        "insert or replace into qk_task (payload, key) values ('x', 'r')",
        "update qk_task set key = 'k' where id = 7",
        "update or replace qk_task set key = 'k' where id = 7",
        "update or ignore qk_task set key = 'r' where id = 7",
        *(
            f"update qk_task set key = 'free', key_until = {until} where id = {id}"
            for id in (4, 5, 6)
            for until in (0, -1, -2, 7)
        ),
        "update qk_task set key = 'free', key_until = -1 where id = 3",
        "update qk_task set key = 'free', key_until = -2 where id = 3",
    ],
    "QK005": [
        "update qk_task set queue = 'other' where id = 1",
        "update or ignore qk_task set queue = 'other'",
    ],
    "QK006": [
        "update qk_task set created_at = 0 where id = 1",
        "update qk_task set created_at = null where id = 4",
    ],
    "QK007": [f"update qk_task set payload = 'other' where id = {id}" for id in (3, 4, 5, 6)],
    "QK008": [
        "update qk_task set rowid = 50 where id = 1",
        "update qk_task set id = 50 where id = 1",
        "update qk_task set _rowid_ = id + 100",
        "update or replace qk_task set id = 4 where id = 1",
    ],
    "QK009": [
        "update qk_task set claims = claims + 1, settled = settled + 1 where id = 1",
        "update qk_task set claims = 0, settled = 0, failures = 0 where id = 5",
        "update qk_task set claims = claims + 1, settled = settled + 1 where id = 3",
        "update qk_task set state = 'running', claims = claims + 2, settled = settled + 1,"
        " due_at = 5, claimed_at = 1, ended_at = null where id = 1",
        "update qk_task set state = 'running', claims = claims + 1, due_at = 5, claimed_at = 1, ended_at = null"
        " where id = 2",
    ],
    "QK010": [
        "update qk_task set state = 'bogus' where id = 1",
        "update qk_task set due_at = 5 where id = 1",
        "update qk_task set due_at = null where id = 2",
        "update qk_task set due_at = 'soon' where id = 2",
        "update qk_task set due_at = 'soon' where id = 3",
        "update qk_task set due_at = 1.5 where id = 3",
        "update qk_task set state = 'done' where id = 3",
        "update qk_task set ended_at = 'today' where id = 4",
        "update qk_task set claimed_at = 'today' where id = 3",
        "insert into qk_task (payload, state, due_at) values ('x', 'scheduled', '2030-01-01')",
    ],
    "QK011": [
        "update qk_task set state = 'done', due_at = null, ended_at = 1 where id = 3",
        "update qk_task set state = 'ready', due_at = null, ended_at = 1 where id = 3",
        "update qk_task set state = 'running', due_at = 5, claimed_at = 1, ended_at = null where id = 1",
        "update qk_task set settled = settled + 1 where id = 1",
    ],
    "QK012": [
        "update qk_task set crashes = -1 where id = 1",
        "update qk_task set crashes = 9 where id = 5",
        "update qk_task set failures = 9 where id = 5",
        "update qk_task set state = 'dead', settled = claims, due_at = null, ended_at = 1 where id = 3",
    ],
    "QK013": [
        "insert into qk_task (payload, queue) values ('x', '')",
        f"insert into qk_task (payload, queue) values ('x', {NUL})",
        "insert into qk_queue (name) values ('')",
        f"insert into qk_queue (name) values ({NUL})",
    ],
    "QK014": [
        "insert into qk_task (payload, group_key) values ('x', '')",
        f"insert into qk_task (payload, group_key) values ('x', {NUL})",
        f"insert into qk_task (payload, share) values ('x', {NUL})",
        f"insert into qk_task (payload, key) values ('x', {NUL})",
        "insert into qk_task (payload, key) values ('x', x'6162')",
        "insert into qk_task (payload, key) values ('x', 'qk:x')",
        "insert into qk_task (payload, key, key_until, duplicates) values ('x', 'qk:overflow', -2, 0)",
        "update qk_task set key = 'qk:overflow', key_until = -2 where id = 7",
        f"update qk_task set key = {NUL} where id = 7",
        f"insert into qk_task (payload, kind) values ('x', {NUL})",
        f"update qk_task set kind = {NUL} where id = 1",
    ],
    "QK015": [
        f"insert into qk_task (payload) values ({NUL})",
        "insert into qk_task (payload) values (cast(x'00' as text))",
        "insert into qk_task (payload) values (x'6162')",
        f"update qk_task set payload = {NUL} where id = 1",
    ],
    "QK016": ["update qk_task set id = 0 where id = 1", "update qk_task set id = -5 where id = 1"],
    "QK017": [
        "insert into qk_task (payload, after) values ('x', '[8]')",
        "insert into qk_task (payload, after) values ('x', '[99]')",
        "insert into qk_dependency (needs_id, task_id) values (2, 1)",
        "insert into qk_dependency (needs_id, task_id) values (1, 1)",
    ],
    "QK018": [
        "insert into qk_task (payload, key, key_until) values ('x', 'free', 'x')",
        "insert into qk_task (payload, key, key_until) values ('x', 'free', -3)",
        "insert into qk_task (payload, until_at, due_at) values ('x', 'x', 'x')",
        "insert into qk_task (payload, batch) values ('x', 'x')",
        "update qk_task set key = 'free', key_until = 'x' where id = 1",
        "update qk_task set until_at = 'x' where id = 2",
        "insert into qk_task (payload, priority) values ('x', 'high')",
        "insert into qk_schedule (name, rule, priority) values ('s', 'every 1m', 'urgent')",
        "insert into qk_task (payload, priority) values ('x', 1.5)",
        "update qk_task set priority = 'high' where id = 1",
        "insert into qk_task (payload, created_at) values ('x', 'yesterday')",
        "insert into qk_task (payload, run_at) values ('x', '2030-01-01T00:00:00Z')",
        "insert into qk_task (payload, duplicates) values ('x', -5)",
        "update qk_task set duplicates = 'many' where id = 1",
    ],
    "QK019": [
        "insert into qk_task (payload, on_failure) values ('x', 'never')",
        *(
            f"insert into qk_queue (name, {policy}) values ('q', {value})"
            for policy, value in (
                *((word, "'other'") for word in ("strategy", "on_full", "on_group")),
                *(
                    (limit, value)
                    for limit in ("max_running", "rate_us", "max_depth")
                    for value in ("0", "-1", "'x'", "1.5")
                ),
            )
        ),
        "insert into qk_task (payload, max_attempts) values ('x', 0)",
        "insert into qk_task (payload, lease_ms) values ('x', -1)",
        "update qk_task set backoff_ms = 'a while' where id = 1",
        "update qk_task set lease_ms = 9223372036854775807 where id = 1",
        "insert into qk_queue (name, lease_ms) values ('q', 9223372036854775807)",
        "insert into qk_queue (name, retention_ms) values ('q', -1)",
        "insert into qk_queue (name, backoff_cap_ms) values ('q', '1h')",
        "insert into qk_queue (name, paused) values ('q', 2)",
    ],
    "QK020": [
        "update qk_task set state = 'done', ended_at = 1 where id = 1",
        "update qk_task set state = 'dead', ended_at = 1 where id = 1",
        "update or ignore qk_task set state = 'dead' where id = 4",
    ],
    "QK021": [
        *(f"delete from qk_task where id = {id}" for id in (1, 2, 3, 7)),
        "delete from qk_task",
    ],
    "QK022": [
        *(
            f"update qk_task set {column} = {value} where id = {id}"
            for id in (3, 4, 5, 6)
            for column, value in (("worker", "'w'"), ("claimed_at", 7), ("result", "'forged'"))
        ),
        *(f"update qk_task set ended_at = 7 where id = {id}" for id in (1, 4, 5, 6)),
        "update qk_task set state = 'ready', ended_at = null, worker = 'w' where id = 4",
        "update qk_task set state = 'done', settled = claims, due_at = null, ended_at = 1, worker = 'w' where id = 3",
        "update qk_task set state = 'dead', settled = claims, failures = failures + 1, due_at = null, ended_at = 1,"
        " claimed_at = 7 where id = 3",
        "update qk_run set outcome = 'done'",
        "update qk_run set text = null where task_id = 5",
        "delete from qk_run",
        "insert or replace into qk_run (task_id, claim, outcome) values (5, 1, 'done')",
        "insert or ignore into qk_run (task_id, claim, outcome) values (5, 1, 'done')",
        "insert into qk_cascade (task_id, root) values (5, 5)",
        "insert into qk_run (task_id, claim, outcome) values (5, 2, 'done')",
        "insert into qk_run (task_id, claim, outcome) values (3, 1, 'released')",
        "insert into qk_run (task_id, claim, outcome) values (1, 0, 'released')",
        "insert into qk_run (task_id, claim, outcome) values (99, 1, 'done')",
        "insert into qk_moved select id, id, 'running', claims, 0, 0, worker, claimed_at, null, null, null from qk_task"
        " where id = 5",
        "insert into qk_moved select id, id, 'running', claims, 0, 0, null, null, null, null, null"
        " from qk_task where id = 7",
        "insert into qk_moved select id, id, 'running', claims, 0, 0, 'w', 7, null, null, null"
        " from qk_task where id = 4",
        "update or replace qk_run set task_id = 6 where task_id = 5",
        "delete from qk_run where task_id = 5",
        "update qk_event set detail = 'never was'",
        "insert or replace into qk_event (id, at, task_id, event) values (1, 1, 1, 'forged')",
        "delete from qk_event",
    ],
    "QK023": [
        "delete from qk_lease",
        "update qk_lease set slot = slot + 1",
        "update or replace qk_lease set block = 99",
    ],
    "QK024": [
        *(
            f"insert into qk_task (payload, after) values ('x', '{after}')"
            for after in ("[0]", "nothing", '{"a": 1}', '["1"]', "[1.5]", "1", "[null]")
        ),
        "insert or ignore into qk_task (payload, after) values ('x', '[1, 0]')",
    ],
    "QK025": [
        f"insert into qk_task (payload, lane) values ('x', '{words}')"
        for words in ("b a", "a  b", " a", "a ", "a a", "a*", "[a]", 'a"b', "ü", "a,b")
    ],
    "QK026": [
        "insert into qk_task (payload, batch) values ('x', 99)",
    ],
    "QK027": [
        "insert into qk_task (queue, payload) values ('limited', 'y'), ('limited', 'z')",
        "insert into qk_task (queue, payload, run_at) values ('limited', 'y', 5), ('limited', 'z', 5)",
    ],
    "QK032": [
        "insert into qk_task (queue, payload) values ('limited', 'xx')",
        "insert into qk_task (queue, payload, run_at) values ('limited', 'xx', 5)",
    ],
    "QK033": [
        "insert into qk_prefetch values ('c', 'no JSON')",
        "insert into qk_prefetch values ('c', '{}')",
        "insert into qk_prefetch values ('c', cast('[]' as blob))",
        "insert into qk_prefetch values ('c', '[]' || char(0) || 'x')",
    ],
    "QK029": [
        "insert into qk_schedule (name, rule) values ('qk:x', 'every 1m')",
        *(
            f"insert into qk_schedule (name, rule, {column}) values ('s', 'every 1m', {value})"
            for column, value in (
                ("catch_up", "'none'"),
                ("jitter_ms", "-1"),
                ("grace_ms", "'x'"),
                ("next_at", "-1"),
                ("next_at", "900000000000000000"),
            )
        ),
        "insert into qk_schedule (name, rule) values ('', 'every 1m')",
    ],
    "QK030": [
        "delete from qk_meta where name = 'extra'",
        "insert or replace into qk_meta (name) values ('extra')",
        "insert or replace into qk_meta (name, value) values ('schema_version', 0)",
        "update qk_meta set value = 0 where name = 'schema_version'",
        "update qk_meta set value = null where name = 'schema_version'",
        "update qk_meta set value = 'x' where name = 'schema_version'",
        "update qk_meta set name = 'x' where name = 'schema_version'",
        "update qk_meta set name = 'x' where name = 'replaced'",
        "delete from qk_meta where name = 'schema_version'",
        "insert into qk_meta (name, value) values ('schema_version', 0)"
        " on conflict (name) do update set value = excluded.value",
    ],
}

# What a file without the extra laws refuses.
EXTRA_ATTACKS = [
    *(
        f"insert into qk_task (payload, {link}) values ('x', '[1]')"
        for link in ("group_key", "share", "after")
    ),
    "insert into qk_task (payload, batch) values ('x', 1)",
    *(
        f"insert into qk_queue (name, {limit}) values ('q', 1)"
        for limit in ("max_running", "max_per_worker", "rate_us", "max_depth", "max_bytes")
    ),
    "insert into qk_batch default values",
    *(
        f"insert into qk_schedule (name, rule, {link}) values ('s', 'every 1m', 'x')"
        for link in ("group_key", "share")
    ),
]
