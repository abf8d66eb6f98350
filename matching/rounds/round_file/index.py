"""The index of a round's file: everything but the contents of its files, as JSON that is checked like any input."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from matching import __version__
from matching.errors import DataError, Problem, shown
from matching.inputs.read import SOURCES
from matching.plan.on_disk import NEEDED_FILES
from matching.rounds.history.events import ENTRIES, KINDS, LONGEST_TEXT, ROW_CHANGES, UNDOABLE, Event, RowChange
from matching.rounds.history.refusals import why_unsound
from matching.rounds.history.state import state_of
from matching.rounds.register import PAST, GivenFiles, changes_fault
from matching.rounds.round import PlanRecord, Round, name_fault
from matching.tables.files import Source

ROUND_FORMAT = 5
"""The form of the zip that a round is packed in; earlier ones are read, later ones refused.

Format 2 names the version of the program that reads it, in `needs_version`. Format 3 has the files that events gave and
the rows that they changed; its `sources` are those of the beginning. Format 4 may have consents and settings of the
contact desk among its events, and format 5 messages, terms, visits, reviews, evaluations, templates and rates.
"""

_FORMAT_WITH_REGISTER = 3
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_DRIVE = re.compile("[A-Za-z]:")


def _in_years(time: datetime) -> datetime:
    # Times near the ends of the calendar have no equivalent in other zones.
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ValueError(f"the year {time.year} is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return time.astimezone(UTC)


_Number = Annotated[int, Field(ge=0, le=1_000_000)]
_Time = Annotated[AwareDatetime, AfterValidator(_in_years)]
_Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_RoundId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class _Indexed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class IndexedFile(_Indexed):
    """A file: its name or path, and the digest of its bytes."""

    name: _Text
    sha256: _Digest


class IndexedSource(IndexedFile):
    """An input file."""

    table: _Text
    added_at: _Time


class IndexedChange(_Indexed):
    """A change of one row."""

    table: _Text
    key: list[_Text]
    before: dict[_Text, _Text] | None
    after: dict[_Text, _Text] | None


class IndexedEventFile(_Indexed):
    """A file that an event gave in the place of a table; without a digest, it took the table away."""

    event: _Number
    table: _Text
    name: _Text
    sha256: _Digest | None


class IndexedPlan(_Indexed):
    """A plan: its record and its files."""

    number: _Number
    kind: Literal["optimised", "scenario", "approved"]
    name: _Text
    made_at: _Time
    made_by: _Text
    note: _Text
    after: _Number
    files: list[IndexedFile]


class IndexedEvent(_Indexed):
    """An event."""

    number: _Number
    at: _Time
    by: _Text
    kind: _Text
    why: _Text
    about: dict[_Text, _Text]
    undoes: _Number | None
    changes: list[IndexedChange] = []


class Index(_Indexed):
    """A round without the contents of its files."""

    format: int
    needs_version: _Text = ""
    round_id: _RoundId
    name: str
    created_at: _Time
    archived_at: _Time | None
    copied_from: _RoundId | None
    current: _Number | None
    approved: _Number | None
    sources: list[IndexedSource]
    plans: list[IndexedPlan]
    events: list[IndexedEvent]
    event_files: list[IndexedEventFile] = []

    @cached_property
    def history(self) -> tuple[Event, ...]:
        """The events as values; made once, since a long history takes its time."""
        return tuple(map(_event_of, self.events))

    def digests(self) -> set[str]:
        """Return the digests of all files."""
        files = [*self.sources, *(file for plan in self.plans for file in plan.files)]
        return {one.sha256 for one in files} | {one.sha256 for one in self.event_files if one.sha256}


def index_of(found: Round, plans: Mapping[int, Mapping[str, str]]) -> Index:
    """Return the index of a round.

    Parameters
    ----------
    found : Round
    plans : mapping of int to mapping
        The digests of each plan's files by path, by the number of the plan.
    """
    return Index(
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
            IndexedSource(
                table=table,
                name=one.name,
                sha256=one.sha256,
                added_at=found.given.added_at.get(table, found.created_at),
            )
            for table, one in found.given.first.items()
        ],
        plans=[
            IndexedPlan(
                **vars(record),
                files=[IndexedFile(name=path, sha256=one) for path, one in plans[record.number].items()],
            )
            for record in found.plans
        ],
        events=[_indexed_event(one) for one in found.events],
        event_files=[
            IndexedEventFile(
                event=number, table=table, name=one.name if one else "", sha256=one.sha256 if one else None
            )
            for number, files in sorted(found.given.replaced.items())
            for table, one in sorted(files.items())
        ],
    )


def _indexed_event(event: Event) -> IndexedEvent:
    changes = [
        IndexedChange(table=one.table, key=list(one.key), before=_in_order(one.before), after=_in_order(one.after))
        for one in event.changes
    ]
    return IndexedEvent(**{**vars(event), "about": _in_order(event.about), "changes": changes})


def _in_order(cells: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if cells is None else dict(sorted(cells.items()))


def read_index(content: bytes) -> Index:
    """Read an index that is consistent, so that all other code can rely on it.

    Raises
    ------
    DataError
        It is no index, is damaged, or was made by a newer version.
    """
    try:
        written = json.loads(content)
        file_format = written["format"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise not_a_round() from error
    if not isinstance(file_format, int) or isinstance(file_format, bool) or file_format < 1:
        raise damaged(f"Its format is {shown(str(file_format))}, and a format is a whole number from 1 on.")
    if file_format > ROUND_FORMAT:
        since = re.fullmatch(r"[0-9]+(\.[0-9]+)*", str(written.get("needs_version", ""))[:40])
        needed = f"version {since[0]} or later" if since else "the newest version"
        message = "The file was made by a newer version of this program, so nothing was restored from it."
        raise file_problem(message, f"Install {needed}.")
    try:
        index = Index.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:100]
        raise damaged(f"{place}: {first['msg'].removeprefix('Value error, ')}.") from error
    if fault := name_fault(index.name):
        message = f"{fault} So nothing was restored from the file."
        raise file_problem(message, "Rename the round where the file was made, and save it as a file again.")
    if fault := next(_faults(index), ""):
        raise damaged(fault)
    return index


def _faults(index: Index) -> Iterator[str]:
    """Yield every contradiction in an index, as a sentence."""
    if [one.number for one in index.events] != list(range(1, len(index.events) + 1)) or not index.events:
        yield "Its events are not numbered from 1 on."
        return
    if [one.number for one in index.plans] != list(range(1, len(index.plans) + 1)):
        yield "Its plans are not numbered from 1 on."
        return
    if index.current is not None and not 1 <= index.current <= len(index.plans):
        yield f"The accepted plan, {index.current}, is not in it."
    if index.approved is not None and index.approved not in (
        one.number for one in index.plans if one.kind == "approved"
    ):
        yield f"The approved version, {index.approved}, is not in it."
    if len({one.table for one in index.sources}) < len(index.sources):
        yield "A table is in it twice."
    yield from (f"{shown(one.table)} is not a table of a round." for one in index.sources if one.table not in SOURCES)
    for source in index.sources:
        if "/" in source.name or not _is_inside(source.name):
            yield f"{shown(source.name)} cannot be the name of a file."
    for plan in index.plans:
        yield from _plan_faults(plan, len(index.events))
    if len({(one.event, one.table) for one in index.event_files}) < len(index.event_files):
        yield "An event gives a file twice."
    for file in index.event_files:
        yield from _event_file_faults(file, index)
    events = index.history
    faults = [fault for event in events for fault in _event_faults(event, index)]
    yield from faults
    if not faults and index.format >= _FORMAT_WITH_REGISTER and state_of(events).plan != index.current:
        yield f"The accepted plan, {index.current}, is not the one that its history accepts."


def _plan_faults(plan: IndexedPlan, events: int) -> Iterator[str]:
    paths = {one.name for one in plan.files}
    yield from (f"Plan {plan.number} lacks its file {one}." for one in NEEDED_FILES if one not in paths)
    if len(paths) < len(plan.files):
        yield f"Plan {plan.number} has a file twice."
    yield from (
        f"Plan {plan.number} has the file {shown(one)}, whose path does not stay in the plan's directory."
        for one in sorted(paths)
        if not _is_inside(one) or _DRIVE.match(one)
    )
    if plan.after > events:
        yield f"Plan {plan.number} takes account of event {plan.after}, which is not in it."


def _is_inside(path: str) -> bool:
    """Return whether a path without a drive names a file in or below the directory that it starts from."""
    is_plain = "\\" not in path and not any(ord(one) < ord(" ") for one in path)
    return is_plain and not {"", ".", ".."} & set(path.split("/"))


def _event_file_faults(file: IndexedEventFile, index: Index) -> Iterator[str]:
    if not 0 < file.event <= len(index.events) or index.events[file.event - 1].kind not in (
        "replaced",
        "plan",
        "erased",
    ):
        yield f"Event {file.event} gives no files."
    if file.table not in SOURCES:
        yield f"{shown(file.table)} is not a table of a round."
    if file.sha256 and ("/" in file.name or not _is_inside(file.name)):
        yield f"{shown(file.name)} cannot be the name of a file."


def _event_faults(event: Event, index: Index) -> Iterator[str]:
    number = event.number
    if event.kind == "undo":
        if event.undoes is None or not 0 < event.undoes < number:
            yield f"Event {number} undoes event {event.undoes}, which does not come before it."
        elif index.events[event.undoes - 1].kind not in UNDOABLE:
            yield f"Event {number} undoes event {event.undoes}, which cannot be undone."
    elif event.kind not in KINDS:
        yield f"Event {number} is of an unknown kind, {shown(event.kind)}."
    elif event.undoes is not None:
        yield f"Event {number} undoes another, but is no undo."
    if event.kind in (*ENTRIES, "undo"):
        problem = why_unsound(event)
        yield from [f"Event {number}: {problem.message}"] if problem else []
    if event.changes and event.kind not in (*ROW_CHANGES, "continued"):
        yield f"Event {number} changes rows, which its kind does not."
    if any((one.table == PAST) is not (event.kind == "continued") for one in event.changes):
        yield f"Event {number} changes a table that its kind does not."
    if event.changes and (fault := changes_fault(event.changes)):
        yield f"Event {number} {fault}."
    if event.kind == "plan":
        plan, after = (_number_in(event.about.get(name, "")) for name in ("plan", "after"))
        if not 1 <= plan <= len(index.plans):
            yield f"Event {number} accepts a plan that is not in it."
        if not 0 <= after < number:
            yield f"Event {number} accepts a plan that takes account of a later event."


def _number_in(written: str) -> int:
    """Return a number in digits, or -1 for anything else; Python reads digits of other scripts as a number too."""
    return int(written) if re.fullmatch("[0-9]{1,9}", written) else -1


def _event_of(one: IndexedEvent) -> Event:
    changes = tuple(RowChange(row.table, tuple(row.key), row.before, row.after) for row in one.changes)
    return Event(one.number, one.at, one.by, one.kind, one.why, one.about, one.undoes, changes)


def round_of(index: Index, contents: Mapping[str, bytes]) -> tuple[Round, dict[int, dict[str, bytes]]]:
    """Return the round of an index and the files of each of its plans; `contents` are by digest."""
    plans = {plan.number: {one.name: contents[one.sha256] for one in plan.files} for plan in index.plans}
    replaced: dict[int, dict[str, Source | None]] = {}
    for one in index.event_files:
        replaced.setdefault(one.event, {})[one.table] = Source(one.name, contents[one.sha256]) if one.sha256 else None
    events = index.history
    # Where a file of an earlier format disagrees, its history counts, as it does in the database.
    current = state_of(events).plan
    found = Round(
        index.round_id,
        index.name,
        index.created_at,
        1,
        GivenFiles(
            {one.table: Source(one.name, contents[one.sha256]) for one in index.sources},
            replaced,
            {one.table: one.added_at for one in index.sources},
        ),
        plans[current] if current is not None else None,
        events=events,
        plans=tuple(
            PlanRecord(one.number, one.kind, one.name, one.made_at, one.made_by, one.note, one.after)
            for one in index.plans
        ),
        approved=index.approved,
        copied_from=index.copied_from,
    )
    return found, plans


# ---- problems ------------------------------------------------------------------------------------------------------


def file_problem(message: str, fix: str) -> DataError:
    """Return the error for a file from which no round can be restored."""
    return DataError([Problem("round file", None, "", "", message, fix)])


def damaged(what: str = "") -> DataError:
    """Return the error for a damaged file; `what` is wrong in it, as a sentence."""
    message = f"The file is damaged, so nothing was restored from it{f': {what}' if what else '.'}"
    return file_problem(message, "Download it again where it was made.")


def not_a_round() -> DataError:
    """Return the error for a file of another kind."""
    message = "The file is not a round saved by this program."
    return file_problem(message, "Choose a file that was saved as a round.")
