"""Six processes of different capabilities claim fairly from one queue: in each lane the shares take strict turns."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from queuekit import Queue

EACH = 60  # tasks of each share
LANES = {"": "az", "gpu": "mn"}
CAPABILITIES = ("", "", "gpu", "", "gpu", "gpu ssd")
PROGRAM = """
import sys
from queuekit import Queue
queue = Queue(sys.argv[1], capabilities=sys.argv[2], timeout=60)
while True:
    with queue.database.transaction() as connection:
        if (task := queue.claim()) is None:
            break
        connection.execute("insert into served (lane, share) values (?, ?)", task.payload.split("/"))
        task.ack()
"""


def test_the_shares_of_a_lane_take_turns_whoever_claims(tmp_path: Path) -> None:
    db = tmp_path / "queue.db"
    with Queue(db) as queue:
        queue.policy(strategy="fair")
        for lane, shares in LANES.items():
            for share in shares:
                queue.put_many([f"{lane}/{share}"] * EACH, share=share, require=lane)
        connection = queue.database.connection()
        connection.execute("create table served (n integer primary key, lane text, share text)")
        workers = [
            subprocess.Popen([sys.executable, "-c", PROGRAM, str(db), words]) for words in CAPABILITIES
        ]
        assert [worker.wait(120) for worker in workers] == [0] * len(workers)
        served = connection.execute("select lane, share from served order by n").fetchall()
    for lane, shares in LANES.items():
        counts = Counter(dict.fromkeys(shares, 0))
        for served_lane, share in served:
            if served_lane.decode() == lane:
                counts[share.decode()] += 1
                assert max(counts.values()) - min(counts.values()) <= 1
        assert set(counts.values()) == {EACH}
