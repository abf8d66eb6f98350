"""A round as a file: its index, and the zip that holds it with all its files."""
