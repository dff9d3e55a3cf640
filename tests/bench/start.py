"""How long a whole command takes, from its start to its end, beside what it cannot do without.

The commands take turns. A value is a median over the rounds. A ratio or a difference is taken in each round and its
median told, so that a neighbour who makes a round slow makes both slow. The note tells the range, and the same in CPU
time: that of the command and of all it starts, without the waits for the disk and for a free core.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from queuekit import statements

from . import children

_PROGRAMS = statements.folder().parent  # the checkout, or the package where it is installed
_QK = str(_PROGRAMS / "bin" / "qk")
_HOOKS = _PROGRAMS / "hooks"
_PAYLOAD = '{"session_id": "00893aaf-19fa-41d2", "cwd": "/home/me/project", "stop_hook_active": false}'
_PUSHED = f"{'0' * 40} {'1' * 40} refs/heads/main\n"


class Command(NamedTuple):
    """A command line, and what is in its stdin."""

    words: list[str]
    stdin: str = ""


# A host calls a hook just so; its stdin is a pipe.
_HOOK_CALLS = {
    "cron-put": Command([str(_HOOKS / "cron-put"), "backup"]),
    "agent-stop": Command([str(_HOOKS / "agent-stop")], _PAYLOAD),
    "git-post-commit": Command([str(_HOOKS / "git-post-commit")]),
    "git-post-receive": Command([str(_HOOKS / "git-post-receive")], _PUSHED),
    "on-fail false": Command([str(_HOOKS / "on-fail"), "false"]),
}
_PYTHON_CALLS = {
    "python -c pass": Command([sys.executable, "-c", "pass"]),
    "import queuekit": Command([sys.executable, "-c", "import queuekit"]),
    "from queuekit import Queue": Command([sys.executable, "-c", "from queuekit import Queue"]),
    "import typer": Command([sys.executable, "-c", "import typer"]),
    "queuekit put": Command([sys.executable, "-m", "queuekit", "put", "x"]),
}
_HOOK_GOAL, _IMPORT_GOAL, _PUT_GOAL, _QK_GOAL = 10.0, 40.0, 120.0, 2.0


class Took(NamedTuple):
    """How long a command took, in ms."""

    wall: float
    cpu: float

    def __truediv__(self, other: Took) -> Took:
        return Took(self.wall / other.wall, self.cpu / other.cpu)

    def __sub__(self, other: Took) -> Took:
        return Took(self.wall - other.wall, self.cpu - other.cpu)


Round = dict[str, Took]


def measure(scale: float, rounds: int) -> list[dict[str, Any]]:
    """The figures of so many rounds: name, value, unit, goal (or None), better ("less"), note (range, CPU time).

    A command is as long as it is, so scale changes nothing.
    """
    del scale
    seen = _rounds(rounds)
    bare, python = "sqlite3 insert", "python -c pass"
    rows = [_row(name, "ms", [row[name] for row in seen], _goal(name)) for name in seen[0]]
    for name in ("qk put", "qk put, stdin"):
        rows.append(_row(f"{name} / {bare}", "x", [row[name] / row[bare] for row in seen], _QK_GOAL))
    for name in ("import queuekit", "from queuekit import Queue"):
        rows.append(_row(f"{name} - {python}", "ms", [row[name] - row[python] for row in seen], _IMPORT_GOAL))
    return rows


def starting(rounds: int) -> None:
    """Print the figures of so many rounds."""
    print(f"\n{'a whole command':44} {'median':>7} {'goal':>12}   range, CPU time")
    for row in measure(1, rounds):
        goal = "" if row["goal"] is None else f"≤ {row['goal']:g} {row['unit']}"
        print(f"{row['name']:44} {row['value']:7.1f} {goal:>12}   {row['note']}")


def _goal(name: str) -> float | None:
    return _HOOK_GOAL if name in _HOOK_CALLS else _PUT_GOAL if name == "queuekit put" else None


def _row(name: str, unit: str, seen: list[Took], goal: float | None) -> dict[str, Any]:
    walls = [took.wall for took in seen]
    cpu = statistics.median(took.cpu for took in seen)
    note = f"{min(walls):.1f} to {max(walls):.1f}; CPU {cpu:.1f}"
    value = statistics.median(walls)
    return {"name": name, "value": value, "unit": unit, "goal": goal, "better": "less", "note": note}


def _rounds(rounds: int) -> list[Round]:
    """What each command took in each round; the first round, in which files come into the cache, is left out."""
    with tempfile.TemporaryDirectory() as folder:
        db = str(Path(folder) / "queue.db")
        env = _environment(folder, db)
        subprocess.run([_QK, "init"], env=env, check=True)
        repository = _repository(folder, env)
        commands = {
            "sqlite3 insert": Command(["sqlite3", db, "insert into qk_task (payload) values ('x')"]),
            "qk put": Command([_QK, "put", "x"]),
            "qk put, stdin": Command([_QK, "put"], "x"),
            **_HOOK_CALLS,
            **_PYTHON_CALLS,
        }
        seen = [
            {name: _took(command, env, repository) for name, command in commands.items()}
            for _ in range(rounds + 1)
        ]
    return seen[1:]


def _environment(folder: str, db: str) -> dict[str, str]:
    """No settings of the caller's: git's, Python's and qk's own would be measured with them."""
    path = os.pathsep.join([str(children.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PATH": os.environ["PATH"], "HOME": folder, "QUEUEKIT_DB": db, "PYTHONPATH": path}


def _repository(folder: str, env: dict[str, str]) -> str:
    """A repository with a commit."""
    place = str(Path(folder) / "repository")
    me = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    subprocess.run(["git", "init", "-q", place], env=env, check=True)
    subprocess.run(["git", "-C", place, *me, "commit", "-q", "--allow-empty", "-m", "x"], env=env, check=True)
    return place


def _took(command: Command, env: dict[str, str], cwd: str) -> Took:
    """Run one. Its stdin is a pipe that is full and closed before it starts."""
    reader, writer = os.pipe()
    os.write(writer, command.stdin.encode())
    os.close(writer)
    try:
        cpu, began = _cpu_of_children(), time.perf_counter()
        done = subprocess.run(
            command.words, stdin=reader, stdout=subprocess.DEVNULL, env=env, cwd=cwd, check=False
        )
        took = Took((time.perf_counter() - began) * 1000, _cpu_of_children() - cpu)
    finally:
        os.close(reader)
    assert done.returncode == ("false" in command.words), command
    return took


def _cpu_of_children() -> float:
    """The CPU time, in ms, of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000
