"""TOML, read by the standard library or, before Python 3.11, by what it came from."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def loads(text: str) -> dict[str, Any]:
    """The table that the text holds. Raises ValueError: what is wrong, and where."""
    return tomllib.loads(text)
