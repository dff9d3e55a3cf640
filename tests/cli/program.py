"""Running the queuekit command and qk as their users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

QUEUEKIT = [sys.executable, "-m", "queuekit"]
QK = [str(ROOT / "bin" / "qk")]
LIMIT = 60


def run(
    program: list[str], *words: str | bytes, db: Path, stdin: bytes | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """The program on the file db, with an empty HOME."""
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(db.parent),
        "QUEUEKIT_DB": str(db),
        **measured,
        **environment,
    }
    feed = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(
        [*program, *words], env=settings, capture_output=True, timeout=LIMIT, check=False, **feed
    )
