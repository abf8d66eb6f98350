"""The files that events gave, so that every table of a round can be made again from its beginning."""

import sqlalchemy as sa
from alembic import op

from matching.rounds.storage.sqlite import TRIGGERS_0003

revision = "0003_since_0.2.0"
down_revision = "0002"


def upgrade() -> None:
    """Make the table, and close it and the files of the beginning: a round starts from its tables as they are."""
    op.create_table(
        "event_files",
        sa.Column("round_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("table_name", sa.String, primary_key=True),
        sa.Column("file_name", sa.String, nullable=False),
        sa.Column("sha256", sa.String, sa.ForeignKey("contents.sha256"), index=True),
        sa.ForeignKeyConstraint(["round_id", "number"], ["events.round_id", "events.number"]),
    )
    for trigger in TRIGGERS_0003:
        op.execute(trigger)
