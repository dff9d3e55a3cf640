"""How many instructions of SQLite's virtual machine a verb takes, triggers included, counted by the sqlite3 shell."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from queuekit import Queue, statements

_WARM = 20  # tasks that are there before
_NOW = 1_700_000_000_000
_BINDINGS = "insert or replace into temp.sqlite_parameters values {};"
# verb: the file, and what it is told beside the queue and the moment
_VERBS = {
    "put": ("put_simple", {"payload": "'" + "x" * 200 + "'"}),
    "put with a key": ("put_plain", {"payload": "'" + "x" * 200 + "'", "key": "'k'"}),
    "claim": ("claim_simple", {"worker": "'bench'"}),
    "claim, with tick": ("claim", {"worker": "'bench'"}),
    "extend": ("extend", {"receipt": "'1:1'"}),
    "ack": ("ack", {"receipt": "'1:1'"}),
    "nack": ("nack", {"receipt": "'2:1'"}),
    "tick, nothing due": ("tick", {}),
}


def per_verb(folder: Path) -> dict[str, int]:
    """Instructions of each verb, on a new file with a few tasks; {} where the sqlite3 program cannot count them."""
    path = folder / "steps.db"
    with Queue(path, "bench") as queue:
        for _ in range(_WARM):
            queue.put("x" * 200, now=_NOW)
    try:
        told = subprocess.run(
            ["sqlite3", "-batch", "-bail", "-init", "/dev/null", str(path)],
            input=_script(),
            capture_output=True,
            text=True,
        )
    except OSError:
        return {}
    return _counted(told.stdout) if told.returncode == 0 else {}


def _script() -> str:
    lines = [".parameter init", "select count(*) from qk_task;"]
    for verb, (name, given) in _VERBS.items():
        values = {"queue": "'bench'", "now": str(_NOW), **given}
        rows = ", ".join(f"(':{key}', {value})" for key, value in values.items())
        lines += ["delete from temp.sqlite_parameters;", _BINDINGS.format(rows), f".print verb {verb}"]
        lines += [".stats vmstep", f".read '{statements.folder() / name}.sql'", ".stats off"]
    return "\n".join(lines) + "\n"


def _counted(output: str) -> dict[str, int]:
    counted: dict[str, int] = {}
    for line in output.splitlines():
        if line.startswith("verb "):
            verb = line[5:]
            counted[verb] = 0
        elif steps := re.fullmatch(r"VM-steps: (\d+)", line):
            counted[verb] += int(steps[1])
    return counted


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        for name, steps in per_verb(Path(scratch)).items():
            print(f"{name:20} {steps:6}")
