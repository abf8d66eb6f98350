"""A plan solved again with one thing changed: why not this person, and what would repair it."""
