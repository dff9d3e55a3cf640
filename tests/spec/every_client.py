"""The three clients that ship, each opened by open(path)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from client_python import Python
from client_qk import Qk
from client_raw import Raw
from clients import Client

_ALL: dict[str, Callable[[Path], Client]] = {"raw": Raw, "qk": Qk, "python": Python}

CLIENTS = {name: _ALL[name] for name in os.environ.get("SPEC_CLIENTS", "raw qk python").split()}
"""Those that the specification is run against: all, or some of them by name in $SPEC_CLIENTS."""
