"""Uploads that are not sound yet, kept in the database so that a reload of the browser does not lose them."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select, update

from matching.rounds.database import open_database
from matching.rounds.storage.schema import UPLOAD_FILES, UPLOADS
from matching.rounds.storage.sqlite import Database
from matching.tables.files import Source


@dataclass(frozen=True)
class Upload:
    """Files that wait to be mended or accepted.

    Attributes
    ----------
    name : str
        Of the round that is to begin with them.
    sources : mapping of str to Source
        Empty in a list of uploads.
    round_id : str or None
        The round that was open.
    new_round : bool
        Whether a new round begins with them even if one is open.
    corrected : frozenset of str
        The tables that were corrected on the screen.
    by : str
    upload_id : str
        Blank until they are kept.
    saved_at : datetime or None
    file_names : tuple of str
    """

    name: str
    sources: Mapping[str, Source] = field(default_factory=dict, repr=False)
    round_id: str | None = None
    new_round: bool = False
    corrected: frozenset[str] = frozenset()
    by: str = ""
    upload_id: str = ""
    saved_at: datetime | None = None
    file_names: tuple[str, ...] = ()


class KeptUploads:
    """The uploads in one database file; made by `open_uploads`.

    Every method raises `DataError` if the database cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, upload: Upload) -> Upload:
        """Keep an upload, in the place of its earlier state; return it with its identifier.

        Only files that differ from those kept are written. One that was taken up or erased elsewhere is not kept again.
        """
        now = datetime.now(UTC)
        kept = replace(upload, upload_id=upload.upload_id or secrets.token_hex(8), saved_at=now)
        about = {"new_round": kept.new_round, "corrected": sorted(kept.corrected)}
        row = {
            "round_id": kept.round_id,
            "name": kept.name,
            "by": kept.by,
            "saved_at": now.isoformat(),
            "about": json.dumps(about),
        }
        is_own = UPLOADS.c.upload_id == kept.upload_id
        with self._database.writing() as connection:
            if not upload.upload_id:
                connection.execute(insert(UPLOADS).values(upload_id=kept.upload_id, **row))
            elif connection.execute(update(UPLOADS).where(is_own).values(**row)).rowcount == 0:
                return kept
            _write_files(connection, kept)
        return kept

    def list(self) -> tuple[Upload, ...]:
        """Return the uploads without their files, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(UPLOADS).order_by(UPLOADS.c.saved_at.desc())).all()
            query = select(UPLOAD_FILES.c.upload_id, UPLOAD_FILES.c.file_name).order_by(UPLOAD_FILES.c.table_name)
            files = connection.execute(query).all()
        return tuple(
            replace(
                _upload_of(row),
                # Several tables may be in one workbook.
                file_names=tuple(dict.fromkeys(one.file_name for one in files if one.upload_id == row.upload_id)),
            )
            for row in rows
        )

    def get(self, upload_id: str) -> Upload | None:
        """Return an upload with its files, or None if it is no longer there."""
        with self._database.reading() as connection:
            row = connection.execute(select(UPLOADS).where(UPLOADS.c.upload_id == upload_id)).one_or_none()
            files = connection.execute(select(UPLOAD_FILES).where(UPLOAD_FILES.c.upload_id == upload_id)).all()
        if row is None:
            return None
        return replace(
            _upload_of(row), sources={one.table_name: Source(one.file_name, bytes(one.content)) for one in files}
        )

    def erase(self, *upload_ids: str) -> None:
        """Erase uploads: their files are overwritten, and no copy is kept."""
        with self._database.writing() as connection:
            connection.execute(delete(UPLOAD_FILES).where(UPLOAD_FILES.c.upload_id.in_(upload_ids)))
            connection.execute(delete(UPLOADS).where(UPLOADS.c.upload_id.in_(upload_ids)))

    def erase_older_than(self, days: int) -> None:
        """Erase the uploads that were not changed for some days."""
        last = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        with self._database.reading() as connection:
            old = connection.execute(select(UPLOADS.c.upload_id).where(UPLOADS.c.saved_at < last)).scalars().all()
        if old:
            self.erase(*old)


def _write_files(connection: Connection, upload: Upload) -> None:
    """Write the files that differ from those kept, and delete the others that are kept no longer."""
    is_own = UPLOAD_FILES.c.upload_id == upload.upload_id
    columns = (UPLOAD_FILES.c.table_name, UPLOAD_FILES.c.file_name, UPLOAD_FILES.c.sha256)
    rows = connection.execute(select(*columns).where(is_own)).all()
    before = {one.table_name: (one.file_name, one.sha256) for one in rows}
    now = {table: (source.name, source.sha256) for table, source in upload.sources.items()}
    stale = [table for table, found in before.items() if now.get(table) != found]
    connection.execute(delete(UPLOAD_FILES).where(is_own, UPLOAD_FILES.c.table_name.in_(stale)))
    for table, (name, digest) in now.items():
        if before.get(table) != (name, digest):
            row = {"table_name": table, "file_name": name, "sha256": digest}
            content = upload.sources[table].content
            connection.execute(insert(UPLOAD_FILES).values(upload_id=upload.upload_id, content=content, **row))


def _upload_of(row: Row[tuple[str, ...]]) -> Upload:
    about = json.loads(row.about)
    return Upload(
        row.name,
        round_id=row.round_id,
        new_round=about["new_round"],
        corrected=frozenset(about["corrected"]),
        by=row.by,
        upload_id=row.upload_id,
        saved_at=datetime.fromisoformat(row.saved_at),
    )


def open_uploads(url: str | None = None, *, wait_s: float = 10.0) -> KeptUploads:
    """Open the uploads of a database, as `matching.rounds.store.open_store` opens its rounds.

    Raises
    ------
    DataError
    """
    return KeptUploads(open_database(url, wait_s))
