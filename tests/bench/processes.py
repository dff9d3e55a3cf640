"""Two producers and two consumers, each a process of its own, on one file; this module as a program is one of them.

A consumer waits for more as its docs say. One that has no way to wait looks again half a millisecond later. It ends
when the producers have, and nothing is left, or with a last message that is put for each of them.
An operation that the system refuses because others hold the file is counted, and tried again.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from . import children, systems
from .systems.system import System

_PRODUCERS = _CONSUMERS = 2
_PAUSE = 0.0005  # seconds between two looks of a consumer that finds nothing
_LAST = "no more"
_LAST_LOOKS = 20  # of a consumer, after the producers have ended
_ENOUGH = 1000  # refusals of one operation, after which it is given up
_T = TypeVar("_T")


def side_by_side(
    queue: System, system: str, folder: Path, count: int, size: int
) -> tuple[float, float, list[str], int]:
    """Seconds of wall and CPU time until all is consumed, what was delivered, and how many operations were refused."""
    level = queue.settings()["synchronous"]
    share = count // _PRODUCERS
    told: dict[str, Any] = {
        "system": system,
        "folder": str(folder),
        "level": level,
        "size": size,
        "share": share,
    }
    work = [{**told, "first": nth * share, "role": "produce"} for nth in range(_PRODUCERS)]
    work += [{**told, "role": "consume"}] * _CONSUMERS
    running = [children.start("processes") for _ in work]
    for process, words in zip(running, work, strict=True):
        _say(process, json.dumps(words))
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
    for process in running:
        _say(process, "go")
    reports = [_report(process) for process in running[:_PRODUCERS]]
    for _ in range(_CONSUMERS if queue.offers("until") else 0):
        queue.put(_LAST)
    _finished(folder).touch()
    reports += [_report(process) for process in running[_PRODUCERS:]]
    wall = max(report["end"] for report in reports) - min(report["begin"] for report in reports)
    seen = [text for report in reports for text in report["seen"]]
    return wall, sum(report["cpu"] for report in reports), seen, sum(report["refused"] for report in reports)


def _finished(folder: Path) -> Path:
    return folder / "producers-have-ended"


def _say(process: Any, line: str) -> None:
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _report(process: Any) -> Any:
    out, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"a process of the cell exits {process.returncode}")
    return json.loads(out)


class _Worker:
    """One of the processes; refused counts the operations that had to be tried again."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.queue = systems.load(told["system"])(Path(told["folder"]), told["level"])
        self.refused = 0
        self.last = 0.0
        self.seen: list[str] = []

    def patiently(self, act: Callable[[], _T]) -> _T:
        """Do it, again while it is refused."""
        for _ in range(_ENOUGH):
            try:
                return act()
            except Exception as error:
                if "locked" not in str(error) and "busy" not in str(error).lower():
                    raise
                self.refused += 1
        raise RuntimeError(f"refused {_ENOUGH} times")

    def produce(self) -> None:
        for number in range(self.told["first"], self.told["first"] + self.told["share"]):
            text = f"{number:08d}".ljust(self.told["size"], "x")
            self.patiently(lambda text=text: self.queue.put(text))  # type: ignore[misc]
        self.last = time.monotonic()

    def consume(self) -> None:
        if self.queue.offers("until"):
            for payload in self.queue.until(_LAST):
                self._saw(payload)
        else:
            self._look_again_and_again()

    def _saw(self, payload: str) -> None:
        self.seen.append(payload[:8])
        self.last = time.monotonic()

    def _look_again_and_again(self) -> None:
        looks = _LAST_LOOKS
        while looks:
            message = self.patiently(self.queue.claim)
            if message is None:
                looks -= _finished(Path(self.told["folder"])).exists()
                time.sleep(_PAUSE)
                continue
            self.patiently(lambda message=message: self.queue.done(message))  # type: ignore[misc]
            self._saw(self.queue.payload(message))


def main() -> None:
    worker = _Worker(json.loads(sys.stdin.readline()))
    print("ready", flush=True)
    sys.stdin.readline()
    begin, cpu = time.monotonic(), time.process_time()
    getattr(worker, worker.told["role"])()
    report = {
        "begin": begin,
        "end": worker.last or begin,
        "cpu": time.process_time() - cpu,
        "seen": worker.seen,
        "refused": worker.refused,
    }
    print(json.dumps(report))
    worker.queue.close()


if __name__ == "__main__":
    main()
