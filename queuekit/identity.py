"""What a process is called on a queue file that other machines, containers and boots may share."""

from __future__ import annotations

import os
import zlib
from pathlib import Path


def hostname() -> str:
    """The name of this machine."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket  # takes long, and no put needs it

    return socket.gethostname()


def host() -> str:
    """Where the process numbers of this process are valid: the host's name, on Linux with its boot and container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        return f"{hostname()} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return hostname()


def process_name() -> str:
    """host.xxxx:pid: the start of the host's name, four digits that tell hosts of one start apart, the number."""
    return f"{hostname()[:8]}.{zlib.crc32(host().encode()) & 0xFFFF:04x}:{os.getpid()}"
