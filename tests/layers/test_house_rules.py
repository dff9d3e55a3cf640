"""What keeps the project readable: SQL in sql/, short files, public names that say what they do, one place per fact."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from source import MODULES, ROOT, Definition, Module

MODULE = pytest.mark.parametrize("module", MODULES.values(), ids=list(MODULES))
_OPENING = (
    r"select .+ from|select \w+\(|insert (or \w+ )?into|update \w+ set|delete from|replace into|with \w+.* as"
    r"|(create|drop) (temp |temporary |unique )?(table|view|index|trigger)|alter table|attach '"
    r"|pragma \w|begin( immediate)?;?$|commit;?$|rollback;?$"
)
SQL = re.compile(rf"\s*({_OPENING})", re.IGNORECASE | re.DOTALL)
CONNECTION_WORDS = re.compile(r"\s*(begin|commit|rollback|pragma)\b", re.IGNORECASE)


@MODULE
def test_sql_lives_in_sql_files(module: Module) -> None:
    sql = [text for text in strings(module.tree) if SQL.match(text)]
    if module.name in ("database", "schema", "transaction"):
        sql = [text for text in sql if not CONNECTION_WORDS.match(text)]
    assert sql == []


@MODULE
def test_a_file_stays_short(module: Module) -> None:
    assert len(module.path.read_text().splitlines()) <= 250


@MODULE
def test_functions_stay_short(module: Module) -> None:
    assert [
        name for name, node in module.definitions() if not isinstance(node, ast.ClassDef) and lines(node) > 40
    ] == []


@MODULE
def test_every_public_name_says_what_it_does(module: Module) -> None:
    public = [(name, node) for name, node in module.definitions() if is_public(name)]
    assert ast.get_docstring(module.tree), "the file itself"
    assert [name for name, node in public if not ast.get_docstring(node) and not explains_itself(node)] == []


def test_no_file_is_named_after_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "base"}
    assert [path for path in committed() if Path(path).stem in nothing] == []


def test_the_version_stands_in_one_place() -> None:
    (version,) = re.findall(
        r'^__version__ = "(.+)"$', (ROOT / "queuekit/__init__.py").read_text(), re.MULTILINE
    )
    named = re.compile(rf"(version|queuekit)[\W_]{{1,8}}{re.escape(version)}(?![.\d])", re.IGNORECASE)
    assert [path for path in committed() if path != "CHANGELOG.md" and named.search(text_of(path))] == [
        "queuekit/__init__.py"
    ]


def test_nothing_names_a_path_of_one_machine() -> None:
    machine = re.compile(r"(?<![\w.~})/])/(root|work|Users/\w+|tmp/venv)/\w")
    assert [f"{path}: {found[0]}" for path in committed() for found in machine.finditer(text_of(path))] == []


def committed() -> list[str]:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a checkout of git: nothing tells what is committed")
    list_files = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(list_files, capture_output=True, text=True, check=True).stdout.split("\0")
    return [path for path in listed if path and (ROOT / path).is_file()]


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def strings(tree: ast.Module) -> Iterator[str]:
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def explains_itself(node: Definition) -> bool:
    """What has no body: a method of a Protocol, whose class says what it is for, or an overload."""
    return ast.unparse(node.body[-1]) == "..."


def lines(node: Definition) -> int:
    """The length of the body: a signature may name many options, and a docstring may explain."""
    begin = node.body[min(len(node.body) - 1, ast.get_docstring(node) is not None)].lineno
    return (node.end_lineno or begin) - begin + 1
