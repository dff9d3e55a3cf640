"""Numbers, ids and receipts as they are typed: plain digits, as in bin/qk. Anything else is a wrong call (2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

import typer

from queuekit.model import PRIORITIES

_RECEIPT = re.compile(r"[0-9]{1,18}:[0-9]{1,18}")


def whole(text: object) -> int:
    """The number. Raises BadParameter for anything but up to 18 digits, perhaps with a minus."""
    if not re.fullmatch(r"-?[0-9]{1,18}", str(text)):
        raise typer.BadParameter(f"{text!r} is not a whole number")
    return int(str(text))


def count(text: object) -> int:
    """As whole, and not below 0."""
    if (number := whole(text)) < 0:
        raise typer.BadParameter(f"{number} is below 0")
    return number


def some(text: object) -> int:
    """As whole, and at least 1."""
    if (number := whole(text)) < 1:
        raise typer.BadParameter(f"{number} is below 1")
    return number


def task_id(text: object) -> int:
    """The id of a task. Raises BadParameter."""
    if not re.fullmatch(r"[0-9]{1,18}", str(text)):
        raise typer.BadParameter(f"{text!r} is not the id of a task")
    return int(str(text))


def receipt_of(text: str) -> str:
    """The receipt, unchanged. Raises BadParameter for what cannot be one."""
    if not _RECEIPT.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not a receipt (id:claims, as claim printed it)")
    return text


def a_priority(text: object) -> int | str:
    """A whole number, or low, normal, high or critical. Raises BadParameter."""
    if text in PRIORITIES:
        return str(text)
    try:
        return whole(text)
    except typer.BadParameter as error:
        raise typer.BadParameter(f"{error.message}, nor low, normal, high or critical") from None


def ids(texts: Iterable[str]) -> list[int]:
    """Ids with commas or spaces between, one at least. Raises BadParameter."""
    if not (words := " ".join(texts).replace(",", " ").split()):
        raise typer.BadParameter("the ids of tasks are wanted, and there are none")
    return [task_id(word) for word in words]


Receipt = Annotated[
    str, typer.Argument(parser=receipt_of, metavar="RECEIPT", help="id:claims, as claim printed it.")
]
Id = Annotated[int, typer.Argument(parser=task_id, metavar="ID", help="The id of a task.")]
Ids = Annotated[list[int], typer.Argument(parser=task_id, metavar="ID...", help="Ids of tasks.")]
Strategy = Annotated[
    str | None,
    typer.Option(metavar="S", help="priority, fifo, lifo, random or fair; else as the queue says."),
]
Capability = Annotated[list[str] | None, typer.Option(metavar="WORDS", help="What the worker can do.")]
