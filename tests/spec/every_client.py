"""The three clients that ship, each opened by open(path)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from client_python import Python
from client_qk import Qk
from client_raw import Raw
from clients import Client

CLIENTS: dict[str, Callable[[Path], Client]] = {"raw": Raw, "qk": Qk, "python": Python}
