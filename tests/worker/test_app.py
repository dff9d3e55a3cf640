"""--app module:object, and what may stand there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from queuekit import Usage, handler
from queuekit.handlers import load_app


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a module of this source; its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])

    def write(source: str) -> str:
        name = f"module_of_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{name}.py").write_text(source)
        sys.modules.pop(name, None)
        return name

    return write


def test_a_module_gives_its_marked_functions(module: Callable[[str], str]) -> None:
    name = module(
        "from queuekit import handler\n"
        "@handler('a')\n@handler('b')\ndef one(task): return 1\n"
        "@handler()\nasync def two(task): return 2\n"
        "def three(task): return 3\n"
    )
    app = load_app(name)
    assert {kind: function.__name__ for kind, function in app.handlers.items()} == {
        "a": "one",
        "b": "one",
        "*": "two",
    }


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("from queuekit import App\nthing = App({'a': print})", {"a"}),
        ("thing = {'a': print, 'b': print}", {"a", "b"}),
        ("def thing(task): pass", {"*"}),
        ("from queuekit import handler\n@handler('a')\ndef thing(task): pass", {"a"}),
        ("class space:\n  def thing(task): pass\nthing = space.thing", {"*"}),
    ],
    ids=["app", "mapping", "function", "marked", "nested"],
)
def test_an_object_may_be_an_app_a_mapping_or_a_function(
    module: Callable[[str], str], source: str, kinds: set[str]
) -> None:
    assert set(load_app(f"{module(source)}:thing").handlers) == kinds


def test_a_module_whose_only_app_is_unnamed_gives_that_app(module: Callable[[str], str]) -> None:
    assert set(load_app(module("from queuekit import App\nanything = App({'a': print})")).handlers) == {"a"}


@pytest.mark.parametrize(
    "odd",
    [
        "from unittest.mock import Mock\nodd = Mock()",
        "class C:\n def __getattr__(self, name): raise RuntimeError('out of context')\nodd = C()",
        "class C: queuekit_kinds = 3\nodd = C()",
    ],
    ids=["a mock", "a proxy", "another's mark"],
)
def test_odd_things_in_a_module_are_no_handlers(module: Callable[[str], str], odd: str) -> None:
    marked = "from queuekit import handler\n@handler('a')\ndef good(task): pass\n"
    assert set(load_app(module(marked + odd)).handlers) == {"a"}


TWO_OF_A_KIND = """
from functools import partial
a, b = partial(print), partial(print)
a.queuekit_kinds = b.queuekit_kinds = ("k",)
"""


@pytest.mark.parametrize(
    ("source", "object", "words"),
    [
        ("", "", "has no handlers"),
        ("", ":thing", "has no 'thing'"),
        ("thing = 3", ":thing", "is no handler"),
        ("import there_is_no_such_module", "", "cannot be imported"),
        ("x = 1\n1/0", "", "ZeroDivisionError"),
        ("def (", "", "SyntaxError"),
        ("raise SystemExit(3)", "", "SystemExit"),
        (
            "class C:\n def __getattr__(self, n): raise RuntimeError('no context')\nc = C()",
            ":c.x",
            "no context",
        ),
        (TWO_OF_A_KIND, "", "two handlers for kind 'k'"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(
    module: Callable[[str], str], source: str, object: str, words: str
) -> None:
    with pytest.raises(Usage, match=words) as caught:
        load_app(module(source) + object)
    assert "\n" not in str(caught.value)


def test_a_missing_module_is_said_in_one_line() -> None:
    with pytest.raises(Usage, match=r"no module 'no_such_package\.x'"):
        load_app("no_such_package.x:y")


def test_handler_leaves_the_function_as_it_is() -> None:
    @handler("a")
    def function(task: str) -> str:
        return task

    assert function("x") == "x"
