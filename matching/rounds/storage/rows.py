"""A round as rows of the database: written and read within a transaction that the caller has begun."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, delete, insert, select, union, update

from matching.rounds.history.events import Event, RowChange
from matching.rounds.register import GivenFiles
from matching.rounds.round import PlanRecord, Round, RoundSummary, refused
from matching.rounds.storage.schema import (
    CONTENTS,
    EVENT_FILES,
    EVENTS,
    PLAN_FILES,
    PLANS,
    ROUNDS,
    SOURCES,
    UPLOAD_FILES,
    UPLOADS,
)
from matching.rounds.storage.sqlite import DamagedError, erasable
from matching.tables.files import Source


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    # For an empty list SQLAlchemy would insert a row of defaults.
    if rows:
        connection.execute(insert(table), rows)


def insert_round(connection: Connection, begun: Round, plans: Mapping[int, Mapping[str, bytes]]) -> None:
    """Insert a new round; `plans` are the files of each plan."""
    created_at = {"round_id": begun.round_id, "created_at": _iso(begun.created_at), "copied_from": begun.copied_from}
    _insert(connection, ROUNDS, [created_at | _row_of(begun)])
    _insert_sources(connection, begun)
    for record in begun.plans:
        _insert_plan(connection, begun, record, plans[record.number])
    _insert_events(connection, begun, begun.events)


def replace_round(connection: Connection, changed: Round, plans: Mapping[int, Mapping[str, bytes]]) -> Round:
    """Write a round in the place of the one with its identifier, of which nothing stays, and return it."""
    changed = replace(changed, revision=changed.revision + 1)
    with erasable(connection):
        for table in (EVENT_FILES, EVENTS, PLAN_FILES, PLANS, SOURCES, ROUNDS):
            connection.execute(delete(table).where(table.c.round_id == changed.round_id))
        uploads = select(UPLOADS.c.upload_id).where(UPLOADS.c.round_id == changed.round_id)
        connection.execute(delete(UPLOAD_FILES).where(UPLOAD_FILES.c.upload_id.in_(uploads)))
        connection.execute(delete(UPLOADS).where(UPLOADS.c.round_id == changed.round_id))
        used = union(
            *(select(one.c.sha256).where(one.c.sha256.is_not(None)) for one in (SOURCES, EVENT_FILES, PLAN_FILES))
        )
        connection.execute(delete(CONTENTS).where(CONTENTS.c.sha256.not_in(used)))
    insert_round(connection, changed, plans)
    return changed


def write_round(
    connection: Connection, seen: Round, changed: Round, plan_files: Mapping[str, bytes] | None = None
) -> Round:
    """Write the change from one round to another, and return it; `plan_files` are those of its new plan, if any."""
    changed = replace(changed, revision=seen.revision + 1)
    connection.execute(update(ROUNDS).where(ROUNDS.c.round_id == seen.round_id).values(**_row_of(changed)))
    for record in changed.plans[len(seen.plans) :]:
        _insert_plan(connection, changed, record, plan_files or {})
    _insert_events(connection, changed, changed.events[seen.last_event :])
    if changed.current == seen.current:
        return changed
    files = read_plan_files(connection, changed.round_id, changed.current) if changed.current else None
    return replace(changed, files=files)


def _row_of(owner: Round) -> dict[str, Any]:
    """Return the columns of a round's own row that may change."""
    return {
        "name": owner.name,
        "revision": owner.revision,
        "archived_at": _iso(owner.archived_at) if owner.archived_at else None,
        "current_plan": owner.current,
        "approved_plan": owner.approved,
    }


def _insert_sources(connection: Connection, owner: Round) -> None:
    rows = [
        {
            "round_id": owner.round_id,
            "table_name": name,
            "file_name": source.name,
            "sha256": _insert_content(connection, source.content),
            "added_at": _iso(owner.given.added_at.get(name, owner.created_at)),
        }
        for name, source in owner.given.first.items()
    ]
    _insert(connection, SOURCES, rows)


