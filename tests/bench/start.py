"""How long a whole command takes, in ms, beside what it cannot do without: the start of Python, and Typer's import."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_QK = str(Path(__file__).parents[2] / "bin" / "qk")
_PUT = "insert into qk_task (payload) values ('x')"


def starting(rounds: int) -> None:
    """Print the medians of so many rounds, taken in turns."""
    with tempfile.TemporaryDirectory() as folder:
        db = str(Path(folder) / "queue.db")
        subprocess.run([_QK, "init", "--db", db], check=True)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "python -c 'import typer'": [sys.executable, "-c", "import typer"],
            "queuekit put": [str(Path(sys.executable).with_name("queuekit")), "put", "x", "--db", db],
            "qk put": [_QK, "put", "x", "--db", db],
            "sqlite3 insert": ["sqlite3", db, _PUT],
        }
        seen = [{name: _ms(command) for name, command in commands.items()} for _ in range(rounds)]
    print(f"\n{'a whole command':28} {'ms':>6}")
    median = {name: statistics.median(row[name] for row in seen) for name in commands}
    for name, ms in median.items():
        print(f"{name:28} {ms:6.1f}")
    bare, typer = median["python -c pass"], median["python -c 'import typer'"]
    print(
        f"{'twice pass + import of typer':28} {2 * bare + typer - bare:6.1f}   (queuekit put may take as long)"
    )


def _ms(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=os.path.dirname(_QK) + "/..")
    return (time.perf_counter() - began) * 1000
