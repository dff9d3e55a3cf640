"""The page of the Python names, from docstrings. It reads the sources, so that no version of Python matters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

# Names in reading order; where in the package they are is found out.
SECTIONS = {
    "Queues": ["Queue", "Empty", "Database"],
    "Tasks": ["TaskOptions", "StepOptions", "Task", "TaskId", "Lease", "Batch"],
    "Handlers": ["handler", "App", "Retry", "Discard"],
    "The short helpers": ["enqueue_task", "get_queue", "get_ack_queue", "AckQueue"],
    "Workers": ["Worker", "Command", "Daemon", "Config", "serve"],
    "Schedules": ["Schedules"],
    "Flows": ["Flow", "FlowRun", "step", "chain", "group", "chord"],
    "Waking": ["Wake"],
    "Lengths and moments": ["Duration", "Moment"],
}
GIVEN = {"Task", "Lease"}  # made by the queue, not by the reader
ERRORS = "queuekit.errors"

_EQUALS = re.compile(r"(?<=\S)=(?=\S)")

OPENING = """\
<!-- Written by generate.py from the docstrings of queuekit/: change them, not this page. -->
# Python

What `import queuekit` gives, and the classes behind the programs, with the docstrings of the package.
Lengths of time are [`Duration`](#duration), moments [`Moment`](#moment); a parameter that ends in `_ms`, and `now`,
is integer milliseconds. [How to use them](../howto/python.md).
"""

Class = ast.ClassDef
Function = ast.FunctionDef  # no public name is async


def render(root: Path) -> str:
    """The page. Raises KeyError for a name of SECTIONS that the package does not have."""
    package = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in _modules(root)}
    classes = {node.name: node for tree in package.values() for node in tree.body if isinstance(node, Class)}
    parts = [OPENING]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        parts += [_name(package, name, classes) for name in names]
    return "\n".join([*parts, _errors(package[ERRORS])])


def _modules(root: Path) -> Iterator[tuple[str, Path]]:
    """(dotted name, path) of all modules but those of the command."""
    package = root / "queuekit"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if "cli" not in parts:
            yield ".".join(parts).removesuffix(".__init__"), path


def _name(package: dict[str, ast.Module], name: str, classes: dict[str, Class]) -> str:
    for module, tree in package.items():
        for number, node in enumerate(tree.body):
            if isinstance(node, Class) and node.name == name:
                return _class(node, module, classes)
            if isinstance(node, Function) and node.name == name:
                return f"### {name}\n\n`{module}`\n\n{_signature(node)}\n\n{_doc(node)}\n"
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
                text = getattr(getattr(tree.body[number + 1], "value", None), "value", "")
                return f"### {name}\n\n`{module}`: `{ast.unparse(node.value)}`\n\n{_paragraphs(text)}\n"
    raise KeyError(f"the package has no {name}: see SECTIONS of python_page.py")


def _class(node: Class, module: str, classes: dict[str, Class]) -> str:
    methods: dict[str, Function] = {}
    for base in [
        *(classes[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in classes),
        node,
    ]:
        methods |= {child.name: child for child in base.body if isinstance(child, Function)}
    text = f"### {node.name}\n\n`{module}`\n\n"
    start = methods.pop("__init__", None)
    if start and node.name not in GIVEN:
        text += _signature(start, node.name) + "\n\n"
    elif _is_dataclass(node):
        text += (
            "".join(f"- `{ast.unparse(child)}`\n" for child in node.body if isinstance(child, ast.AnnAssign))
            + "\n"
        )
    text += _doc(node) + "\n"
    public = [method for name, method in methods.items() if not name.startswith("_") or name == "__iter__"]
    return text + "".join(
        f"\n{_signature(method)}\n\n{_doc(method)}\n" for method in public if ast.get_docstring(method)
    )


def _is_dataclass(node: Class) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


def _signature(node: Function, name: str | None = None) -> str:
    """The call as code."""
    if any(ast.unparse(decorator) == "property" for decorator in node.decorator_list):
        return f"**`{node.name}`** → `{ast.unparse(node.returns) if node.returns else ''}`"
    given = _EQUALS.sub(" = ", ast.unparse(node.args)).removeprefix("self, ").removeprefix("cls, ")
    given = "" if given in ("self", "cls") else given
    returns = (
        f" → `{ast.unparse(node.returns)}`"
        if node.returns and name is None and ast.unparse(node.returns) != "None"
        else ""
    )
    return f"**`{name or node.name}({given})`**{returns}"


def _doc(node: Class | Function) -> str:
    return _paragraphs(ast.get_docstring(node) or "")


def _paragraphs(text: str) -> str:
    """A docstring as Markdown: indented examples become code that is shown, not run."""
    parts = []
    for part in text.strip().split("\n\n"):
        parts.append(
            part
            if not part.startswith("    ")
            else "```text\n" + "\n".join(line[4:] for line in part.splitlines()) + "\n```"
        )
    return "\n\n".join(parts)


def _errors(tree: ast.Module) -> str:
    rows = ["## Errors\n", "| error | is a | exit code | |", "|---|---|---|---|"]
    for node in tree.body:
        if isinstance(node, Class):
            codes = [ast.unparse(child.value) for child in node.body if isinstance(child, ast.Assign)]
            words, _, code = " ".join((ast.get_docstring(node) or "").split()).partition(" Exit code ")
            rows.append(
                f"| `{node.name}` | `{ast.unparse(node.bases[0])}` | {(codes or [code.rstrip('.')])[0]} | {words} |"
            )
    return "\n".join(rows) + "\n"