def _insert_plan(connection: Connection, owner: Round, record: PlanRecord, files: Mapping[str, bytes]) -> None:
    key = {"round_id": owner.round_id, "number": record.number}
    rows = [
        {**key, "path": path, "position": position, "sha256": _insert_content(connection, content)}
        for position, (path, content) in enumerate(files.items())
    ]
    _insert(connection, PLAN_FILES, rows)
    about = {"kind": record.kind, "name": record.name, "made_by": record.made_by, "note": record.note}
    _insert(connection, PLANS, [{**key, **about, "made_at": _iso(record.made_at), "after": record.after}])


def _insert_events(connection: Connection, owner: Round, events: Sequence[Event]) -> None:
    waiting: list[dict[str, Any]] = []
    for one in events:
        waiting.append(
            {
                "round_id": owner.round_id,
                "number": one.number,
                "at": _iso(one.at),
                "by": one.by,
                "kind": one.kind,
                "why": one.why,
                "about": _about_text(one),
                "undoes": one.undoes,
            }
        )
        if one.number in owner.given.replaced:
            # The files of an event go in while it is the last one.
            _insert(connection, EVENTS, waiting)
            _insert(connection, EVENT_FILES, _event_files(connection, owner, one))
            waiting = []
    _insert(connection, EVENTS, waiting)


def _about_text(event: Event) -> str:
    about: dict[str, Any] = dict(event.about)
    if event.changes:
        about[_CHANGES] = [[one.table, one.key, one.before, one.after] for one in event.changes]
    return json.dumps(about, ensure_ascii=False, sort_keys=True, default=dict)


# No text of an event has this name.
_CHANGES = "changes"


def _event_files(connection: Connection, owner: Round, event: Event) -> list[dict[str, Any]]:
    key = {"round_id": owner.round_id, "number": event.number}
    return [
        {
            **key,
            "table_name": name,
            "file_name": source.name if source else "",
            "sha256": _insert_content(connection, source.content) if source else None,
        }
        for name, source in owner.given.replaced.get(event.number, {}).items()
    ]


def _insert_content(connection: Connection, content: bytes) -> str:
    """Insert a content unless it is there already, and return its digest."""
    digest = hashlib.sha256(content).hexdigest()
    if connection.execute(select(CONTENTS.c.sha256).where(CONTENTS.c.sha256 == digest)).first() is None:
        _insert(connection, CONTENTS, [{"sha256": digest, "content": content}])
    return digest


def known_round(connection: Connection, round_id: str) -> Round:
    """Return the round of this identifier with all its files.

    Raises
    ------
    DataError
        There is no such round.
    """
    found = read_round(connection, round_id)
    if found is None:
        raise refused("There is no such round in the database.", "Choose one from the list of rounds.")
    return found


def read_round(connection: Connection, round_id: str) -> Round | None:
    """Return the round of this identifier with all its files, or None."""
    row = connection.execute(select(ROUNDS).where(ROUNDS.c.round_id == round_id)).one_or_none()
    if row is None:
        return None
    files = read_plan_files(connection, round_id, row.current_plan) if row.current_plan else None
    return Round(
        row.round_id,
        row.name,
        datetime.fromisoformat(row.created_at),
        row.revision,
        _read_given(connection, round_id),
        files,
        events=read_events(connection, round_id),
        plans=read_plans(connection, round_id),
        approved=row.approved_plan,
        archived_at=_time_or_none(row.archived_at),
        copied_from=row.copied_from,
    )


