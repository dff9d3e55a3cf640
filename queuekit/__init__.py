"""A task queue that is one SQLite file."""

__version__ = "0.1.0"
