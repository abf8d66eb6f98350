"""`python -m matching` is the command `s2s`."""

from matching.cli import main

if __name__ == "__main__":
    main()
