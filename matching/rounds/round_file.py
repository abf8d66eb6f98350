"""A round as a file: packed with its plans and history, and unpacked elsewhere to the same bytes."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from matching import __version__
from matching.errors import DataError, Problem
from matching.plan.as_bytes import zip_bytes
from matching.rounds.events import DECISIONS, KINDS, Event
from matching.rounds.refusals import why_unsound
from matching.rounds.round import PlanRecord, Round
from matching.tables.files import Source
from matching.tables.limits import LIMITS

ROUND_FORMAT = 2
"""The form of the zip that a round is packed in; earlier ones are read, later ones refused.

Format 2 names the version of the program that reads it, in `needs_version`.
"""

_INDEX = "round.json"
# Plans bring copies of their inputs, but the same bytes are packed once.
_MOST_PACKED, _MOST_MEMBERS = 4 * LIMITS.file_bytes, 20_000


class _Packed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _PackedFile(_Packed):
    """A file: its name or path, and the digest of its bytes."""

    name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _PackedSource(_PackedFile):
    table: str
    added_at: AwareDatetime


class _PackedPlan(_Packed):
    number: int
    kind: Literal["optimised", "scenario", "approved"]
    name: str
    made_at: AwareDatetime
    made_by: str
    note: str
    after: int
    files: list[_PackedFile]


class _PackedEvent(_Packed):
    number: int
    at: AwareDatetime
    by: str
    kind: str
    why: str
    about: dict[str, str]
    undoes: int | None


class _PackedRound(_Packed):
    format: Annotated[int, Field(ge=1, le=ROUND_FORMAT)]
    needs_version: str = ""
    round_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    name: str
    created_at: AwareDatetime
    archived_at: AwareDatetime | None
    copied_from: str | None
    current: int | None
    approved: int | None
    sources: list[_PackedSource]
    plans: list[_PackedPlan]
    events: list[_PackedEvent]


def packed(found: Round, plans: Mapping[int, Mapping[str, bytes]]) -> bytes:
    """Return a round as a zip: an index as JSON, and every content by its digest."""
    contents: dict[str, bytes] = {}

    def kept(content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        contents[f"contents/{digest}"] = content
        return digest

    index = _PackedRound(
        format=ROUND_FORMAT,
        needs_version=__version__,
        round_id=found.round_id,
        name=found.name,
        created_at=found.created_at,
        archived_at=found.archived_at,
        copied_from=found.copied_from,
        current=found.current,
        approved=found.approved,
        sources=[
            _PackedSource(table=table, name=one.name, sha256=kept(one.content), added_at=found.added_at[table])
            for table, one in found.sources.items()
        ],
        plans=[
            _PackedPlan(
                **vars(record),
                files=[_PackedFile(name=path, sha256=kept(one)) for path, one in plans[record.number].items()],
            )
            for record in found.plans
        ],
        events=[_PackedEvent(**{**vars(one), "about": dict(sorted(one.about.items()))}) for one in found.events],
    )
    return zip_bytes({_INDEX: index.model_dump_json(indent=1).encode("utf-8"), **dict(sorted(contents.items()))})


def unpacked(content: bytes) -> tuple[Round, dict[int, dict[str, bytes]]]:
    """Return the round in a zip, and the files of each of its plans.

    Raises
    ------
    DataError
        The zip is damaged, is not a round, is too large, or was made by a newer version.
    """
    members = _members(content)
    index = _index_of(members)
    digests = {one.sha256 for one in [*index.sources, *(file for plan in index.plans for file in plan.files)]}
    contents = {one: members.get(f"contents/{one}", b"") for one in digests}
    if any(hashlib.sha256(found).hexdigest() != digest for digest, found in contents.items()):
        raise _file_problem(*_DAMAGED_FILE)
    plans = {plan.number: {one.name: contents[one.sha256] for one in plan.files} for plan in index.plans}
    unpacked = Round(
        index.round_id,
        index.name,
        index.created_at.astimezone(UTC),
        1,
        {one.table: Source(one.name, contents[one.sha256]) for one in index.sources},
        plans[index.current] if index.current is not None else None,
        events=tuple(
            Event(one.number, one.at.astimezone(UTC), one.by, one.kind, one.why, one.about, one.undoes)
            for one in index.events
        ),
        plans=tuple(
            PlanRecord(one.number, one.kind, one.name, one.made_at.astimezone(UTC), one.made_by, one.note, one.after)
            for one in index.plans
        ),
        current=index.current,
        approved=index.approved,
        copied_from=index.copied_from,
        added_at={one.table: one.added_at.astimezone(UTC) for one in index.sources},
    )
    return unpacked, plans


def _members(content: bytes) -> dict[str, bytes]:
    """Return every file in a zip, unless it is larger than a round may be."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            sizes = [one.file_size for one in entries]
            if len(sizes) > _MOST_MEMBERS or max(sizes, default=0) > LIMITS.file_bytes or sum(sizes) > _MOST_PACKED:
                raise _file_problem(*_TOO_LARGE_FILE)
            if _INDEX not in archive.namelist():
                raise _file_problem(*_OTHER_FILE)
            # A member is unpacked to the size that it states; a longer one then fails its checksum.
            return {one.filename: archive.read(one) for one in entries}
    except DataError:
        raise
    except Exception as error:  # a damaged zip makes the library fail in any of dozens of ways
        damaged = zipfile.is_zipfile(io.BytesIO(content)) or content.startswith(b"PK")
        raise _file_problem(*(_DAMAGED_FILE if damaged else _OTHER_FILE)) from error


