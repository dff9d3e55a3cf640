"""The modules of the package as the tests of the layers see them: what each imports, defines and says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One file of the package; name is dotted, without "queuekit." in front."""

    path: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT / "queuekit").with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__") or "__init__"

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    def imports(self) -> set[str]:
        """Dotted names of all modules it loads, late or early; what is imported for type checkers alone is left out."""
        return set(_imports(self.tree))

    def internal_imports(self) -> set[str]:
        """Those of the package itself, named as modules are."""
        inner = {name.removeprefix("queuekit.") for name in self.imports() if name.startswith("queuekit.")}
        return {next(part for part in _prefixes(name) if part in MODULES) for name in inner}

    def definitions(self) -> Iterator[tuple[str, Definition]]:
        """Every class and function, with its qualified name; those inside functions are left out."""
        yield from _definitions(self.tree, "")


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from _imports(node)


def _prefixes(dotted: str) -> Iterator[str]:
    """a.b.c, a.b, a, and at last the package's own __init__, which holds __version__."""
    parts = dotted.split(".")
    yield from (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    yield "__init__"


def _definitions(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Definition]]:
    for child in node.body:
        if isinstance(child, Definition):
            yield prefix + child.name, child
        if isinstance(child, ast.ClassDef):
            yield from _definitions(child, f"{prefix}{child.name}.")


MODULES = {module.name: module for module in map(Module, sorted((ROOT / "queuekit").rglob("*.py")))}
