"""Processes of this package: python -m of one of its modules, wherever the package lies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGE = __package__ or ""
ROOT = Path(__file__).resolve().parents[len(PACKAGE.split("."))]
"""Where Python finds this package: the checkout, or the folder of installed packages."""


def command(module: str) -> list[str]:
    """What runs a module of this package with this Python."""
    return [sys.executable, "-m", f"{PACKAGE}.{module}"]


def environment() -> dict[str, str]:
    """Ours, with the folder of this package where Python looks first."""
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *([inherited] if inherited else [])])}


def start(module: str, **options: Any) -> subprocess.Popen[str]:
    """A process of a module, with pipes."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen(command(module), env=environment(), **pipes)
