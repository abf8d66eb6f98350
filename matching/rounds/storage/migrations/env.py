"""What Alembic runs for every command: the steps that are due, in the transaction that `database` has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
