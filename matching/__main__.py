"""`python -m matching` is the command `s2s`."""

import gc
import os
import sys


def main() -> None:
    """Load the commands and run the one that was asked for."""
    _keep_output_to_ourselves()
    # What is loaded stays until the end: Python need not look through it for what can be thrown away.
    gc.disable()
    from matching.cli import main as run  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    try:
        run()
    finally:
        # The system takes everything back at once; Python would look through it once more.
        gc.freeze()


def _keep_output_to_ourselves() -> None:
    """Let nobody but Python write to standard output: HiGHS has lines that it prints whatever it is told."""
    said = sys.stdout
    said.flush()
    ours, nowhere = os.dup(said.fileno()), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, said.fileno())
    os.close(nowhere)
    buffering = 1 if said.isatty() else -1
    sys.stdout = os.fdopen(ours, "w", buffering, said.encoding, said.errors, closefd=False)


if __name__ == "__main__":
    main()
