"""SQL that a program gone wild might send: any column, any value, any conflict clause."""

from __future__ import annotations

import random

COLUMNS = """
id state claims settled failures crashes priority due_at created_at claimed_at ended_at cancel_at
queue kind key key_until duplicates worker error result run_at until_at lane group_key turn needs
slot after max_attempts lease_ms backoff_ms payload
""".split()

TOGETHER = ["state", "claims", "settled", "due_at", "claimed_at", "ended_at"]  # what a move needs
VALUES = {
    "id": ["1", "5", "99", "-1", "null", "id + 1"],
    "state": [f"'{state}'" for state in "ready scheduled blocked running done dead cancelled other".split()],
    "queue": ["'a'", "'b'", "''"],
    "key": ["'k1'", "'k3'", "'k13'", "'new'", "null"],
    "key_until": ["0", "-1", "-2", "null", "5", "'x'", "1.0"],
    "payload": ["'z'", "null", "x'00'", "'a' || char(0)", "1"],
    "claims": ["claims + 1", "claims - 1", "0", "claims || ''"],
    "settled": ["claims", "claims - 1", "settled + 1", "0"],
}
ANYTHING = ["0", "1", "-1", "null", "'x'", "''", "2.5", "2.0", "'1'", "2000000000000", "2000000070000"]
CONFLICT = ["", "", "", "or replace", "or ignore", "or fail"]
UPSERT = [
    "",
    "",
    "on conflict do nothing",
    "on conflict (id) do update set payload = excluded.payload, state = excluded.state",
    "on conflict (queue, key) where key is not null and key_until is not null do update set state = 'done'",
]
TABLES = {"qk_run": 7, "qk_lease": 2, "qk_event": 5, "qk_timed": 1, "qk_moved": 11}
OTHER_COLUMNS = {
    "qk_run": "task_id claim outcome text",
    "qk_lease": "slot block",
    "qk_event": "id event",
    "qk_timed": "id",
    "qk_moved": "id",
}


def random_statement(dice: random.Random) -> str:
    """An UPDATE, INSERT or DELETE, of tasks mostly."""
    sort = dice.random()
    if sort < 0.65:
        return _update(dice)
    if sort < 0.85:
        return _insert(dice)
    if sort < 0.92:
        return f"delete from qk_task where id {_which(dice)}"
    return _elsewhere(dice)


def _update(dice: random.Random) -> str:
    columns = dice.sample(COLUMNS, dice.randint(1, 5)) + TOGETHER * (dice.random() < 0.5)
    sets = ", ".join(f"{column} = {_value(dice, column)}" for column in dict.fromkeys(columns))
    return f"update {dice.choice(CONFLICT)} qk_task set {sets} where id {_which(dice)}"


def _insert(dice: random.Random) -> str:
    columns = list(dict.fromkeys([*dice.sample(COLUMNS, dice.randint(1, 5)), "payload"]))
    values = [dice.choice([v for v in _values(column) if column not in v]) for column in columns]
    conflict = dice.choice(CONFLICT)
    upsert = "" if conflict else dice.choice(UPSERT)
    return f"insert {conflict} into qk_task ({', '.join(columns)}) values ({', '.join(values)}) {upsert}"


def _elsewhere(dice: random.Random) -> str:
    table = dice.choice(list(TABLES))
    values = [
        dice.choice(["0", "1", "2", "3", "'x'", "'running'", "'done'", str(2_000_000_000_000 >> 10)])
        for _ in range(TABLES[table])
    ]
    column = dice.choice(OTHER_COLUMNS[table].split())
    return dice.choice(
        [
            f"delete from {table}",
            f"update {dice.choice(CONFLICT)} {table} set {column} = {values[0]}",
            f"insert {dice.choice(CONFLICT)} into {table} values ({', '.join(values)})",
        ]
    )


def _which(dice: random.Random) -> str:
    return dice.choice([f"= {dice.randint(1, 16)}", "in (3, 4, 5, 6)", "> 0"])


def _value(dice: random.Random, column: str) -> str:
    return dice.choice(_values(column))


def _values(column: str) -> list[str]:
    return VALUES.get(column, ANYTHING)
