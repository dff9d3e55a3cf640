"""Python functions as handlers, by the kind of task.

    @handler("send_email")
    def send(task): ...                 # or async def; what it returns is the result

A function only carries its kinds as a mark: an App collects the marked functions of a module. There is no registry.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from queuekit.errors import Usage
from queuekit.execution import Execution
from queuekit.outcome import Outcome, done, failed, of_exception

if TYPE_CHECKING:
    from queuekit.loop import Loop

ANY = "*"
"""The kind of a handler for tasks that have no handler of their own."""

Function = Callable[..., Any]
_F = TypeVar("_F", bound=Function)


def handler(kind: str | None = None) -> Callable[[_F], _F]:
    """Mark a function, sync or async, as the handler of a kind; may be stacked. None or "*": of every kind without one.

    It is called with the Task; what it returns is the result. Retry and Discard say more, any other exception is a
    failure.
    """

    def mark(function: _F) -> _F:
        function.queuekit_kinds = (*kinds_of(function), ANY if kind is None else kind)  # type: ignore[attr-defined]
        return function

    return mark


def kinds_of(function: object) -> tuple[str, ...]:
    """The kinds that a function is marked for."""
    try:
        kinds = getattr(function, "queuekit_kinds", ())
    except Exception:  # an object that answers for another, as flask's current_app
        return ()
    return kinds if isinstance(kinds, tuple) and all(isinstance(kind, str) for kind in kinds) else ()


class App:
    """Handlers by kind; what a worker runs. Async ones share one event loop in a thread of its own."""

    def __init__(self, handlers: Mapping[str, Function] | None = None) -> None:
        self.handlers: dict[str, Function] = {}
        for kind, function in (handlers or {}).items():
            self.add(kind, function)
        self._lock = threading.Lock()
        self._loop: Loop | None = None

    def handler(self, kind: str | None = None) -> Callable[[_F], _F]:
        """As the function handler, and adds the function to this app."""

        def add(function: _F) -> _F:
            self.add(ANY if kind is None else kind, function)
            return function

        return add

    def add(self, kind: str, function: Function) -> None:
        """Let function handle tasks of the kind. Raises Usage if another one does."""
        if self.handlers.setdefault(kind, function) is not function:
            both = " and ".join(
                getattr(one, "__name__", repr(one)) for one in (self.handlers[kind], function)
            )
            raise Usage(f"two handlers for kind {kind!r}: {both}")

    def __call__(self, execution: Execution) -> Outcome:
        task = execution.task
        function = self.handlers.get(task.kind) or self.handlers.get(ANY)
        if function is None:
            return failed(f"no handler for kind {task.kind!r}")
        try:
            result = function(task)
            return done(self._await(result, execution) if hasattr(result, "__await__") else result)
        except BaseException as error:  # SystemExit too: a bad task never stops a worker
            return of_exception(error)

    def _await(self, work: Awaitable[Any], execution: Execution) -> Any:
        from queuekit.loop import Loop  # asyncio takes long to import, and most workers need none

        with self._lock:
            self._loop = self._loop or Loop()
        return self._loop.run(work, execution)


def load_app(name: str) -> App:
    """The App at "module:object": an App, a function, or a mapping of kind to function.

    "module" alone stands for all its marked functions, else for its only App. The working directory counts as a place
    for modules. Raises Usage.
    """
    module_name, _, path = name.partition(":")
    found: Any = _module(module_name)
    for part in filter(None, path.split(".")):
        try:
            found = getattr(found, part)
        except Exception as error:
            raise Usage(f"module {module_name} has no {path!r} ({error}): give --app module:object") from None
    return _app(found, name)


def _app(found: Any, name: str) -> App:
    if isinstance(found, App):
        return found
    if isinstance(found, Mapping):
        return App(found)
    if isinstance(found, ModuleType):
        return _marked(vars(found).values(), name)
    if callable(found):
        return App(dict.fromkeys(kinds_of(found) or (ANY,), found))
    raise Usage(f"{name} is no handler: it must be an App, a function, or a mapping of kind to function")


def _marked(values: Iterable[Any], name: str) -> App:
    values = list(values)
    app = App()
    for function in values:
        for kind in kinds_of(function):
            app.add(kind, function)
    if app.handlers:
        return app
    apps = [value for value in values if isinstance(value, App)]
    if len(apps) == 1:
        return apps[0]
    raise Usage(
        f"module {name} has no handlers: mark functions with @handler(kind), or name an App as module:object"
    )


def _module(name: str) -> ModuleType:
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise Usage(f"there is no module {name!r} here or on PYTHONPATH") from None
        raise Usage(f"module {name} cannot be imported: {error} ({_place(error)})") from error
    except (Exception, SystemExit) as error:
        raise Usage(
            f"module {name} cannot be imported: {type(error).__name__}: {error} ({_place(error)})"
        ) from error


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
