"""A task queue that is one SQLite file.

from queuekit import Queue
q = Queue("tasks.db", "notifications")
q.put({"workspace": "/x"}, key="x")
with q.get(timeout=5) as task: ...
"""

from queuekit.compat import enqueue_task, get_ack_queue, get_queue
from queuekit.database import Database
from queuekit.errors import (
    BadPayload,
    Busy,
    LeaseLost,
    NoDatabase,
    NoTask,
    QueuekitError,
    Refused,
    SchemaMismatch,
    TimedOut,
    Usage,
)
from queuekit.handlers import App, handler
from queuekit.model import Task
from queuekit.outcome import Discard, Retry
from queuekit.queue import Empty, Queue

__version__ = "0.1.0"
__all__ = [
    "App",
    "BadPayload",
    "Busy",
    "Database",
    "Discard",
    "Empty",
    "LeaseLost",
    "NoDatabase",
    "NoTask",
    "Queue",
    "QueuekitError",
    "Refused",
    "Retry",
    "SchemaMismatch",
    "Task",
    "TimedOut",
    "Usage",
    "enqueue_task",
    "get_ack_queue",
    "get_queue",
    "handler",
]
