"""A process that has claimed ahead is stopped, forked, interrupted, ends, or finds the disk full."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from queuekit import Queue

LIMIT = 60  # seconds; generous, never measured

# Handlers count as fast, however slow this machine is: the first task is claimed alone, then 2, 4, 8 at once.
EAGER = """
import os, signal, sys
import queuekit.prefetch
from queuekit import Queue, QueuekitError
queuekit.prefetch._BUDGET = 1e15
queue = Queue(sys.argv[1], lease=3600)
"""


# A fork beside a thread is warned of, and so is a lease that the other process has ended. Nothing waits too long.
QUIET = """
import logging, warnings
logging.disable()
warnings.simplefilter("ignore")
queuekit.prefetch._HOLD = 3600
"""


@pytest.fixture
def queue(db: Path) -> Iterator[Queue]:
    with Queue(db) as queue:
        yield queue


def start(script: str, db: Path) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", EAGER + script, str(db)], text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def finish(process: subprocess.Popen[str]) -> list[int]:
    """The ids that it has printed, when it has ended well and without a word."""
    out, error = process.communicate(timeout=LIMIT)
    assert (process.returncode, error) == (0, "")
    return [int(line) for line in out.split()]


STOPPED = """
for task in queue:
    print(task.id, flush=True)
    if task.id == 4:
        os.kill(os.getpid(), signal.SIGSTOP)
    if task.payload == "last":
        task.ack()
        break
"""


def test_a_process_that_was_stopped_for_longer_than_its_leases_begins_nothing_of_what_it_held(
    queue: Queue, db: Path
) -> None:
    ids = queue.put_many(["x"] * 15)
    process = start(STOPPED + "import logging; logging.disable()", db)
    while not os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]):
        pass
    queue.tick(int(time.time() * 1000) + 3_600_001)  # its leases are over
    assert [queue.show(id)["state"] for id in ids[3:7]] == ["scheduled", "ready", "ready", "ready"]
    taken = [task.id for task in queue.claim_many(6, lease=3600)]
    assert taken == [5, 6, 7, 8, 9, 10]
    queue.put("last", priority=-1)
    stopped = time.monotonic()
    while time.monotonic() < stopped + 2 * 0.1:  # what it holds is over by the clock that it goes by, too
        pass
    process.send_signal(signal.SIGCONT)
    out, error = process.communicate(timeout=LIMIT)
    assert process.returncode == 0
    assert "the lease of 4:1 is lost" in error
    assert [int(line) for line in out.split()] == [1, 2, 3, 4, 11, 12, 13, 14, 15, 16]


FORKED = """
loop = iter(queue)
for _ in range(4):
    os.write(1, b"%d\\n" % next(loop).id)  # of one piece: two write to one pipe
child = os.fork()
for _ in range(3):
    os.write(1, b"%d\\n" % next(loop).id)  # of one piece: two write to one pipe
loop.close()
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_that_goes_on_in_the_loop_begins_nothing_of_what_its_parent_holds(
    queue: Queue, db: Path
) -> None:
    queue.put_many(["x"] * 30)
    begun = finish(start(QUIET + FORKED, db))
    assert [begun.count(id) for id in range(1, 7)] == [1] * 6  # (7 is given back when the parent leaves)
    assert len(begun) == 10
    assert queue.stats()["running"] == 0
    assert {queue.show(id)["failures"] for id in range(1, 31)} == {0}


ENDS = {
    "the module ends": "loop = iter(queue)\nfor _ in range(4): print(next(loop).id)\n",
    "sys.exit in the body": "for task in queue:\n    print(task.id)\n    if task.id == 4: sys.exit()\n",
    "a child ends": (
        "loop = iter(queue)\nfor _ in range(4): print(next(loop).id, flush=True)\n"
        "child = os.fork()\nif not child: sys.exit()\nos.waitpid(child, 0)\n"
        "assert queue.stats()['running'] == 4, 'what the parent holds'\n"
    ),
}


@pytest.mark.parametrize("script", ENDS.values(), ids=list(ENDS))
def test_a_process_that_ends_gives_back_what_it_held(script: str, queue: Queue, db: Path) -> None:
    queue.put_many(["x"] * 10)
    assert finish(start(QUIET + script, db)) == [1, 2, 3, 4]
    stats = queue.stats()
    assert (stats["done"], stats["ready"], stats["running"]) == (3, 7, 0)


INTERRUPTED = """
try:
    for task in queue:
        print(task.id, flush=True)
except KeyboardInterrupt:
    pass
"""


def test_an_interrupt_wherever_it_comes_leaves_nothing_behind(queue: Queue, db: Path) -> None:
    """Most come during a commit, and are raised when it is done: what it has claimed is given back all the same."""
    queue.put_many(["x"] * 20_000)
    dice = random.Random(7)
    for _ in range(12):
        process = start(INTERRUPTED, db)
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 200)):
            assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        finish(process)
        assert queue.stats()["running"] == 0


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    for task in queue:
        print(task.id, flush=True)
except QueuekitError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def test_on_a_full_disk_the_loop_ends_and_no_more_than_its_task_is_charged(queue: Queue, db: Path) -> None:
    ids = queue.put_many(["x" * 500] * 400)
    queue.close()
    process = start("import logging; logging.disable()" + FULL, db)
    out, error = process.communicate(timeout=LIMIT)
    assert (process.returncode, len(error.splitlines())) == (1, 1)
    begun = {int(line) for line in out.split()}
    assert begun
    queue.tick(int(time.time() * 1000) + 3_600_001)
    charged = [id for id in ids if queue.show(id)["failures"]]
    assert len(charged) <= 1
    assert set(charged) <= begun
    assert {queue.show(id)["state"] for id in set(ids) - begun} == {"ready"}
