"""Uploads that are not sound yet, kept until a round begins with them or they are thrown away."""

import sqlalchemy as sa
from alembic import op

revision = "0004_since_0.2.0"
down_revision = "0003_since_0.2.0"


def upgrade() -> None:
    """Make the tables. Nothing closes them: an upload is changed while it is mended, and then erased."""
    op.create_table(
        "uploads",
        sa.Column("upload_id", sa.String, primary_key=True),
        sa.Column("round_id", sa.String),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("saved_at", sa.String, nullable=False),
        sa.Column("about", sa.String, nullable=False),
    )
    op.create_table(
        "upload_files",
        sa.Column("upload_id", sa.String, sa.ForeignKey("uploads.upload_id"), primary_key=True),
        sa.Column("table_name", sa.String, primary_key=True),
        sa.Column("file_name", sa.String, nullable=False),
        sa.Column("sha256", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
