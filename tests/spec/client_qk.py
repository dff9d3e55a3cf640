"""The bash client, as a client of the contract."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from client_raw import Raw
from clients import BY_RECEIPT, Row, per_second
from sqlite_shell import SQL

from queuekit.errors import BadPayload, LeaseLost, NoTask, QueuekitError, Refused, Usage

QK = SQL.parent / "bin" / "qk"
UNIQUE = {-1: "unclaimed", 9007199254740991: "forever"}
LONGEST_ARGUMENT = 30_000  # characters; Linux takes 128 KB
OPTIONS = {
    "max_attempts": "attempts",
    "run_at": "at",
    "until_at": "until",
    "rate_us": "rate",
    "capabilities": "capability",
}  # the others are called as the parameter, without its _ms


class Qk(Raw):
    """The bash client. It has no verb for due: who uses it asks sqlite3, as here."""

    def call(self, verb: str, *args: str, now: int | None = None, stdin: str = "") -> str:
        """stdout of qk VERB; its exit code as the error it means."""
        line = [str(QK), verb, "--db", str(self.db), "--lock-wait", "30", *args]
        environment = os.environ | ({} if now is None else {"QUEUEKIT_NOW": str(now)})
        try:
            done = subprocess.run(line, capture_output=True, env=environment, input=stdin.encode())
        except ValueError as error:  # no argument of a program holds a NUL
            raise BadPayload(str(error)) from error
        if done.returncode not in (0, 3):
            raise meaning(verb, done.returncode, done.stderr.decode())
        return done.stdout.decode()

    def answer(self, verb: str, *args: str, now: int | None = None, **options: Any) -> Row:
        """The one JSON object that qk VERB prints, or nothing."""
        row: Row = json.loads(self.call(verb, "--json", *words(options), "--", *args, now=now) or "{}")
        return row

    def put(self, payload: str, *, now: int | None = None, **options: Any) -> tuple[int, int]:
        by_stdin = payload == "-" or len(payload) > LONGEST_ARGUMENT
        stdin, argument = (payload, "-") if by_stdin else ("", payload)
        printed = self.call("put", "--json", *words(options), "--", argument, now=now, stdin=stdin)
        row = json.loads(printed)
        return row["id"], row["duplicates"]

    def claim(self, queue: str | None = None, *, now: int | None = None, **options: Any) -> Row | None:
        return self.answer("claim", queue=queue, now=now, **options) or None

    def claim_many(self, limit: int, *, now: int | None = None, **options: Any) -> list[Row]:
        printed = self.call("claim", "--json", *words({"number": limit, **options}), now=now)
        return [json.loads(line) for line in printed.splitlines()]

    def put_many(self, payloads: list[str], *, now: int | None = None, **options: Any) -> list[int]:
        stdin = "".join(f"{payload}\0" for payload in payloads)
        return [int(id) for id in self.call("put", "-0", *words(options), now=now, stdin=stdin).split()]

    def ack(self, receipt: str, *, result: str | None = None, now: int | None = None) -> None:
        self.answer("ack", receipt, result=result, now=now)

    def nack(self, receipt: str, *, now: int | None = None, **options: Any) -> str:
        return str(self.answer("nack", receipt, now=now, **options)["state"])

    def extend(self, receipt: str, *, lease_ms: int | None = None, now: int | None = None) -> Row:
        row = self.answer("extend", receipt, lease_ms=lease_ms, now=now)
        return {"lease_until": row["lease_until"], "cancel_asked": row["cancel_at"] is not None}

    def release(self, receipt: str, *, delay_ms: int | None = None, now: int | None = None) -> str:
        return str(self.answer("release", receipt, delay_ms=delay_ms, now=now)["state"])

    def cancel(self, id: int, *, now: int | None = None) -> str:
        return str(self.answer("cancel", str(id), now=now)["state"])

    def retry(self, id: int, *, delay_ms: int | None = None, now: int | None = None) -> str:
        return str(self.answer("retry", str(id), delay_ms=delay_ms, now=now)["state"])

    def snooze(
        self, id: int, *, delay_ms: int | None = None, run_at: int | None = None, now: int | None = None
    ) -> str:
        return str(self.answer("snooze", str(id), delay_ms=delay_ms, run_at=run_at, now=now)["state"])

    def results(self, id: int) -> list[Row]:
        return [json.loads(line) for line in self.call("results", "--json", str(id)).splitlines()]

    def batch_open(
        self, payload: str | None = None, *, queue: str | None = None, now: int | None = None
    ) -> int:
        payloads = [] if payload is None else [payload]
        return int(self.call("batch", "open", *words({"queue": queue}), "--", *payloads, now=now))

    def batch_close(self, id: int) -> None:
        self.call("batch", "close", str(id))

    def batch(self, id: int) -> Row:
        row: Row = json.loads(self.call("batch", "show", "--json", str(id)))
        return row

    def policy(self, queue: str | None = None, **options: Any) -> Row:
        return self.answer("policy", queue=queue, **options)

    def tick(self, *, now: int | None = None) -> None:
        self.call("tick", now=now)

    def purge(self, *, now: int | None = None, **options: Any) -> int:
        return int(self.answer("purge", now=now, **options)["purged"])

    def show(self, id: int) -> Row:
        return self.answer("show", str(id))

    def listed(self, queue: str = "default", **options: Any) -> list[Row]:
        printed = self.call("ls", "--json", *words({"queue": queue} | options))
        return [json.loads(line) for line in printed.splitlines()]

    def stats(self, queue: str) -> Row:
        return self.answer("stats", queue=queue)

    def pause(self, queue: str | None = None) -> None:
        self.answer("pause", queue=queue)

    def resume(self, queue: str | None = None) -> None:
        self.answer("resume", queue=queue)

    def make_view(self, queue: str) -> None:
        self.call("init", *words({"queue": queue}))

    def events(self, on: bool) -> None:
        self.call("init", "--events", "on" if on else "off")


def words(options: Row) -> list[str]:
    return [word for name, value in options.items() if value is not None for word in option(name, value)]


def option(name: str, value: Any) -> list[str]:
    if name == "dead":
        return ["--dead"] * value
    if name == "unique_ms" and value in UNIQUE:
        value = UNIQUE[value]
    elif name in ("run_at", "until_at") or name.endswith("_ms"):
        value = f"{value // 1000}.{value % 1000:03}"
    elif name == "after":
        value = value.strip("[]")
    elif name == "rate_us":
        value = per_second(value)
    return [f"--{OPTIONS.get(name, name.removesuffix('_ms').replace('_', '-'))}", str(value)]


def meaning(verb: str, code: int, said: str) -> QueuekitError:
    law = f"QK{said.partition('QK')[2][:3]}" if "QK" in said else None
    if code == 4:
        return LeaseLost(said) if verb in BY_RECEIPT and not law else Refused(said, law)
    return {2: Usage, 65: BadPayload, 66: NoTask}.get(code, QueuekitError)(said)
