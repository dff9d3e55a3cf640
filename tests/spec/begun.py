"""The start of many sentences: a task that runs."""

from __future__ import annotations

from typing import Any

from clients import Client

NOW = 2_000_000_000_000


def running(client: Client, *, now: int = NOW, lease_ms: int | None = None, **options: Any) -> str:
    """Put a task and claim it at the same moment; its receipt."""
    client.put("work", now=now, **options)
    return claimed(client, now=now, lease_ms=lease_ms)


def claimed(client: Client, *, now: int = NOW, lease_ms: int | None = None) -> str:
    """The receipt of the next task, which must be there."""
    task = client.claim(now=now, lease_ms=lease_ms)
    assert task is not None
    return str(task["receipt"])


def finished(client: Client, end: str, *, now: int = NOW, **options: Any) -> int:
    """Put a task and bring it to its end: done, dead or cancelled; its id."""
    receipt = running(client, now=now, **options)
    id = int(receipt.partition(":")[0])
    if end == "done":
        client.ack(receipt, now=now)
    else:
        if end == "cancelled":
            client.cancel(id, now=now)
        client.nack(receipt, dead=True, now=now)
    return id
