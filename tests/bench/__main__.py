"""Speed against the floor of the same run: python -m tests.bench [--smoke].

Each cell runs in a fresh process on a fresh file, floor and contender in turns; a ratio is the median over
the rounds of floor / contender (1.00 = as fast as by hand), in wall time and, since that also measures the
neighbours, in CPU time. "Statements alone" runs the files of sql/ by hand, as the floor runs its own: what the
laws cost without queuekit's Python. The floor has SQLite's default pages of 4096, ours are of 2048:
so there is a second floor with pages (and checkpoints) like ours. Flatness is CPU time.
Then the flatness of every feature (flat.py), flows (flows.py), and at the end whole commands, from their start to
their exit.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from tests.bench.flat import features
from tests.bench.flows import flows
from tests.bench.start import starting

# what, action, count, payload bytes, contenders
_AGAINST_FLOOR = [
    ("put, 200 B", "put", 4000, 200),
    ("claim + ack, 200 B", "claim+ack", 4000, 200),
    ("consumer loop, 200 B", "loop", 4000, 200),
    ("put_many of 1000, 200 B", "put_many", 20000, 200),
    ("put, 16 KB", "put", 1000, 16384),
    ("claim + ack, 16 KB", "claim+ack", 1000, 16384),
]
# what, action, (ready, done, scheduled) small and large
_FLATNESS = [
    ("put", "put", (1000, 0, 0), (1_000_000, 1_000_000, 0)),
    ("claim + ack, 1M ready", "claim+ack", (1000, 0, 0), (1_000_000, 0, 0)),
    ("claim + ack, 1M done", "claim+ack", (1000, 0, 0), (1000, 1_000_000, 0)),
    ("claim + ack, 1M scheduled", "claim+ack", (1000, 0, 0), (1000, 0, 1_000_000)),
]


def cell(
    contender: str, action: str, count: int, size: int, rows: tuple[int, int, int]
) -> tuple[float, float]:
    """Microseconds of (wall, CPU) per action."""
    words = [contender, action, count, size, *rows]
    command = [sys.executable, "-m", "tests.bench.cell", *map(str, words)]
    wall, cpu = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(wall), float(cpu)


def against_floor(rounds: int, scale: float) -> None:
    print(f"{'against the floor':26} {'floor µs':>9} {'ours µs':>9} {'ratio':>6} {'CPU':>6}", end="")
    print("   statements alone µs, ratio, CPU   ratios of both to the floor on pages of 2048")
    for what, action, count, size in _AGAINST_FLOOR:
        count = max(int(count * scale), 1000 if action == "put_many" else 100)
        names = ["floor", "floor-2048", "ours"] + ["bare"] * (action in ("put", "claim+ack"))
        seen = [{name: cell(name, action, count, size, (0, 0, 0)) for name in names} for _ in range(rounds)]
        print(f"{what:26} {median(seen, 'floor'):9.1f} {median(seen, 'ours'):9.1f}", end="")
        print(" {:6.2f} {:6.2f}".format(*ratios(seen, "floor", "ours")), end="")
        if "bare" in names:
            print(
                "   {:.1f}, {:.2f}, {:.2f}".format(median(seen, "bare"), *ratios(seen, "floor", "bare")),
                end="",
            )
        small = [ratios(seen, "floor-2048", name)[0] for name in names[2:]]
        print("  " * (2 if "bare" in names else 13), *(f"{ratio:.2f}" for ratio in small), flush=True)


Round = dict[str, tuple[float, float]]


def median(seen: list[Round], contender: str) -> float:
    """The median wall time in microseconds."""
    return statistics.median(round[contender][0] for round in seen)


def ratios(seen: list[Round], floor: str, contender: str) -> tuple[float, float]:
    """The medians over the rounds of floor / contender, in wall and in CPU time."""
    wall, cpu = (statistics.median(r[floor][clock] / r[contender][clock] for r in seen) for clock in (0, 1))
    return wall, cpu


def flatness(rounds: int, scale: float) -> None:
    print(f"\n{'flatness':28} {'1k µs':>9} {'1M µs':>9} {'ratio':>6}")
    for what, action, small, large in _FLATNESS:
        large = tuple(int(n * scale) if n > 1000 else n for n in large)  # type: ignore[assignment]
        seen = [[cell("ours", action, 2000, 200, rows)[1] for rows in (small, large)] for _ in range(rounds)]
        medians = [statistics.median(column) for column in zip(*seen, strict=True)]
        ratio = statistics.median(row[1] / row[0] for row in seen)
        print(f"{what:28} {medians[0]:9.1f} {medians[1]:9.1f} {ratio:6.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--smoke", action="store_true", help="few and small: shows that it runs, not how fast"
    )
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    against_floor(1 if asked.smoke else asked.rounds, 0.05 if asked.smoke else 1)
    flatness(1 if asked.smoke else 3, 0.01 if asked.smoke else 1)
    features(0.01 if asked.smoke else 1)
    flows(0.02 if asked.smoke else 1)
    starting(2 if asked.smoke else 21)


if __name__ == "__main__":
    main()