def _index_of(members: Mapping[str, bytes]) -> _PackedRound:
    try:
        index = json.loads(members[_INDEX])
        written = index["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _file_problem(*_OTHER_FILE) from error
    if isinstance(written, int) and written > ROUND_FORMAT:
        since = re.fullmatch(r"[0-9]+(\.[0-9]+)*", str(index.get("needs_version", "")))
        needed = f"version {since[0]} or later" if since else "the newest version"
        message = "The file was made by a newer version of this program, so nothing was restored from it."
        raise _file_problem(message, f"Install {needed}.")
    try:
        packed = _PackedRound.model_validate_json(members[_INDEX])
    except ValidationError as error:
        raise _file_problem(*_DAMAGED_FILE) from error
    if not _is_sound(packed):
        raise _file_problem(*_DAMAGED_FILE)
    return packed


def _is_sound(index: _PackedRound) -> bool:
    """Return whether an index is consistent, so that all other code can rely on it."""
    kinds = {one.number: one.kind for one in index.plans}
    return (
        [one.number for one in index.plans] == list(range(1, len(index.plans) + 1))
        and [one.number for one in index.events] == list(range(1, len(index.events) + 1))
        and index.current in (None, *kinds)
        and (index.approved is None or kinds.get(index.approved) == "approved")
        and len({one.table for one in index.sources}) == len(index.sources)
        and all(len({file.name for file in one.files}) == len(one.files) for one in index.plans)
        and all(0 <= one.after <= len(index.events) for one in index.plans)
        and all(_is_sound_event(one, index.events) for one in index.events)
    )


def _is_sound_event(event: _PackedEvent, events: Sequence[_PackedEvent]) -> bool:
    if event.kind in (*DECISIONS, "undo"):
        taken = Event(event.number, event.at, event.by, event.kind, event.why, event.about, event.undoes)
        undoes = event.undoes if event.kind == "undo" else None
        target = events[undoes - 1].kind if undoes is not None and 0 < undoes < event.number else ""
        return why_unsound(taken) is None and (event.kind != "undo" or target in (*DECISIONS, "undo"))
    # Python reads digits of other scripts as a number too.
    is_planned = event.kind != "plan" or re.fullmatch("[0-9]{1,9}", event.about.get("after", "")) is not None
    return event.kind in KINDS and event.undoes is None and is_planned


def _file_problem(message: str, fix: str) -> DataError:
    return DataError([Problem("round file", None, "", "", message, fix)])


_DAMAGED_FILE = ("The file is damaged, so nothing was restored from it.", "Download it again where it was made.")
_OTHER_FILE = ("The file is not a round saved by this program.", "Choose a file that was saved as a round.")
_TOO_LARGE_FILE = (
    f"The file unpacks to more than a round may be ({_MOST_PACKED // 1024**2:,} MB).",
    "Check that it is the right file.",
)
