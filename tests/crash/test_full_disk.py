"""A full disk (here: a limit on the size of files): a clear error, nothing half done, and life goes on."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

from queuekit import Queue
from tests.spec.books import wrong

FILL = """
import resource, sys
from queuekit import Queue, QueuekitError
queue = Queue(sys.argv[1], "full")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    while True:
        print(queue.put("x" * 5000), flush=True)
except QueuekitError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def test_a_full_disk_is_told_in_one_line_and_what_was_put_before_it_is_there(db: Path) -> None:
    filled = subprocess.run(
        [sys.executable, "-c", FILL, str(db)], capture_output=True, text=True, check=False, timeout=60
    )
    assert filled.returncode == 1
    assert len(filled.stderr.splitlines()) == 1
    assert str(db) in filled.stderr
    promised = [int(line) for line in filled.stdout.split()]
    assert promised
    with sqlite3.connect(db) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        assert [id for (id,) in connection.execute("select id from qk_task order by id")] == promised
    connection.close()
    queue = Queue(db, "full")
    assert queue.put("after") > promised[-1]
    queue.close()


LINK = """
import resource, sys
from queuekit import Batch, Queue, QueuekitError
queue = Queue(sys.argv[1], "full", worker="w")
queue.policy(max_running=50, max_depth=1000, rate=999999, on_group="aside")
batch = Batch.open(queue.database)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    while True:
        first = queue.put("x" * 2000, batch=batch.id, group="g", priority=1)
        print(queue.put("x" * 2000, batch=batch.id, after=[first], group="h"), flush=True)
        task = queue.claim()
        task.ack() if first % 3 else task.nack("no", dead=True)
except QueuekitError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def test_on_a_full_disk_no_law_is_half_done(db: Path) -> None:
    linked = subprocess.run(
        [sys.executable, "-c", LINK, str(db)], capture_output=True, text=True, check=False, timeout=60
    )
    assert linked.returncode == 1
    assert len(linked.stderr.splitlines()) == 1
    assert linked.stdout.split()
    with sqlite3.connect(db) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        assert list(wrong(connection)) == []
        assert connection.execute("select count(*) from qk_task where state = 'cancelled'").fetchone()[0]
    connection.close()
