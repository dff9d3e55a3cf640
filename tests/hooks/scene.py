"""What the tests of the hooks look at: the queue file, its spool, and the how-to that installs."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from queuekit.database import Database
from queuekit.spool import drain

ROOT = Path(__file__).parent.parent.parent
HOOKS = ROOT / "hooks"
PRODUCERS = ("agent-stop", "cron-put", "git-post-commit", "git-post-receive", "on-fail")
SHELLS = [shell for shell in ("dash", "bash", "bash --posix", "busybox sh") if shutil.which(shell.split()[0])]
LIMIT = 30.0  # seconds after which a hook counts as hanging

Result = subprocess.CompletedProcess[bytes]


def tasks(db: Path) -> list[dict[str, Any]]:
    """What the queue file holds, oldest first."""
    with closing(sqlite3.connect(db)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("select * from qk_task order by id")]


def payloads(db: Path) -> list[Any]:
    return [json.loads(task["payload"]) for task in tasks(db)]


def spooled(db: Path) -> list[Path]:
    return sorted(Path(f"{db}.spool/new").glob("*"))


def drained(db: Path) -> list[dict[str, Any]]:
    """The tasks after the spool has been put."""
    with Database(db) as database:
        drain(database)
    assert spooled(db) == []
    return tasks(db)


def documented(hook: str, word: str) -> str:
    """The code block of the how-to's section on a hook in which word occurs."""
    page = (ROOT / "docs/howto/hooks.md").read_text()
    section = page.split(f"\n## {hook}\n")[1].split("\n## ")[0]
    (block,) = [block for block in re.findall(r"```\w+\n(.*?)```", section, re.DOTALL) if word in block]
    return block
