"""A worker as a program, for tests that need a real process:  program.py DATABASE OPTIONS-AS-JSON"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import queuekit.wake
from queuekit import logs
from queuekit.handlers import load_app
from queuekit.process import Command
from queuekit.signals import serve
from queuekit.worker import Worker

database = Path(sys.argv[1])
options = json.loads(sys.argv[2])
queuekit.wake._SETTLED = options.pop("settled", queuekit.wake._SETTLED)
command, app = options.pop("exec", None), options.pop("app", None)
handle = load_app(app) if app else Command(command, database=database)
logs.start(as_json=True)
serve(Worker(database, options.pop("queues", ["default"]), handle, **options))
