"""The machine that a run is of, and the folder on it that the files are in."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from queuekit.errors import Usage

_IN_MEMORY = {"tmpfs", "ramfs", "devtmpfs"}


def facts(folder: Path) -> dict[str, Any]:
    """Processor, cores, kernel, file system of the folder, Python, SQLite, date and load."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": file_system(folder),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "sqlite3 program": _program(),
        "load": load(),
    }


def load() -> str:
    """The load averages of 1, 5 and 15 minutes."""
    return " ".join(f"{average:.2f}" for average in os.getloadavg())


def real_disk(folder: Path) -> Path:
    """A folder for the files, inside folder. Raises Usage if that is no folder, or is one in memory."""
    if not folder.is_dir():
        raise Usage(f"there is no folder {folder}")
    if (kind := file_system(folder)) in _IN_MEMORY:
        raise Usage(f"{folder} is in memory ({kind}), which would measure no disk: name another by --dir")
    return Path(tempfile.mkdtemp(prefix="queuekit-bench-", dir=folder))


def default_folder() -> Path:
    """The user's cache, or the current folder where there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache if cache.is_dir() else Path.cwd()


def file_system(folder: Path) -> str:
    """The kind of the file system that the folder is on, "unknown" where the kernel does not tell."""
    try:
        return mounted_as(folder.resolve(), Path("/proc/self/mounts").read_text(encoding="utf-8"))
    except OSError:
        return "unknown"


def mounted_as(folder: Path, mounts: str) -> str:
    """The kind of the mount that a folder lies in, by the lines of /proc/self/mounts; the last one hides the others."""
    place, kind = Path(), "unknown"
    for line in mounts.splitlines():
        _, point, its_kind, *_ = line.split()
        mount = Path(point.replace("\\040", " "))
        if folder.is_relative_to(mount) and len(mount.parts) >= len(place.parts):
            place, kind = mount, its_kind
    return kind


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _program() -> str:
    if not shutil.which("sqlite3"):
        return "none"
    told = subprocess.run(["sqlite3", "-version"], capture_output=True, text=True)
    return told.stdout.split(" ")[0]
