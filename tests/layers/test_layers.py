"""Imports point downward only, and each package of others has one place."""

from __future__ import annotations

import subprocess
import sys

import pytest
from source import MODULES, Module

# Lowest first. A module may import those of its own layer and of those below; cli.* counts as cli.
LAYERS = [
    "statements errors durations outcome logs model identity toml rule",
    "schema scripts waiting memory open_file transaction group_commit database",
    "producer runs claims prefetch schedule consumer wake queue batch flow_run flow drawing",
    "execution handlers loop child process settle keeper slots worker signals spool presence config daemon compat"
    " flow_file",
    "__init__",
    "cli __main__",
]
FLOOR = {name: floor for floor, names in enumerate(LAYERS) for name in names.split()}
# What is not of the standard library, and the only module that may import it.
HOMES = {
    "typer": "cli",
    "click": "cli",
    "rich": "cli",
    "watchdog": "wake",
    "persistqueue": "compat",
    "cronsim": "rule",
    "yaml": "flow_file",
    "tomli": "toml",
    "tomllib": "toml",
}
MODULE = pytest.mark.parametrize("module", MODULES.values(), ids=list(MODULES))


@MODULE
def test_imports_point_downward(module: Module) -> None:
    assert [name for name in module.internal_imports() if floor(name) > floor(module.name)] == []


@MODULE
def test_a_package_of_others_is_imported_in_one_place(module: Module) -> None:
    outside = {name.split(".")[0] for name in module.imports()} - sys.stdlib_module_names - {"queuekit"}
    assert {name: HOMES.get(name, "nowhere") for name in outside} == dict.fromkeys(outside, top(module.name))


def test_no_modules_import_each_other() -> None:
    rest = {name: module.internal_imports() for name, module in MODULES.items()}
    while free := [name for name, needs in rest.items() if not needs & rest.keys() - {name}]:
        for name in free:
            del rest[name]
    assert rest == {}, "these import each other in a circle"


def test_importing_queuekit_loads_nothing_of_others_and_no_event_loop() -> None:
    show = (
        "import sys; had = {*sys.modules}; import queuekit; print(*{*sys.modules} - had)"  # coverage has some
    )
    told = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert not {*HOMES, "asyncio"} & {top(name) for name in told.stdout.split()}


def top(name: str) -> str:
    return name.split(".")[0]


def floor(name: str) -> int:
    assert top(name) in FLOOR, f"say in LAYERS where {name} belongs"
    return FLOOR[top(name)]
