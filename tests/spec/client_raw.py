"""The sqlite3 program and sql/, as a client of the contract: what any language could do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clients import BY_RECEIPT, Row
from sqlite_shell import SQL, Fault, bind, sqlite

from queuekit import statements
from queuekit.errors import LeaseLost, NoTask, QueuekitError, Refused, translate

EXTRA = [f".read '{SQL / name}.sql'" for name in statements.EXTRA]


class Raw:
    """The sqlite3 program, and the files of sql/ read unmodified."""

    def __init__(self, db: Path) -> None:
        self.db = db

    def run(self, verb: str, **parameters: Any) -> tuple[list[Row], int]:
        """The rows of sql/VERB.sql, and how many tasks it changed."""
        try:
            bound = [bind(name, value) for name, value in parameters.items() if value is not None]
            read = [".mode json", f".read '{SQL / verb}.sql'", "select changes() as changes;"]
            *rows, last = sqlite(self.db, "\n".join([".parameter init", *bound, *read]))
        except (Fault, UnicodeError) as fault:
            if "QK028" in str(fault):  # as sql/README.md says
                events = sqlite(self.db, ".mode json\nselect 1 from qk_meta where name = 'events';")
                laws = [*EXTRA, *[f".read '{SQL}/events_on.sql'"] * bool(events)]
                sqlite(self.db, "\n".join([".mode json", "begin immediate;", *laws, "commit;"]))
                return self.run(verb, **parameters)
            raise translate(fault, str(self.db)) from fault
        return rows, last["changes"]

    def row(self, verb: str, **parameters: Any) -> Row:
        """The one row of a verb; LeaseLost, NoTask or Refused where there is none."""
        rows, _ = self.run(verb, **parameters)
        if rows:
            return rows[0]
        if verb in BY_RECEIPT:
            raise LeaseLost(parameters["receipt"])
        if verb not in ("show", "batch"):
            self.show(parameters["id"])
            raise Refused(f"{verb} of {parameters['id']}")
        raise NoTask(str(parameters["id"]))

    def put(self, payload: str, *, now: int | None = None, **options: Any) -> tuple[int, int]:
        row = self.row("put", payload=payload, now=now, **options)
        return row["id"], row["duplicates"]

    def claim(self, queue: str | None = None, *, now: int | None = None, **options: Any) -> Row | None:
        rows, _ = self.run("claim", queue=queue, now=now, **options)
        return rows[0] if rows else None

    def claim_many(self, limit: int, *, now: int | None = None, **options: Any) -> list[Row]:
        rows, _ = self.run("claim_many", limit=limit, now=now, **options)
        rows.sort(key=lambda row: (-row["priority"], row["id"]))
        while len(rows) < limit and (task := self.claim(now=now, **options)):  # as its header says
            rows.append(task)
        return rows

    def put_many(self, payloads: list[str], *, now: int | None = None, **options: Any) -> list[int]:
        count = self.run("put_many", payloads=json.dumps(payloads), now=now, **options)[1]
        last = sqlite(self.db, ".mode json\nselect max(id) as id from qk_task;")[0]["id"]
        return list(range(last - count + 1, last + 1))

    def ack(self, receipt: str, *, result: str | None = None, now: int | None = None) -> None:
        _, changes = self.run("ack", receipt=receipt, result=result, now=now)
        if not changes:
            raise LeaseLost(receipt)

    def nack(self, receipt: str, *, now: int | None = None, **options: Any) -> str:
        return str(self.row("nack", receipt=receipt, now=now, **options)["state"])

    def extend(self, receipt: str, *, lease_ms: int | None = None, now: int | None = None) -> Row:
        row = self.row("extend", receipt=receipt, lease_ms=lease_ms, now=now)
        return {"lease_until": row["lease_until"], "cancel_asked": row["cancel_at"] is not None}

    def release(self, receipt: str, *, delay_ms: int | None = None, now: int | None = None) -> str:
        return str(self.row("release", receipt=receipt, delay_ms=delay_ms, now=now)["state"])

    def cancel(self, id: int, *, now: int | None = None) -> str:
        return str(self.row("cancel", id=id, now=now)["state"])

    def retry(self, id: int, *, delay_ms: int | None = None, now: int | None = None) -> str:
        return str(self.row("retry", id=id, delay_ms=delay_ms, now=now)["state"])

    def snooze(
        self, id: int, *, delay_ms: int | None = None, run_at: int | None = None, now: int | None = None
    ) -> str:
        return str(self.row("snooze", id=id, delay_ms=delay_ms, run_at=run_at, now=now)["state"])

    def results(self, id: int) -> list[Row]:
        rows = self.run("results", id=id)[0]
        if not rows:
            self.show(id)
        return rows

    def batch_open(
        self, payload: str | None = None, *, queue: str | None = None, now: int | None = None
    ) -> int:
        self.run("batch_open", payload=payload, queue=queue, now=now)
        return int(sqlite(self.db, ".mode json\nselect max(id) as id from qk_batch;")[0]["id"])

    def batch_close(self, id: int) -> None:
        if not self.run("batch_close", id=id)[1]:
            raise NoTask(str(id))

    def batch(self, id: int) -> Row:
        return self.row("batch", id=id)

    def tick(self, *, now: int | None = None) -> None:
        self.run("tick", now=now)

    def purge(self, *, now: int | None = None, **options: Any) -> int:
        return self.run("purge", now=now, **options)[1]

    def show(self, id: int) -> Row:
        row = self.row("show", id=id)
        return row | {name: json.loads(row[name] or "null") for name in ("runs", "after")}

    def listed(self, queue: str = "default", **options: Any) -> list[Row]:
        return self.run("list", queue=queue, **options)[0]

    def stats(self, queue: str) -> Row:
        return self.run("stats", queue=queue)[0][0]

    def pause(self, queue: str | None = None) -> None:
        self.run("pause", queue=queue)

    def resume(self, queue: str | None = None) -> None:
        self.run("resume", queue=queue)

    def policy(self, queue: str | None = None, **options: Any) -> Row:
        return self.run("policy", queue=queue, **options)[0][0]

    def due(self, *, now: int | None = None) -> int | None:
        due: int | None = self.run("due", now=now)[0][0]["due_at"]
        return due

    def make_view(self, queue: str) -> None:
        ddl = "\n".join(row["ddl"] for row in self.run("queue_view", queue=queue)[0])
        try:
            sqlite(self.db, f".mode json\nbegin immediate;\n{ddl}\ncommit;")
        except Fault as fault:
            raise QueuekitError(str(fault)) from fault

    def events(self, on: bool) -> None:
        self.run("events_on" if on else "events_off")

    def close(self) -> None:
        """Nothing is open between two calls."""
