"""A round: its events, its state after them, its inputs and live plan, and the database that keeps it."""
