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
from queuekit.model import Task
from queuekit.queue import Empty, Queue

__version__ = "0.1.0"
__all__ = [
    "BadPayload",
    "Busy",
    "Database",
    "Empty",
    "LeaseLost",
    "NoDatabase",
    "NoTask",
    "Queue",
    "QueuekitError",
    "Refused",
    "SchemaMismatch",
    "Task",
    "TimedOut",
    "Usage",
    "enqueue_task",
    "get_ack_queue",
    "get_queue",
]
