"""The register: the tables of a round as they are now, a fold over the files given and the rows changed since.

A table of which no row was changed is the file that was given, to the byte. Otherwise it is a CSV file under our column
names, in which only the rows that an event names differ.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache

import pandas as pd

from matching.errors import DataError, Problem, shown
from matching.inputs.locations import options_of, places, sheet_of, with_options
from matching.inputs.read import SOURCES
from matching.rounds.history.events import (
    KINDS,
    Event,
    RowChange,
    new_event,
    one_line_end,
    undone_events,
)
from matching.tables.cell_values import CellError
from matching.tables.contacts import UNREAD
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source
from matching.tables.formats import table_formats
from matching.tables.vocabulary import standard_vocabulary, unit_in, with_unit

REGISTER_TABLES = ("supporters", "needs", "accreditation")
"""The tables whose rows can be changed one by one."""

PAST = "past"
"""The table of what happened in earlier rounds: given by the event that begins a round, and read by no run."""

# No CSV file in UTF-8 holds these.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")

Sources = Mapping[str, Source]
"""Files by table name."""


@dataclass(frozen=True)
class GivenFiles:
    """The files that a round was given.

    Attributes
    ----------
    first : mapping of str to Source
        Those that it began with, by table.
    replaced : mapping of int to mapping of str to Source or None
        By the number of the event, those that came in their place; None takes a table away.
    added_at : mapping of str to datetime
        When each of the first was given, in UTC.
    """

    first: Sources = field(default_factory=dict, repr=False)
    replaced: Mapping[int, Mapping[str, Source | None]] = field(default_factory=dict, repr=False)
    added_at: Mapping[str, datetime] = field(default_factory=dict)


def register(given: GivenFiles, events: Sequence[Event]) -> dict[str, Source]:
    """Return the tables of a round after these events.

    Parameters
    ----------
    given : GivenFiles
    events : sequence of Event
        Of the round, in order.

    Notes
    -----
    The events that are not undone count. The file of a table that was given last replaces all that came before it. Row
    changes since are applied in order; one of a row that is not there, because the event that added it is undone, is
    without effect, and so is evidence that was added about a supporter who is not there.
    """
    undone, _ = undone_events(events)
    files: dict[str, tuple[int, Source | None]] = {name: (0, source) for name, source in given.first.items()}
    for number, replaced in sorted(given.replaced.items()):
        if number not in undone:
            # A table that is taken away takes the changes of its rows with it.
            files |= {name: (number, source) for name, source in replaced.items()}
    changes = [
        change
        for one in events
        if one.changes and one.number not in undone
        for change in one.changes
        if files.get(change.table, (0, None))[0] < one.number
    ]
    sources = with_changes({name: source for name, (_, source) in files.items() if source}, changes)
    return {name: sources[name] for name in SOURCES if name in sources}


def changed_by(given: GivenFiles, events: Sequence[Event]) -> dict[str, int]:
    """Return, by table, the event that last changed it; 0 for the beginning."""
    undone, _ = undone_events(events)
    last = dict.fromkeys(given.first, 0)
    for one in events:
        if one.number not in undone:
            last |= dict.fromkeys(
                [*given.replaced.get(one.number, ()), *(row.table for row in one.changes)], one.number
            )
    return last


def with_changes(sources: Sources, changes: Sequence[RowChange]) -> dict[str, Source]:
    """Return the files after changes of rows, in order.

    A file in which nothing differs then remains as it is, and so does one that cannot be read.
    """
    changed = dict(sources)
    for table in REGISTER_TABLES:
        rows = [one for one in changes if one.table == table]
        if rows and (cells := _cells_after(changed, table, rows)) is not None:
            changed[table] = Source(f"{table}.csv", csv_bytes(cells))
            options = options_of(changed)
            # It has our column names now.
            if table in options.tables:
                changed = with_options(changed, options.with_table(table, None))
    return changed


def _cells_after(sources: Sources, table: str, changes: Sequence[RowChange]) -> pd.DataFrame | None:
    """Return a table after changes of its rows; None if nothing differs or its file cannot be read."""
    try:
        before = table_cells(sources, table).map(one_line_end)
        if table == "accreditation" and "supporters" in sources:
            people = {*table_cells(sources, "supporters")["supporter_id"]}
            changes = [one for one in changes if one.before is not None or one.key[0] in people]
    except DataError:
        return None
    after = _changed(before, table, changes)
    return None if after.equals(before) else after


def table_cells(sources: Sources, table: str) -> pd.DataFrame:
    """Return the cells of a register table as text, in the order of its file.

    Returns
    -------
    DataFrame
        Our columns, then the other columns of the file. A column that the file lacks is blank.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    ours = list(table_formats(standard_vocabulary())[table].column_names)
    if table not in sources:
        return pd.DataFrame(columns=ours, dtype="object")
    place = next(one for one in places(sources) if one.table == table)
    sheet = sheet_of(sources, place)
    column_of = {header: column for column, header in place.columns.items()}
    units = {column.name: column.units for column in table_formats(standard_vocabulary())[table].columns}
    cells = {}
    for header, column in zip(sheet.header, sheet.columns, strict=True):
        name = column_of.get(header, header)
        # Under our name the header no longer says that its numbers are miles.
        unit = unit_in(header, units.get(name, {})) if name != header else ""
        cells[name] = [*with_unit(column, unit)]
    others = [name for name in cells if name and name not in ours]
    blank = [""] * len(sheet.numbers)
    return pd.DataFrame({name: cells.get(name, blank) for name in [*ours, *others]}, dtype="object")


