"""Steps from one form of the database of rounds to the next; Alembic runs those that are due when it is opened.

The revision of a step after 0002 ends in the first version of the program that has it, as in 0003_since_0.2.0: an
earlier version reads it there to report which version to install.
"""
