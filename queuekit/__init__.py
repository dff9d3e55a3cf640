"""A task queue that is one SQLite file.

from queuekit import Queue
q = Queue("tasks.db", "notifications")
q.put({"workspace": "/x"}, key="x")
with q.get(timeout=5) as task: ...
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from queuekit.batch import Batch
    from queuekit.compat import enqueue_task, get_ack_queue, get_queue
    from queuekit.database import Database
    from queuekit.errors import (
        BadPayload,
        Busy,
        Full,
        LeaseLost,
        NoDatabase,
        NoTask,
        QueuekitError,
        Refused,
        SchemaMismatch,
        TimedOut,
        Usage,
    )
    from queuekit.flow import Flow, chain, chord, group, step
    from queuekit.flow_run import FlowRun
    from queuekit.handlers import App, handler
    from queuekit.model import Task
    from queuekit.outcome import Discard, Retry
    from queuekit.queue import Empty, Queue
    from queuekit.schedule import Schedules

__version__ = "0.3.0"

# Where each public name lives. Loaded at first use: the command line starts in half the time.
_HOMES = {
    "batch": ("Batch",),
    "compat": ("enqueue_task", "get_ack_queue", "get_queue"),
    "database": ("Database",),
    "errors": (
        *("BadPayload", "Busy", "Full", "LeaseLost", "NoDatabase", "NoTask"),
        *("QueuekitError", "Refused", "SchemaMismatch", "TimedOut", "Usage"),
    ),
    "flow": ("Flow", "chain", "chord", "group", "step"),
    "flow_run": ("FlowRun",),
    "handlers": ("App", "handler"),
    "model": ("Task",),
    "outcome": ("Discard", "Retry"),
    "queue": ("Empty", "Queue"),
    "schedule": ("Schedules",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "App",
    "BadPayload",
    "Batch",
    "Busy",
    "Database",
    "Discard",
    "Empty",
    "Flow",
    "FlowRun",
    "Full",
    "LeaseLost",
    "NoDatabase",
    "NoTask",
    "Queue",
    "QueuekitError",
    "Refused",
    "Retry",
    "Schedules",
    "SchemaMismatch",
    "Task",
    "TimedOut",
    "Usage",
    "chain",
    "chord",
    "enqueue_task",
    "get_ack_queue",
    "get_queue",
    "group",
    "handler",
    "step",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'queuekit' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"queuekit.{_HOME[name]}"), name)
    return value
