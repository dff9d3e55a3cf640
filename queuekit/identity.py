"""What a process is called on a queue file that other machines, containers and boots may share."""

from __future__ import annotations

import os
import socket
import zlib
from pathlib import Path


def host() -> str:
    """Where the process numbers of this process are valid: the host's name, on Linux with its boot and container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        return f"{socket.gethostname()} {boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def process_name() -> str:
    """host.xxxx:pid: the start of the host's name, four digits that tell hosts of one start apart, the number."""
    return f"{socket.gethostname()[:8]}.{zlib.crc32(host().encode()) & 0xFFFF:04x}:{os.getpid()}"
