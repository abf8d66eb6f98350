"""A plan: its reasons, its tables and the files that leave."""
