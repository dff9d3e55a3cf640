"""python -m tests.bench: the same as `queuekit bench`, in a checkout."""

import sys

from queuekit.cli import main

sys.argv[1:1] = ["bench"]
main()
