"""`python -m matching` is the command `s2s`."""

import gc
import os
import sys


def main() -> None:
    """Load the commands and run the one that was given."""
    _reserve_standard_output()
    # What is loaded here lives until the end: Python need not look for garbage in it.
    gc.disable()
    from matching.cli import main as run  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    run()


def _reserve_standard_output() -> None:
    """Keep standard output for Python alone: HiGHS prints lines of its own whatever its settings are."""
    if sys.stdout is None:  # closed by the caller
        return
    sys.stdout.flush()
    number = sys.stdout.fileno()
    ours, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    buffering = 1 if sys.stdout.isatty() else -1
    sys.stdout = os.fdopen(ours, "w", buffering, sys.stdout.encoding, sys.stdout.errors, closefd=False)


if __name__ == "__main__":
    main()
