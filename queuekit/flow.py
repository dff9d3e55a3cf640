"""Flows: tasks that wait for each other, put in one transaction. A flow in the file is a batch with named steps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from queuekit.database import Database
from queuekit.errors import Usage
from queuekit.flow_run import FlowRun
from queuekit.producer import StepOptions, bound, without_nul

if TYPE_CHECKING:
    from typing_extensions import Unpack

_OF_A_STEP = set(
    "kind priority delay_ms require share group on_failure max_attempts lease_ms backoff_ms".split()
)
_TEXTS = ("name", "queue", "kind", "share", "group", "on_failure")


class Step:
    """A task to be: its payload, its queue (None: as the flow), its name, and the steps (or parts) it waits for.

    Raises Usage, BadPayload.
    """

    def __init__(
        self,
        payload: Any,
        *,
        name: str | None = None,
        queue: str | None = None,
        after: Part | Iterable[Part] = (),
        **options: Unpack[StepOptions],
    ) -> None:
        given = bound(options)
        if unknown := given.keys() - _OF_A_STEP:
            raise Usage(f"a step of a flow takes no {', '.join(sorted(unknown))}")
        _are_texts(given | {"name": name, "queue": queue})
        self.name = name
        self.after = _tails(after)
        self.given = given | {"payload": without_nul(payload)} | ({"queue": queue} if queue else {})

    @property
    def heads(self) -> list[Step]:
        """Itself: what must wait for whatever comes before."""
        return [self]

    @property
    def tails(self) -> list[Step]:
        """Itself: what those that come after must wait for."""
        return [self]

    @property
    def steps(self) -> list[Step]:
        """Itself."""
        return [self]


class Steps:
    """Steps that belong together: heads wait for what comes before, and what comes after waits for tails."""

    def __init__(self, steps: list[Step], heads: list[Step], tails: list[Step]) -> None:
        self.steps = steps
        self.heads = heads
        self.tails = tails


Part = Step | Steps


def step(
    payload: Any, *, name: str | None = None, queue: str | None = None, **options: Unpack[StepOptions]
) -> Step:
    """A step for chain, group and chord; options as in put. Raises Usage, BadPayload."""
    return Step(payload, name=name, queue=queue, **options)


def chain(*parts: Part) -> Steps:
    """One after the other. (A part without a step is as if it were not there.)"""
    real = [part for part in parts if part.steps]
    for before, part in pairwise(real):
        for head in part.heads:
            head.after += [tail for tail in before.tails if tail not in head.after]
    return Steps(_all(real), list(real[0].heads) if real else [], list(real[-1].tails) if real else [])


def group(*parts: Part) -> Steps:
    """Side by side."""
    heads = [head for part in parts for head in part.heads]
    return Steps(_all(parts), heads, [tail for part in parts for tail in part.tails])


def chord(parts: Iterable[Part], callback: Part) -> Steps:
    """Side by side, then callback when all are done."""
    return chain(group(*parts), callback)


class Flow:
    """Steps to be put together. A name is for people; queue is that of steps that name none."""

    def __init__(self, name: str | None = None, part: Part | None = None, *, queue: str = "default") -> None:
        self.name = name
        self.queue = queue
        self.steps: list[Step] = [] if part is None else part.steps

    def add(
        self,
        name: str,
        payload: Any,
        *,
        after: Part | Iterable[Part] = (),
        queue: str | None = None,
        **options: Unpack[StepOptions],
    ) -> Step:
        """Add a step that waits for a part, or several; options as in put. Raises Usage, BadPayload."""
        self.steps.append(Step(payload, name=name, after=after, queue=queue, **options))
        return self.steps[-1]

    def put(self, database: Database, *, now: int | None = None) -> FlowRun:
        """Put all of it or nothing. Raises Usage (a circle, two steps of one name), Full, Busy."""
        ordered = _ordered(self.steps)
        place = {id(one): number for number, one in enumerate(ordered)}
        names = _names(ordered)
        listed = [
            {
                "queue": self.queue,
                **one.given,
                "name": name,
                "after": [place[id(before)] for before in one.after],
            }
            for one, name in zip(ordered, names, strict=True)
        ]
        steps = json.dumps(listed, ensure_ascii=False)
        with database.transaction():
            flow = database.insert("flow_open", {"name": self.name, "now": now})
            database.run("flow_steps", {"flow": flow, "steps": steps, "now": now})
        return FlowRun(database, flow)


def _are_texts(given: Mapping[str, Any]) -> None:
    """Raises Usage for what JSON would turn into a text, or cut short."""
    for what in _TEXTS:
        text = given.get(what)
        if text is not None and (not isinstance(text, str) or "\0" in text):
            raise Usage(f"the {what.replace('_', '-')} of a step is text without NUL, not {text!r}")


def _tails(after: Part | Iterable[Part]) -> list[Step]:
    """The steps that end these parts."""
    parts = [after] if isinstance(after, (Step, Steps)) else list(after)
    if strange := [part for part in parts if not isinstance(part, (Step, Steps))]:
        raise Usage(f"a step waits for steps, not for {strange[0]!r}")
    return [tail for part in parts for tail in part.tails]


def _all(parts: Iterable[Part]) -> list[Step]:
    return [one for part in parts for one in part.steps]


def _ordered(steps: list[Step]) -> list[Step]:
    """The steps, each after all that it waits for. Raises Usage for a circle, or for a step that is not among them."""
    known = {id(one) for one in steps}
    if any(id(before) not in known for one in steps for before in one.after):
        raise Usage("a step waits for one that is not in the flow; nothing was put")
    if len(known) < len(steps):
        raise Usage("a step stands in the flow twice; nothing was put")
    if _is_ordered(steps):
        return steps
    try:
        return list(TopologicalSorter({one: one.after for one in steps}).static_order())
    except CycleError as error:
        names = ", ".join(one.name or "?" for one in error.args[1][:5])
        raise Usage(f"steps wait for each other in a circle ({names}); nothing was put") from None


def _is_ordered(steps: list[Step]) -> bool:
    seen: set[int] = set()
    for one in steps:
        if any(id(before) not in seen for before in one.after):
            return False
        seen.add(id(one))
    return True


def _names(steps: list[Step]) -> list[str]:
    """The name of each: its own, else its kind or place. Raises Usage for a name that is given twice."""
    given = [one.name for one in steps if one.name]
    if len(set(given)) < len(given):
        twice = next(name for name in given if given.count(name) > 1)
        raise Usage(f"two steps are called {twice!r}; nothing was put")
    names, taken = [], set(given)
    for number, one in enumerate(steps, 1):
        name = one.name or str(one.given.get("kind") or "step")
        if not one.name and name in taken:
            name = f"{name} {number}"
        taken.add(name)
        names.append(name)
    return names
