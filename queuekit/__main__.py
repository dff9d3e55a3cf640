"""python -m queuekit: the same as the queuekit command."""

from queuekit.cli import main

main()
