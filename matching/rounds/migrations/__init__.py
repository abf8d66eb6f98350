"""Steps from one form of the rounds database to the next, run by Alembic when `database` opens it."""
