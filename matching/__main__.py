"""`python -m matching` is the command `s2s`."""

import gc


def main() -> None:
    """Load the commands and run the one that was asked for."""
    # What is loaded stays until the end: Python need not look through it for what can be thrown away.
    gc.disable()
    from matching.cli import main as run  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
