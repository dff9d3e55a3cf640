"""The statement files of queuekit alone, by hand on the standard library: what SQL costs without its Python."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from queuekit import statements

from .queuekit_python import QueuekitPython


class Statements(QueuekitPython):
    """The lean put, the claim and the ack of sql/, as the floor runs its own."""

    title = "queuekit's SQL alone"
    note = "the files of sql/ run by hand, without queuekit's Python"
    consumes = False
    only = ("put", "claim+ack")

    def __init__(
        self, folder: Path, synchronous: str, *, lease: float | None = None, threads: bool = False
    ) -> None:
        super().__init__(folder, synchronous)
        del self.put, self.claim
        self._connection = self.queue.database.connection()
        self._put, self._claim, self._ack = (
            statements.load(n)[-1] for n in ("put_simple", "claim_simple", "ack")
        )

    def _run(self, statement: statements.Statement, **given: Any) -> Any:
        given["now"] = time.time_ns() // 1_000_000
        return self._connection.execute(statement.text, tuple(map(given.get, statement.names)))

    def put(self, payload: str) -> object:
        return self._run(self._put, queue="bench", kind="", priority=0, payload=payload)

    def claim(self) -> Any:
        rows = self._run(self._claim, queue="bench", worker="bench", lease_ms=0).fetchall()
        return rows[0] if rows else None

    def done(self, message: Any) -> None:
        if self._run(self._ack, receipt=f"{message[0]}:{message[1]}", result=0).rowcount != 1:
            raise LookupError(message)

    def payload(self, message: Any) -> str:
        payload: bytes = message[4]
        return payload.decode()
