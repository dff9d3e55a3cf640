"""The page of the commands, from the headers of sql/*.sql, the help of qk, and the options of queuekit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from headers import read, sentence

SHARED = [
    "init",
    "put",
    "claim",
    "ack",
    "nack",
    "extend",
    "release",
    "cancel",
    "retry",
    "tick",
    "purge",
    "ls",
]
SHARED += ["show", "stats", "pause", "resume", "help"]
FILES = {"ls": "list"}  # where the file of a verb has another name

OPENING = """\
<!-- Written by generate.py from the headers of sql/*.sql and the help of qk and queuekit: change them, not this. -->
# Commands

`qk` is one bash file: it starts quickly, and needs no Python. `queuekit` has the same verbs, flags, output and
exit codes, and some verbs more. [How to use them](../howto/shell.md).

## Common to all verbs

| flag | |
|---|---|
| `--db FILE` | the queue file; else `$QUEUEKIT_DB`, else `${XDG_STATE_HOME:-~/.local/state}/queuekit/queue.db` |
| `--lock-wait D` | how long to wait for other writers before giving up with 75 (5 seconds) |
| `--json` | one JSON object a line |
| `-h`, `--help` | what the verb does |

Options may stand before or after the arguments of a verb; `--` ends them. Data goes to stdout, everything else
to stderr. `NO_COLOR` is honoured.

- `D` is a duration: `90` and `1.5` are seconds, or `500ms`, `10m`, `2h`, `7d`.
- `TIME` is `2030-01-31T09:00:00Z`, the same without a zone for local time, or seconds since the epoch.
- `RECEIPT` is what claim prints as `receipt`: `id:claims`, for example `42:1`.
- `PAYLOAD` is an argument; without one, or with `-`, it is read from stdin.

## Exit codes

| exit | means |
|---|---|
| 0 | it is done |
| 1 | an error; or a task that was waited for failed |
| 2 | the call itself is wrong: an option, a number, a time |
| 3 | nothing to claim |
| 4 | the lease is lost, or a law of the file, or the state of the task, forbids it |
| 65 | the payload or key is not text: a NUL byte, invalid UTF-8 |
| 66 | there is no such database, or no such task |
| 75 | another writer held the file; nothing was written, try again |
| 124 | what was waited for did not happen in time |

A law that refuses says `QKnnn` and why: [the codes](../../sql/README.md#codes).

The exit codes of a handler's command, which `work` and `daemon` run, are another matter:
[workers](../howto/worker.md#a-command-as-the-handler).
"""


def render(root: Path) -> str:
    """The page."""
    commands = _commands()
    own = sorted(commands.keys() - {*SHARED, "work"})
    parts = [OPENING, "## Verbs of both\n"]
    parts += [_shared(root, verb, commands.get(verb)) for verb in SHARED]
    parts += [
        "### work\n\nRun a handler for every task of a queue.\n\n"
        + _flags(commands.get("work"), "queuekit work")
    ]
    parts += ["As `qk` has it:\n\n```text\n" + _help(root, "work").partition("\n\n")[2] + "\n```\n"]
    parts += ["## Verbs of queuekit alone\n"]
    parts += [f"### {verb}\n\n" + _flags(commands[verb], f"queuekit {verb}", with_help=True) for verb in own]
    return "\n".join(parts)


def _shared(root: Path, verb: str, command: Any) -> str:
    """A verb of qk and queuekit: what it does from its file, or from the help of qk; the flags from queuekit."""
    file = root / "sql" / f"{FILES.get(verb, verb)}.sql"
    if file.exists():
        header = read(file)
        text, usage, more = header.summary, header.usage, f"\nSQL: [{header.name}](sql.md#{header.name})\n"
    else:
        first, usage, *rest = _help(root, verb).split("\n\n")
        usage, more = usage.removeprefix("usage: "), "".join(f"\n{part}\n" for part in rest)
        text = sentence(first.removeprefix(f"{verb}: "))
    return f"### {verb}\n\n{text}\n\nUsage: `{usage}`\n{more}\n{_flags(command)}"


def _help(root: Path, verb: str) -> str:
    command = ["bash", str(root / "bin" / "qk"), "help", verb]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _commands() -> dict[str, Any]:
    """The commands of queuekit by name, as Click has them."""
    return {}


def _flags(command: Any, usage: str = "", with_help: bool = False) -> str:
    return ""
