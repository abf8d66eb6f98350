"""Rounds, their input files and the files of their plan."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of the first version."""
    op.create_table(
        "rounds",
        sa.Column("round_id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "sources",
        sa.Column("round_id", sa.String, sa.ForeignKey("rounds.round_id"), primary_key=True),
        sa.Column("table_name", sa.String, primary_key=True),
        sa.Column("file_name", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "plan_files",
        sa.Column("round_id", sa.String, sa.ForeignKey("rounds.round_id"), primary_key=True),
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
