"""Numbered plans and the history of a round, neither of which is ever changed; contents kept once, by digest."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# What a statement may not do, and what SQLite then answers. A REPLACE fires no trigger on deletion, so a row that is
# there already has to be looked for before an insertion too.
_NEVER_CHANGED = ("events", "plans", "plan_files", "contents")
_TRIGGERS = (
    *(
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
        for table in _NEVER_CHANGED
    ),
    *(
        f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are never deleted'); END"
        for table in _NEVER_CHANGED
        if table != "contents"
    ),
    "CREATE TRIGGER contents_kept BEFORE DELETE ON contents "
    "WHEN EXISTS (SELECT 1 FROM plan_files WHERE sha256 = OLD.sha256) "
    "OR EXISTS (SELECT 1 FROM sources WHERE sha256 = OLD.sha256) "
    "BEGIN SELECT RAISE(ABORT, 'contents that are used are never deleted'); END",
    "CREATE TRIGGER contents_once BEFORE INSERT ON contents "
    "WHEN EXISTS (SELECT 1 FROM contents WHERE sha256 = NEW.sha256) "
    "BEGIN SELECT RAISE(ABORT, 'contents are kept once'); END",
    *(
        f"CREATE TRIGGER {table}_in_order BEFORE INSERT ON {table} "
        f"WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM {table} WHERE round_id = NEW.round_id) "
        f"BEGIN SELECT RAISE(ABORT, '{table} are numbered in order'); END"
        for table in ("events", "plans")
    ),
    # A plan's files go in before the plan itself; from then on it is closed.
    "CREATE TRIGGER plan_files_closed BEFORE INSERT ON plan_files "
    "WHEN EXISTS (SELECT 1 FROM plans WHERE round_id = NEW.round_id AND number = NEW.number) "
    "OR EXISTS (SELECT 1 FROM plan_files WHERE round_id = NEW.round_id AND number = NEW.number AND path = NEW.path) "
    "BEGIN SELECT RAISE(ABORT, 'plans take no more files'); END",
)


def upgrade() -> None:
    """Number the plans that are there, begin the history of every round, and close both against changes."""
    for column in ("archived_at", "copied_from"):
        op.add_column("rounds", sa.Column(column, sa.String))
    for column in ("current_plan", "approved_plan"):
        op.add_column("rounds", sa.Column(column, sa.Integer))
    for table in ("sources", "plan_files"):
        op.rename_table(table, f"{table}_0001")
    _create_tables()
    _carry_over()
    for table in ("sources", "plan_files"):
        op.drop_table(f"{table}_0001")
    for trigger in _TRIGGERS:
        op.execute(trigger)


def _create_tables() -> None:
    op.create_table(
        "contents",
        sa.Column("sha256", sa.String, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "sources",
        sa.Column("round_id", sa.String, sa.ForeignKey("rounds.round_id"), primary_key=True),
        sa.Column("table_name", sa.String, primary_key=True),
        sa.Column("file_name", sa.String, nullable=False),
        sa.Column("sha256", sa.String, sa.ForeignKey("contents.sha256"), nullable=False, index=True),
        sa.Column("added_at", sa.String, nullable=False),
    )
    op.create_table(
        "plans",
        sa.Column("round_id", sa.String, sa.ForeignKey("rounds.round_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("made_at", sa.String, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("after", sa.Integer, nullable=False),
    )
    op.create_table(
        "plan_files",
        sa.Column("round_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("path", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String, sa.ForeignKey("contents.sha256"), nullable=False, index=True),
        sa.ForeignKeyConstraint(
            ["round_id", "number"], ["plans.round_id", "plans.number"], deferrable=True, initially="DEFERRED"
        ),
    )
    op.create_table(
        "events",
        sa.Column("round_id", sa.String, sa.ForeignKey("rounds.round_id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("undoes", sa.Integer),
    )


def _carry_over() -> None:
    """Put what the first version kept into the new tables."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    # Within SQLite, so that no more than one content is in memory at a time.
    driver.create_function("digest", 1, _digest, deterministic=True)
    for table in ("sources", "plan_files"):
        op.execute(f"INSERT OR IGNORE INTO contents SELECT digest(content), content FROM {table}_0001")
    op.execute(
        "INSERT INTO sources SELECT round_id, table_name, file_name, digest(content), created_at "
        "FROM sources_0001 JOIN rounds USING (round_id)"
    )
    # When it was made, and by whom, was not kept.
    op.execute(
        "INSERT INTO plans SELECT DISTINCT round_id, 1, 'optimised', '', created_at, '', "
        "'Made before plans were numbered; the time is that of the round.', 1 "
        "FROM plan_files_0001 JOIN rounds USING (round_id)"
    )
    op.execute("INSERT INTO plan_files SELECT round_id, 1, path, position, digest(content) FROM plan_files_0001")
    op.execute("UPDATE rounds SET current_plan = 1 WHERE round_id IN (SELECT round_id FROM plans)")
    op.execute(
        "INSERT INTO events "
        "SELECT round_id, 1, created_at, '', 'created', '', json_object('name', name), NULL FROM rounds"
    )
    op.execute(
        "INSERT INTO events SELECT round_id, 2, made_at, '', 'plan', note, "
        """'{"plan": "1", "after": "1"}', NULL FROM plans"""
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