def _read_given(connection: Connection, round_id: str) -> GivenFiles:
    first = connection.execute(
        select(SOURCES).where(SOURCES.c.round_id == round_id).order_by(SOURCES.c.table_name)
    ).all()
    later = connection.execute(select(EVENT_FILES).where(EVENT_FILES.c.round_id == round_id)).all()
    # A content that several tables or events have in common is in memory once.
    contents = {
        digest: _read_content(connection, digest) for digest in {one.sha256 for one in [*first, *later]} - {None}
    }
    replaced: dict[int, dict[str, Source | None]] = {}
    for one in later:
        source = Source(one.file_name, contents[one.sha256]) if one.sha256 else None
        replaced.setdefault(one.number, {})[one.table_name] = source
    return GivenFiles(
        {one.table_name: Source(one.file_name, contents[one.sha256]) for one in first},
        replaced,
        {one.table_name: datetime.fromisoformat(one.added_at) for one in first},
    )


def is_as_seen(connection: Connection, seen: Round) -> bool:
    """Return whether a round is still as the user saw it.

    A database that was replaced by a backup can have the same revision and another history.
    """
    is_last = (EVENTS.c.round_id == ROUNDS.c.round_id) & (EVENTS.c.number == seen.last_event)
    query = select(EVENTS.c.at).join(ROUNDS, is_last)
    is_seen = (ROUNDS.c.round_id == seen.round_id) & (ROUNDS.c.revision == seen.revision)
    at = connection.execute(query.where(is_seen)).scalar_one_or_none()
    return at is not None and datetime.fromisoformat(at) == seen.events[-1].at


def read_summaries(connection: Connection, *, archived: bool) -> tuple[RoundSummary, ...]:
    """Return all rounds, the newest first; archived ones only on request."""
    query = select(ROUNDS).order_by(ROUNDS.c.created_at.desc(), ROUNDS.c.round_id)
    if not archived:
        query = query.where(ROUNDS.c.archived_at.is_(None))
    return tuple(
        RoundSummary(
            row.round_id,
            row.name,
            datetime.fromisoformat(row.created_at),
            row.current_plan is not None,
            row.approved_plan is not None,
            _time_or_none(row.archived_at),
        )
        for row in connection.execute(query)
    )


def read_events(connection: Connection, round_id: str) -> tuple[Event, ...]:
    """Return the events of a round, in order."""
    query = select(EVENTS).where(EVENTS.c.round_id == round_id).order_by(EVENTS.c.number)
    return tuple(map(_event_of, connection.execute(query).mappings()))


def _event_of(row: RowMapping) -> Event:
    try:
        at, about = datetime.fromisoformat(row["at"]), json.loads(row["about"])
        changes = tuple(
            RowChange(table, tuple(key), before, after) for table, key, before, after in about.pop(_CHANGES, ())
        )
    except ValueError as error:
        raise DamagedError from error
    return Event(row["number"], at, row["by"], row["kind"], row["why"], about, row["undoes"], changes)


def read_plans(connection: Connection, round_id: str) -> tuple[PlanRecord, ...]:
    """Return every plan of a round by number, without its files."""
    query = select(PLANS).where(PLANS.c.round_id == round_id).order_by(PLANS.c.number)
    return tuple(
        PlanRecord(
            row.number, row.kind, row.name, datetime.fromisoformat(row.made_at), row.made_by, row.note, row.after
        )
        for row in connection.execute(query)
    )


def read_plan_files(connection: Connection, round_id: str, number: int) -> dict[str, bytes] | None:
    """Return the files of a plan by path, or None if there is no such plan."""
    is_plan = (PLANS.c.round_id == round_id) & (PLANS.c.number == number)
    if connection.execute(select(PLANS.c.number).where(is_plan)).first() is None:
        return None
    is_of_plan = (PLAN_FILES.c.round_id == round_id) & (PLAN_FILES.c.number == number)
    query = select(PLAN_FILES).where(is_of_plan).order_by(PLAN_FILES.c.position)
    return {row.path: _read_content(connection, row.sha256) for row in connection.execute(query).all()}


def _read_content(connection: Connection, digest: str) -> bytes:
    content = connection.execute(select(CONTENTS.c.content).where(CONTENTS.c.sha256 == digest)).scalar_one_or_none()
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        raise DamagedError
    return bytes(content)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _time_or_none(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
