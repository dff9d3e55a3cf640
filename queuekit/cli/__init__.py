"""The queuekit command: the verbs, flags, output and exit codes of bin/qk; each verb a few lines over the package."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit with the code of the contract. Never a traceback for a user's mistake."""
    code = _run()
    gc.freeze()  # Python would look through all it has loaded for garbage, which takes as long as the verb itself
    sys.exit(code)


def _run() -> int:
    from queuekit.cli.app import app
    from queuekit.cli.output import complain
    from queuekit.errors import QueuekitError

    if sys.stdout is None:  # it was closed; what is opened next must not pass for it
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except QueuekitError as error:
        return complain(str(error), error.exit_code)
    except BrokenPipeError:  # whoever read our output has gone: nothing to tell, and nobody
        _drop_output()
        return 1
    except OSError as error:
        _drop_output()
        return complain(f"{error.filename or 'writing'}: {error.strerror}", 1)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if type(error).__name__ == "Abort":
            return 130
        if told := getattr(error, "format_message", None):  # Typer's own: an option or argument is wrong
            return complain(f"{told().rstrip('.')} (see  queuekit --help)", 2)
        raise


def _drop_output() -> None:
    """Let what is buffered go nowhere: at exit Python would try to write it again, and end with 120 and a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
