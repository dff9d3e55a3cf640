"""Reading a flow from a TOML, JSON or YAML file.

name = "images"            # all of this is optional but steps
queue = "images"           # of steps that name none
[steps.fetch]
payload = {url = "https://example.org"}     # text, or anything JSON has
kind = "fetch"
[steps.resize]
after = ["fetch"]          # names of steps
on_failure = "run"         # and delay priority require share group max_attempts lease backoff, as in put
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from queuekit import toml
from queuekit.errors import BadPayload, Usage
from queuekit.flow import Flow, Step

_OPTIONS = "kind priority delay require share group on_failure max_attempts lease backoff".split()
_KEYS = {"payload", "queue", "after", *_OPTIONS}


def read(path: Path) -> Flow:
    """The flow of a file. Raises Usage: one line with the file, the step and what is wrong."""
    given = _parsed(path)
    if unknown := given.keys() - {"name", "queue", "steps"}:
        raise Usage(f"{path}: {sorted(unknown)[0]}: no such key; known are name, queue, steps")
    steps = given.get("steps")
    if not isinstance(steps, dict) or not steps:
        raise Usage(f"{path}: steps: expected a table of steps by name")
    flow = Flow(_text(given, "name", path, path.stem), queue=_text(given, "queue", path, "default"))
    made = {str(name): _step(flow, str(name), told, f"{path}: steps.{name}") for name, told in steps.items()}
    for name, told in steps.items():
        made[str(name)].after = [
            _named(made, before, f"{path}: steps.{name}") for before in _after(told, path, name)
        ]
    return flow


def _parsed(path: Path) -> dict[str, Any]:
    readers: dict[str, Callable[[str], Any]] = {".toml": toml.loads, ".json": _json}
    readers |= dict.fromkeys((".yaml", ".yml"), _yaml)
    reader = readers.get(path.suffix)
    if reader is None:
        raise Usage(f"{path}: a flow is a .toml, .json or .yaml file")
    try:
        given = reader(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Usage(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise Usage(f"{path}: not a {path.suffix[1:]} file: {' '.join(str(error).split())}") from None
    if not isinstance(given, dict):
        raise Usage(f"{path}: expected a table with steps")
    return given


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            _once([(key.value, None) for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The table. Raises ValueError for a key that is there twice: the first would be lost without a word."""
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise ValueError(f"{key} stands there twice")
        table[key] = value
    return table


def _step(flow: Flow, name: str, told: Any, place: str) -> Step:
    if not isinstance(told, dict):
        raise Usage(f"{place}: expected a table")
    if unknown := told.keys() - _KEYS:
        raise Usage(
            f"{place}: {sorted(map(str, unknown))[0]}: no such key; known are {', '.join(sorted(_KEYS))}"
        )
    options: Any = {key: told[key] for key in _OPTIONS if key in told}
    try:
        return flow.add(name, told.get("payload"), queue=told.get("queue"), **options)
    except (Usage, BadPayload, TypeError, ValueError) as error:
        raise Usage(f"{place}: {error}") from None


def _after(told: dict[str, Any], path: Path, name: str) -> list[Any]:
    after = told.get("after", [])
    if isinstance(after, str):
        return [after]
    if not isinstance(after, list):
        raise Usage(f"{path}: steps.{name}: after: expected the names of steps")
    return after


def _named(made: dict[str, Step], name: Any, place: str) -> Step:
    if str(name) not in made:
        raise Usage(f"{place}: after: there is no step {str(name)!r}")
    return made[str(name)]


def _text(given: dict[str, Any], key: str, path: Path, default: str) -> str:
    text = given.get(key, default)
    if not isinstance(text, str) or not text:
        raise Usage(f"{path}: {key}: expected text")
    return text
