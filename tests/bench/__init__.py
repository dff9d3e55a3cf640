"""The benchmark of queuekit: `queuekit bench`, or `python -m tests.bench` in a checkout.

systems/ has one adapter a system, cells.py what is measured, goals.py what is to be reached; cell.py measures one cell
in a process of its own, run.py has them measured in turns. In an installation this package is queuekit.bench.
"""