@cache
def key_columns(table: str) -> tuple[str, ...]:
    """Return the columns that identify a row of a register table, or of `PAST`."""
    if table == PAST:
        return "round", "need_id", "supporter_id"
    return tuple(table_formats(standard_vocabulary())[table].key)


def rows_by_key(cells: pd.DataFrame, table: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Return the rows of `table_cells` by the cells of their key."""
    key = cells[list(key_columns(table))].itertuples(index=False, name=None)
    return dict(zip(key, _records(cells), strict=True))


def _records(cells: pd.DataFrame) -> list[dict[str, str]]:
    return [dict(zip(cells.columns, row, strict=True)) for row in cells.itertuples(index=False, name=None)]


def _changed(cells: pd.DataFrame, table: str, changes: Iterable[RowChange]) -> pd.DataFrame:
    rows: list[dict[str, str] | None] = [*_records(cells)]
    keys = cells[list(key_columns(table))].itertuples(index=False, name=None)
    # A table of which faulty rows are left out may name a key twice; the first row is the one that counts.
    at = {key: number for number, key in reversed(list(enumerate(keys)))}
    for one in changes:
        place = at.get(one.key)
        row = None if place is None else rows[place]
        if place is not None and row is not None:
            rows[place] = None if one.after is None else {**row, **_as_read(one.after)}
        elif one.before is None and one.after is not None:
            at[one.key] = len(rows)
            rows.append({**dict.fromkeys(cells.columns, ""), **_as_read(one.after)})
    staying = [row for row in rows if row is not None]
    columns = dict.fromkeys([*cells.columns, *(name for row in staying for name in row)])
    return pd.DataFrame(staying, columns=list(columns), dtype="object").fillna("")


def blank_table(table: str) -> Source:
    """Return a register table without a row, for a round that begins without one."""
    return Source(f"{table}.csv", csv_bytes(table_cells({}, table)))


def blank_tables(sources: Sources) -> frozenset[str]:
    """Return the tables of supporters and needs that have no row, and were written here: they may be empty."""
    return frozenset(name for name in ("supporters", "needs") if name in sources and _is_blank(name, sources[name]))


def _is_blank(table: str, source: Source) -> bool:
    # An earlier version wrote no columns that no run reads; they come last.
    names = [one for one in table_cells({}, table) if one not in UNREAD.get(table, ())]
    ours = csv_bytes(pd.DataFrame(columns=names)).rstrip(b"\n")
    return source.content.startswith(ours) and b"\n" not in source.content.rstrip(b"\n")


def _as_read(cells: Mapping[str, str]) -> dict[str, str]:
    """Return cells as they are read back from a file."""
    return {name: one_line_end(cell).strip() for name, cell in cells.items()}


# ---- what can be changed -------------------------------------------------------------------------------------------


def change_problem(sources: Sources, event: Event) -> Problem | None:
    """Return why the changes of an event do not fit the register as it is now, or None if they do."""
    if fault := changes_fault(event.changes):
        return Problem(KINDS[event.kind], None, "", "", f"It {fault}.", "Make the change again.")
    tables: dict[str, dict[tuple[str, ...], dict[str, str]]] = {}
    # A newer workbook may bring people and their evidence together.
    people = {one.key[0] for one in event.changes if one.table == "supporters" and one.before is None}
    if any(one.table == "accreditation" for one in event.changes):
        people |= {*table_cells(sources, "supporters")["supporter_id"]}
    for one in event.changes:
        if one.table not in tables:
            tables[one.table] = rows_by_key(table_cells(sources, one.table), one.table)
        row = tables[one.table].get(one.key)
        called = f"{' and '.join(one.key)} in the {one.table} table"
        message, fix = "", "Look at it as it is now, and make the change again."
        if one.before is None and row is not None:
            message, fix = f"There is {called} already.", "Choose another identifier, or change that row."
        elif one.table == "accreditation" and one.before is None and one.key[0] not in people:
            message, fix = f"There is no {one.key[0]} in the supporters table.", "Add the supporter first."
        elif one.before is not None and row is None:
            message = f"There is no {called} any more."
        elif one.before is not None and any(row.get(name, "") != cell for name, cell in one.before.items() if row):
            message = f"{called[0].upper()}{called[1:]} was changed meanwhile."
        if message:
            return Problem(KINDS[event.kind], None, key_columns(one.table)[0], one.key[0], message, fix)
    return next(filter(None, map(_unread_problem, event.changes)), None)


def _unread_problem(change: RowChange) -> Problem | None:
    """Return what is wrong with contacts or a fund that a change gives; those that are there already may stay."""
    for column, (convert, _) in UNREAD.get(change.table, {}).items():
        cell = (change.after or {}).get(column, "").strip()
        try:
            if cell:
                convert(cell)
        except CellError as fault:
            return Problem(f"{change.table}.csv", None, column, cell, fault.message, fault.fix)
    return None


def changes_fault(changes: Sequence[RowChange]) -> str:
    """Return what is wrong with changes in any register, as the end of a sentence; blank if nothing is."""
    places = [(one.table, one.key) for one in changes]
    if len({*places}) < len(places):
        return "changes a row twice"
    return next((fault for one in changes for fault in _change_faults(one) if fault), "")


def _change_faults(change: RowChange) -> Iterator[str]:
    if change.table not in (*REGISTER_TABLES, PAST):
        yield f"changes a row of {shown(change.table)}, which cannot be changed row by row"
        return
    columns, (before, after) = key_columns(change.table), (change.before, change.after)
    key = dict(zip(columns, change.key, strict=False))
    if len(change.key) != len(columns) or not all(change.key):
        yield f"names a row of {change.table} by {shown(';'.join(change.key))} in place of {' and '.join(columns)}"
    elif before is None and after is None:
        yield "changes nothing in a row"
    elif before is not None and after is not None and {*before} != {*after}:
        yield f"changes other cells of {shown(change.key[0])} than it names"
    elif before is None and not {*key} <= {*(after or {})}:
        yield f"adds a row of {change.table} without its {' and '.join(columns)}"
    # A row is found by its key, so a row under another key is another row.
    elif any(cells.get(name, cell) != cell for cells in (before, after) if cells for name, cell in key.items()):
        yield f"gives a row of {change.table} another key"
    yield from map(_cell_fault, [*change.key, *(after or {}), *(after or {}).values()])
    if after and not all(after):
        yield "changes a column without a name"


def _cell_fault(cell: str) -> str:
    """Return why no file can hold a cell, as the end of a sentence; blank if one can."""
    return f"has a cell that no table can hold, {shown(cell)}" if _NO_TEXT.search(cell) else ""


def dormant(given: GivenFiles, events: Sequence[Event]) -> tuple[Event, ...]:
    """Return the events that hold and are without effect, because a row that they are about is not in the register."""
    undone, _ = undone_events(events)
    sources = register(given, events)
    known = {
        table: set(table_cells(sources, table)[f"{table.removesuffix('s')}_id"]) for table in ("needs", "supporters")
    }
    return tuple(
        one for one in events if one.number not in undone and one.kind != "newer_table" and any(_missing(one, known))
    )


def dormant_after_undo(given: GivenFiles, events: Sequence[Event], numbers: Sequence[int]) -> tuple[Event, ...]:
    """Return the later events that would be without effect once these are undone, and are not so now."""
    now = {one.number for one in dormant(given, events)}
    undos = [
        replace(new_event("undo", by=""), number=len(events) + at, undoes=one) for at, one in enumerate(numbers, 1)
    ]
    return tuple(one for one in dormant(given, [*events, *undos]) if one.number not in now and one.undoes is None)


def _missing(event: Event, known: Mapping[str, set[str]]) -> Iterator[bool]:
    named = {("needs", event.need_id), ("supporters", event.supporter_id)}
    named |= {(one.table, one.key[0]) for one in event.changes if one.table in known}
    named |= {("supporters", one.key[0]) for one in event.changes if one.table == "accreditation"}
    yield from (bool(key) and key not in known[table] for table, key in named)
