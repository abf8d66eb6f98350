"""Checks of the tables of a run against each other, and what follows from them."""
