"""The tables of the database of rounds, in SQLAlchemy Core: nothing here is particular to SQLite."""

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

SCHEMA = MetaData()
"""The tables after the last migration."""

# Times are ISO text in UTC: it keeps the zone, sorts by time and is the same in every database.
ROUNDS = Table(
    "rounds",
    SCHEMA,
    Column("round_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("archived_at", String),
    Column("copied_from", String),
    Column("current_plan", Integer),
    Column("approved_plan", Integer),
)
# A plan brings copies of its inputs: by digest, the same bytes are kept once however many plans there are.
CONTENTS = Table(
    "contents",
    SCHEMA,
    Column("sha256", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
SOURCES = Table(
    "sources",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("file_name", String, nullable=False),
    Column("sha256", String, ForeignKey("contents.sha256"), nullable=False, index=True),
    Column("added_at", String, nullable=False),
)
PLANS = Table(
    "plans",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("made_at", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("note", String, nullable=False),
    Column("after", Integer, nullable=False),
)
PLAN_FILES = Table(
    "plan_files",
    SCHEMA,
    Column("round_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("path", String, primary_key=True),
    # The order of the files is part of a plan: its zip is the same bytes only in the same order.
    Column("position", Integer, nullable=False),
    Column("sha256", String, ForeignKey("contents.sha256"), nullable=False, index=True),
    # Deferred, because a plan is closed by its row: the files have to go in before it.
    ForeignKeyConstraint(
        ["round_id", "number"], ["plans.round_id", "plans.number"], deferrable=True, initially="DEFERRED"
    ),
)
EVENTS = Table(
    "events",
    SCHEMA,
    Column("round_id", String, ForeignKey("rounds.round_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", String, nullable=False),
    Column("by", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("why", String, nullable=False),
    Column("about", String, nullable=False),
    Column("undoes", Integer),
)
# The files that an event gave: those of the beginning are sources. Without a digest, the event takes the table away.
EVENT_FILES = Table(
    "event_files",
    SCHEMA,
    Column("round_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("file_name", String, nullable=False),
    Column("sha256", String, ForeignKey("contents.sha256"), index=True),
    ForeignKeyConstraint(["round_id", "number"], ["events.round_id", "events.number"]),
)
# Files that are not sound yet. They are mended, and then erased, so they are not among the contents that never are.
UPLOADS = Table(
    "uploads",
    SCHEMA,
    Column("upload_id", String, primary_key=True),
    Column("round_id", String),
    Column("name", String, nullable=False),
    Column("by", String, nullable=False),
    Column("saved_at", String, nullable=False),
    Column("about", String, nullable=False),
)
UPLOAD_FILES = Table(
    "upload_files",
    SCHEMA,
    Column("upload_id", String, ForeignKey("uploads.upload_id"), primary_key=True),
    Column("table_name", String, primary_key=True),
    Column("file_name", String, nullable=False),
    Column("sha256", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
