"""The tables of a run: read, checked against each other, and made from the official files."""
