"""The tables of a run, as aligned text for a terminal and as Markdown for a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .cells import EXTRAS
from .killed import LEASE, LIMIT
from .summary import Figures, fate, figures, number, reached

Results = Mapping[str, Any]
_TELLING = 0.2  # the share of the counts below which figures tell nothing


class Table(NamedTuple):
    """A title, a line under it, a head and rows of text."""

    title: str
    note: str
    head: list[str]
    rows: list[list[str]]

    def text(self) -> str:
        """Aligned columns."""
        top = [self.head, ["-" * len(name) for name in self.head]] if any(self.head) else []
        lines = [*top, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        body = (
            "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines
        )
        note = f"{self.note}\n" if self.note else ""
        return f"{self.title}\n{note}" + "\n".join(line.rstrip() for line in body) + "\n"

    def markdown(self, level: int = 3) -> str:
        """A heading and a table."""
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        body = "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
        )
        note = f"{self.note}\n\n" if self.note else ""
        return f"{'#' * level} {self.title}\n\n{note}{body}\n"


def for_page(results: Results) -> list[Table]:
    """All that a run has to tell, what matters most first; tables without rows are left out."""
    first = [_goals(results), _overview(results), _systems(results)]
    return _full([*first, *_extras(results), _machine(results), *_cells(results)])


def for_terminal(results: Results) -> list[Table]:
    """The same, with what matters most at the end, where it is seen."""
    last = [_systems(results), _overview(results), _goals(results)]
    return _full([*_cells(results), *_extras(results), _machine(results), *last])


def _full(tables: Iterable[Table]) -> list[Table]:
    return [table for table in tables if table.rows]


def _goals(results: Results) -> Table:
    rows = [
        [row["name"], row["goal"], row["value"], "yes" if row["reached"] else "**no**"]
        for row in reached(results)
    ]
    note = (
        "A ratio is the median over the rounds of the floor's time / queuekit's: 1.00 is as fast as by hand."
    )
    if results["scale"] < _TELLING:
        note = "So few messages show that it runs, not how fast: trust none of these."
    return Table("Goals", note, ["what", "goal", "this run", "reached"], rows)


def _overview(results: Results) -> Table:
    cells = results["cells"]
    rows = []
    for system, told in results["systems"].items():
        seen = [figures(cell["rounds"], system) for cell in cells.values()]
        if any(seen):
            rows.append([told["title"], *map(_short, seen)])
    note = "Microseconds a message, the median of the rounds; † lost some, ‡ delivered some twice, – does not offer it."
    return Table("All systems", note if rows else "", ["", *cells], rows)


def _short(found: Figures | None) -> str:
    if found is None:
        return "–"
    if found.failed:
        return "failed"
    return number(found.median) + " †" * bool(found.lost) + " ‡" * bool(found.twice)


def _systems(results: Results) -> Table:
    rows = [
        [told["title"], told["version"] or "–", told["ack"], told["lease"], told["history"], told["note"]]
        if "missing" not in told
        else [told["title"], "–", "–", "–", "–", told["missing"]]
        for told in results["systems"].values()
    ]
    return Table("What is compared", "", ["system", "version", "ack", "lease", "history", "to know"], rows)


def _cells(results: Results) -> Iterator[Table]:
    for cell in results["cells"].values():
        rows = []
        for system, told in results["systems"].items():
            if found := figures(cell["rounds"], system):
                rows.append([told["title"], *_row(found, told)])
        size = f"{cell['size']} B" if cell["size"] < 1024 else f"{cell['size'] // 1024} KB"
        base = "claim + ack" if cell["against"] else "time"
        rounds = f"{results['rounds']} round{'s' * (results['rounds'] > 1)}"
        note = f"Payloads of {size}, {rounds}; the ratio is to the floor's {base}."
        yield Table(cell["title"], note, _HEAD, rows)


_HEAD = "system|µs|least – most|a second|ratio|CPU ratio|journal, synchronous|ack|lease|history|lost or twice".split(
    "|"
)


def _row(found: Figures, told: Mapping[str, str]) -> list[str]:
    promises = [_brief(told[name]) for name in ("ack", "lease", "history")]
    if found.failed:
        return ["–", "–", "–", "–", "–", "–", *promises, f"failed: {found.failed}"]
    ratios = ["–" if ratio is None else f"{ratio:.2f}" for ratio in (found.ratio, found.cpu_ratio)]
    settings = f"{found.settings['journal_mode']}, {found.settings['synchronous']}"
    times = [number(found.median), f"{number(found.low)} – {number(found.high)}", number(1e6 / found.median)]
    refused = f"; refused {found.refused} times" if found.refused else ""
    return [*times, *ratios, settings, *promises, (fate(found) or "none") + refused]


def _brief(told: str) -> str:
    """The word before what explains it: yes, no, or all of it if it is short."""
    word = told.replace(",", ":").partition(":")[0]
    return word if word in ("yes", "no") else "kept"


def _extras(results: Results) -> Iterator[Table]:
    extras = {name: found for name, found in results["extras"].items() if "failed" not in found}
    failed = [
        [EXTRAS[name], found["failed"]] for name, found in results["extras"].items() if name not in extras
    ]
    yield Table("What failed", "", ["what", "why"], failed)
    if "killed" in extras:
        yield _killed(extras["killed"], results["systems"])
    if counted := [extras[name] for name in ("frames", "steps") if name in extras]:
        yield _counted(extras, list(dict.fromkeys(verb for one in counted for verb in one)))
    for name, rows in extras.items():
        if isinstance(rows, list):
            title = EXTRAS[name]
            yield Table(
                title[0].upper() + title[1:],
                "",
                ["what", "value", "goal", "to know"],
                list(map(_measured, rows)),
            )


def _killed(found: Mapping[str, Any], systems: Mapping[str, Any]) -> Table:
    meaning = {
        "redelivered": "handed out again after {after:.1f} s",
        "held": f"in the file still, handed to nobody within {LIMIT:.0f} s",
        "lost": "**lost**: it is not in the file any more",
    }
    rows = [[systems[name]["title"], meaning[one["outcome"]].format(**one)] for name, one in found.items()]
    note = (
        "kill -9 while it holds a task; then another process opens the queue and looks for it. Where there is a lease,"
        f" it was of {LEASE:.0f} s."
    )
    return Table("A consumer killed with a task in its hands", note, ["system", "the task is"], rows)


def _counted(extras: Mapping[str, Any], verbs: list[str]) -> Table:
    frames, steps = (extras.get(name, {}) for name in ("frames", "steps"))
    rows = [
        [verb, number(frames[verb]) if verb in frames else "–", str(steps.get(verb, "–"))] for verb in verbs
    ]
    note = (
        "Pages of 2048 bytes that a verb appends to the -wal file (the mean of 200), and instructions of SQLite's"
        " virtual machine (one, triggers included). Neither depends on the machine."
    )
    return Table("What a verb costs, counted", note, ["verb", "WAL frames", "VM steps"], rows)


def _measured(row: Mapping[str, Any]) -> list[str]:
    sign = {"less": "≤", "more": "≥"}[row["better"]]
    goal = "–" if row["goal"] is None else f"{sign} {number(row['goal'])} {row['unit']}"
    return [row["name"], f"{number(row['value'])} {row['unit']}", goal, row["note"]]


def _machine(results: Results) -> Table:
    rows = [[name, str(value)] for name, value in results["machine"].items()]
    rows += [["its release", results["release"]]]
    rows += [["rounds, share of the counts", f"{results['rounds']}, {results['scale']:g}"]]
    rows += [["the run took", f"{results['seconds']} s"]]
    return Table("The machine and the run", _busy(results["machine"]), ["", ""], rows)


def _busy(machine: Mapping[str, Any]) -> str:
    """A warning where others were at work when the run began."""
    load = float(str(machine.get("load", "0")).split(" ")[0])
    if load <= machine.get("cores", load):
        return ""
    return "This machine was busy with other work: trust the ratios little, and the times not at all."
