"""The page of the commands, from the headers of sql/*.sql, the help of qk, and the options of queuekit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from headers import read, sentence

SHARED = (
    "init put claim ack nack extend release cancel retry snooze results batch schedule policy tick purge ls show"
    " stats pause resume help".split()
)
COMMON = {"db", "lock_wait", "as_json", "help"}  # told once, at the top of the page
FILES = {"ls": "list", "schedule": "schedule_add"}  # where the file of a verb has another name

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
| `--version` | of `queuekit` alone, before the verb |

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
    parts = [OPENING, "## Verbs of both\n"]
    parts += [_shared(root, verb, commands[verb]) for verb in SHARED]
    parts += ["## Workers\n", _own("work", commands["work"])]
    parts += ["The same verb of `qk`:\n\n```text\n" + _help(root, "work").partition("\n\n")[2] + "\n```\n"]
    parts += ["## Verbs of queuekit alone\n"]
    parts += [_own(verb, commands[verb]) for verb in sorted(commands.keys() - {*SHARED, "work"})]
    return "\n".join(parts)


def _shared(root: Path, verb: str, command: Any) -> str:
    """A verb of qk and queuekit: what it does from its file, or from the help of qk; the flags from queuekit."""
    file = root / "sql" / f"{FILES.get(verb, verb)}.sql"
    if file.exists():
        header = read(file)
        text, usage, more = header.summary, header.usage, f"SQL: [{header.name}](sql.md#{header.name})\n\n"
    else:
        first, usage, *rest = _help(root, verb).split("\n\n")
        usage, more = usage.removeprefix("usage: "), "".join(f"{part}\n\n" for part in rest)
        text = sentence(first.removeprefix(f"{verb}: "))
    return f"### {verb}\n\n{text}\n\nUsage: `{usage}`\n\n{more}{_flags(command)}".rstrip() + "\n"


def _own(verb: str, command: Any) -> str:
    """A verb of queuekit: its docstring, its arguments and flags."""
    arguments = " ".join(_metavar(it) for it in command.params if it.param_type_name == "argument")
    usage = f"queuekit {verb} [OPTIONS] {arguments}".strip()
    return f"### {verb}\n\n{command.help}\n\nUsage: `{usage}`\n\n{_flags(command)}"


def _help(root: Path, verb: str) -> str:
    command = ["bash", str(root / "bin" / "qk"), "help", verb]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _commands() -> dict[str, Any]:
    """The commands of queuekit by name, as Typer made them."""
    import typer

    from queuekit.cli.app import app

    group: Any = typer.main.get_command(app)
    return {verb: group.get_command(None, verb) for verb in group.list_commands(None)}


def _flags(command: Any) -> str:
    """A table of the arguments and flags that are not common to all verbs."""
    given = [it for it in command.params if not getattr(it, "hidden", False) and it.name not in COMMON]
    rows = [f"| `{_call(it)}` | {_words(it)} |\n" for it in given]
    return "".join(["| argument, flag | |\n|---|---|\n", *rows]) if rows else ""


def _call(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _metavar(parameter)
    metavar = "" if getattr(parameter, "is_flag", False) else f" {_metavar(parameter)}"
    return ", ".join(parameter.opts) + metavar


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _words(parameter: Any) -> str:
    default = parameter.default
    plain = isinstance(default, (str, int)) and not isinstance(default, bool) and default != ""
    return str(parameter.help or "") + (f" Default: {default}." if plain else "")
