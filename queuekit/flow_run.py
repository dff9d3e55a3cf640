"""A flow that was put: how far it is, calling it off, taking it up again."""

from __future__ import annotations

import json
from typing import Any

from queuekit.database import Database
from queuekit.errors import NoTask, Refused


class FlowRun:
    """A flow in a file."""

    def __init__(self, database: Database, id: int) -> None:
        self.database = database
        self.id = id

    def show(self) -> dict[str, Any]:
        """How far it is (columns of batch.sql). Raises NoTask."""
        rows = self.database.rows("batch", {"id": self.id})
        if not rows:
            raise NoTask(f"there is no flow {self.id} in {self.database.path}")
        return rows[0]

    def tasks(self) -> list[dict[str, Any]]:
        """Its tasks in the order of their puts (columns of flow_show.sql, after decoded). Raises NoTask."""
        self.show()
        rows = self.database.rows("flow_show", {"id": self.id})
        return [row | {"after": json.loads(row["after"])} for row in rows]

    def cancel(self, *, now: int | None = None) -> int:
        """Cancel what waits, ask what runs to stop; how many. Raises NoTask."""
        self.show()
        return self.database.count("flow_cancel", {"id": self.id, "now": now})

    def retry(self, *, whole: bool = False) -> int:
        """Go on from the steps that failed, or do all that is finished once more; how many.

        Raises NoTask, Refused (the whole of what has been purged in part).
        """
        total = self.show()["total"]
        if whole and (missing := total - len(self.tasks())):
            raise Refused(f"{missing} tasks of flow {self.id} have been purged: it cannot be done as a whole")
        return self.database.count("flow_retry", {"id": self.id, "whole": int(whole)})
