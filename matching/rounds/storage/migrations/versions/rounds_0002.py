"""Numbered plans and the history of a round, neither of which is ever changed; contents kept once, by digest."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from matching.rounds.storage.sqlite import TRIGGERS_0002

revision = "0002"
down_revision = "0001"

_NOTE = "Made before plans were numbered; the time is that of the round."


def upgrade() -> None:
    """Number the plans that are there, begin the history of every round, and close both against changes."""
    for column in ("archived_at", "copied_from"):
        op.add_column("rounds", sa.Column(column, sa.String))
    for column in ("current_plan", "approved_plan"):
        op.add_column("rounds", sa.Column(column, sa.Integer))
    for table in ("sources", "plan_files"):
        op.rename_table(table, f"{table}_0001")
    _move_rows(_create_tables())
    for table in ("sources", "plan_files"):
        op.drop_table(f"{table}_0001")
    for trigger in TRIGGERS_0002:
        op.execute(trigger)


def _create_tables() -> dict[str, sa.Table]:
    made = (
        op.create_table(
            "contents",
            sa.Column("sha256", sa.String, primary_key=True),
            sa.Column("content", sa.LargeBinary, nullable=False),
        ),
        op.create_table(
            "sources",
            sa.Column("round_id", sa.String, sa.ForeignKey("rounds.round_id"), primary_key=True),
            sa.Column("table_name", sa.String, primary_key=True),
            sa.Column("file_name", sa.String, nullable=False),
            sa.Column("sha256", sa.String, sa.ForeignKey("contents.sha256"), nullable=False, index=True),
            sa.Column("added_at", sa.String, nullable=False),
        ),
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
        ),
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
        ),
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
        ),
    )
    return {table.name: table for table in made}


def _move_rows(made: dict[str, sa.Table]) -> None:
    """Move the rows of the first version into the new tables, one content in memory at a time."""
    connection = op.get_bind()
    rounds = sa.table("rounds", *map(sa.column, ("round_id", "name", "created_at", "current_plan")))
    old_sources = sa.table("sources_0001", *map(sa.column, ("round_id", "table_name", "file_name", "content")))
    old_files = sa.table("plan_files_0001", *map(sa.column, ("round_id", "path", "position", "content")))

    def add(table: str, **row: object) -> None:
        connection.execute(made[table].insert().values(row))

    def keep(old: sa.TableClause, key: sa.ColumnElement[bool]) -> str:
        content = connection.execute(sa.select(old.c.content).where(key)).scalar_one()
        digest = hashlib.sha256(content).hexdigest()
        known = made["contents"].c.sha256 == digest
        if connection.execute(sa.select(made["contents"].c.sha256).where(known)).first() is None:
            add("contents", sha256=digest, content=content)
        return digest

    for one in connection.execute(sa.select(rounds).order_by(rounds.c.round_id)).all():
        owner, at = one.round_id, one.created_at
        event = {"round_id": owner, "at": at, "by": ""}
        about = json.dumps({"name": one.name}, ensure_ascii=False)
        add("events", **event, number=1, kind="created", why="", about=about)
        query = sa.select(old_sources.c.table_name, old_sources.c.file_name).where(old_sources.c.round_id == owner)
        for name, file_name in connection.execute(query.order_by(old_sources.c.table_name)).all():
            digest = keep(old_sources, (old_sources.c.round_id == owner) & (old_sources.c.table_name == name))
            add("sources", round_id=owner, table_name=name, file_name=file_name, sha256=digest, added_at=at)
        query = sa.select(old_files.c.path, old_files.c.position).where(old_files.c.round_id == owner)
        files = connection.execute(query.order_by(old_files.c.position)).all()
        if not files:
            continue
        # When the plan was made, and by whom, was not kept.
        plan = {"kind": "optimised", "name": "", "made_at": at, "made_by": "", "note": _NOTE, "after": 1}
        add("plans", round_id=owner, number=1, **plan)
        for path, position in files:
            digest = keep(old_files, (old_files.c.round_id == owner) & (old_files.c.path == path))
            add("plan_files", round_id=owner, number=1, path=path, position=position, sha256=digest)
        add("events", **event, number=2, kind="plan", why=_NOTE, about='{"plan": "1", "after": "1"}')
        connection.execute(rounds.update().where(rounds.c.round_id == owner).values(current_plan=1))
