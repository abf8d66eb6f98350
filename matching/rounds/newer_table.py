"""A newer table of a round as a proposal: how it differs from the register, row by row, and the changes that accept it.

Cells are compared by what they mean. `touches` finds what the changes bear on.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from matching.inputs.locations import COLUMNS, places
from matching.rounds.history.events import Event, RowChange, new_event, undone_events
from matching.rounds.register import Sources, table_cells
from matching.tables.cell_values import CellError
from matching.tables.files import Source
from matching.tables.formats import NEED_STATES, Column, TableFormat, table_formats
from matching.tables.vocabulary import standard_vocabulary

Key = tuple[str, ...]
"""The cells that identify a row, as the register has them."""

_WITHDRAWN = NEED_STATES[-1]


@dataclass(frozen=True)
class Difference:
    """How a newer table differs from the register's, by identifier.

    Attributes
    ----------
    table : str
        supporters, needs or accreditation.
    added, changed, gone : tuple of RowChange
        As they are recorded, in the order of the newer table; those that are gone in the register's. A need that is
        gone is withdrawn, a supporter is available until a day that has passed, and evidence is taken out.
    rows : mapping of Key to mapping of str to str
        The rows concerned: as they would be, or as they are where they are gone.
    lacking : tuple of str
        Columns in which the register has cells and that the newer table lacks. These cells stay.
    new_columns : tuple of str
        Columns that the register lacks.
    """

    table: str
    added: tuple[RowChange, ...] = field(default=(), repr=False)
    changed: tuple[RowChange, ...] = field(default=(), repr=False)
    gone: tuple[RowChange, ...] = field(default=(), repr=False)
    rows: Mapping[Key, Mapping[str, str]] = field(default_factory=dict, repr=False)
    lacking: tuple[str, ...] = ()
    new_columns: tuple[str, ...] = ()

    @property
    def by_kind(self) -> dict[str, tuple[RowChange, ...]]:
        """The changes by their kind: gone, changed and added."""
        return {"gone": self.gone, "changed": self.changed, "added": self.added}

    @property
    def all(self) -> tuple[RowChange, ...]:
        """Every change."""
        return (*self.gone, *self.changed, *self.added)


def difference(sources: Sources, newer: Sources, table: str, *, on: date, events: Sequence[Event] = ()) -> Difference:
    """Return how a newer table differs from the register's.

    Parameters
    ----------
    sources : mapping of str to Source
        The register.
    newer : mapping of str to Source
        The register with newer files in the place of its own.
    table : str
        supporters, needs or accreditation.
    on : date
        The day from which supporters who are gone are proposed nowhere.
    events : sequence of Event
        Of the round: who was withdrawn because a newer table lacked them is back where a later one has them again.

    Raises
    ------
    DataError
        One of the two files cannot be read.
    """
    form, given = _form(table), _columns_given(newer, table)
    old, new = (_Rows.of(_cells(one, table), form) for one in (sources, newer))
    shared = [key for key in new.at if key in old.at]
    compared = [name for name in new.cells.columns if name in given and name not in form.key]
    cells = _changed_cells(old.part(shared), new.part(shared), shared, compared, form)
    for key, back in _back(events, table, given).items():
        if key in new.at and key in old.at:
            row = old.row(key)
            cells[key] = {name: pair for name, pair in back.items() if row[name] == pair[0]} | cells.get(key, {})
    added = [key for key in new.at if key not in old.at]
    changed = [key for key in shared if cells.get(key)]
    missing = [old.row(key) for key in old.at if key not in new.at]
    last_day = _last_day((sources, newer), on) if missing and table == "supporters" else on
    gone = [(one, row) for row in missing if (one := _gone(form, row, last_day))]
    rows = [
        *((new.written(key), new.row(key)) for key in added),
        *((old.written(key), new.row(key)) for key in changed),
    ]
    return Difference(
        table,
        tuple(RowChange(table, key, None, _filled(row)) for key, row in rows[: len(added)]),
        tuple(_change(table, old.written(key), cells[key]) for key in changed),
        tuple(one for one, _ in gone),
        {**dict(rows), **{one.key: row for one, row in gone}},
        tuple(str(name) for name in old.cells if name not in given and (old.cells[name] != "").any()),
        tuple(name for name in compared if name not in old.cells),
    )


def changes(found: Difference, ticked: Collection[Key] | None = None) -> tuple[RowChange, ...]:
    """Return the changes of the rows that are ticked; all of them if none are named."""
    return tuple(one for one in found.all if ticked is None or one.key in ticked)


def newer_table(
    found: Iterable[Difference], ticked: Mapping[str, Collection[Key]] | None = None, *, by: str, why: str = ""
) -> Event:
    """Return the event that accepts newer tables.

    Parameters
    ----------
    found : iterable of Difference
    ticked : mapping of str to collection of Key, optional
        By table, the rows that are accepted; all of them unless given.
    by, why : str
    """
    counts: Counter[str] = Counter()
    accepted: list[RowChange] = []
    for one in found:
        keys = None if ticked is None else ticked.get(one.table, ())
        accepted += changes(one, keys)
        counts.update(
            {kind: sum(keys is None or row.key in keys for row in rows) for kind, rows in one.by_kind.items()}
        )
    about = {kind: str(count) for kind, count in counts.items() if count}
    return replace(new_event("newer_table", by=by, why=why, **about), changes=tuple(accepted))


def taken_back(found: Difference, events: Sequence[Event]) -> tuple[RowChange, ...]:
    """Return the changed rows in which a newer table differs from a cell that was recorded here by hand."""
    undone, _ = undone_events(events)
    by_hand = {
        (change.table, change.key, name, cell)
        for one in events
        if one.number not in undone and one.kind != "newer_table"
        for change in one.changes
        if change.before is not None
        for name, cell in (change.after or {}).items()
    }
    return tuple(
        one
        for one in found.changed
        if any((one.table, one.key, name, cell) in by_hand for name, cell in (one.before or {}).items())
    )


@dataclass(frozen=True)
class SchoolsDifference:
    """The schools that a newer schools table adds, lacks and has at another place, each as URN and name."""

    added: tuple[tuple[str, str], ...]
    gone: tuple[tuple[str, str], ...]
    moved: tuple[tuple[str, str], ...]


def schools_difference(before: pd.DataFrame, after: pd.DataFrame) -> SchoolsDifference:
    """Return how two schools tables differ.

    Parameters
    ----------
    before, after : DataFrame
        As `matching.inputs.read.read_schools` returns them.
    """
    both = before.merge(after, on="urn", how="outer", suffixes=("", "_after"), indicator=True)
    on_both = both["_merge"] == "both"
    moved = (both["easting"] != both["easting_after"]) | (both["northing"] != both["northing_after"])
    names = both["name"].where(both["_merge"] != "right_only", both["name_after"])

    def listed(rows: pd.Series) -> tuple[tuple[str, str], ...]:
        return tuple(zip(both.loc[rows, "urn"], names[rows], strict=True))

    return SchoolsDifference(
        listed(both["_merge"] == "right_only"), listed(both["_merge"] == "left_only"), listed(on_both & moved)
    )


# ---- rows ----------------------------------------------------------------------------------------------------------


def _about(sources: Sources, table: str) -> dict[str, Source]:
    """Return the file of a table and how it is read, so that no other file is looked at."""
    return {name: one for name, one in sources.items() if name in (table, COLUMNS)}


def _cells(sources: Sources, table: str) -> pd.DataFrame:
    return table_cells(_about(sources, table), table)


def _form(table: str) -> TableFormat:
    return table_formats(standard_vocabulary())[table]


def _column(form: TableFormat, name: str) -> Column | None:
    return next((one for one in form.columns if one.name == name), None)


@dataclass(frozen=True)
class _Rows:
    """The cells of a table, and the position of each row by what its key means."""

    cells: pd.DataFrame
    values: Sequence[Sequence[str]]
    key: tuple[str, ...]
    at: Mapping[Key, int]

    @classmethod
    def of(cls, cells: pd.DataFrame, form: TableFormat) -> "_Rows":
        parts = [[str(_meaning(_column(form, name), cell)) for cell in cells[name]] for name in form.key]
        at: dict[Key, int] = {}
        # Of rows with one key the first counts; a row without one is left out.
        for number, key in enumerate(zip(*parts, strict=True)):
            if all(key):
                at.setdefault(key, number)
        return cls(cells, cells.to_numpy().tolist(), form.key, at)

    def part(self, keys: Iterable[Key]) -> pd.DataFrame:
        return self.cells.iloc[[self.at[key] for key in keys]]

    def row(self, key: Key) -> dict[str, str]:
        return dict(zip(self.cells.columns, self.values[self.at[key]], strict=True))

    def written(self, key: Key) -> Key:
        """Return a key as it is in the table."""
        row = self.row(key)
        return tuple(row[name] for name in self.key)


def _filled(row: Mapping[str, str]) -> dict[str, str]:
    return {name: cell for name, cell in row.items() if cell}


def _change(table: str, key: Key, cells: Mapping[str, tuple[str, str]]) -> RowChange:
    before, after = ({name: pair[side] for name, pair in cells.items()} for side in (0, 1))
    return RowChange(table, key, before, after)


def _columns_given(newer: Sources, table: str) -> frozenset[str]:
    """Return the columns that the file of a table has, under our names."""
    return frozenset(next((one.columns for one in places(_about(newer, table)) if one.table == table), {}))


def _changed_cells(
    old: pd.DataFrame, new: pd.DataFrame, keys: Sequence[Key], compared: Iterable[str], form: TableFormat
) -> dict[Key, dict[str, tuple[str, str]]]:
    """Return the cells that mean something else in rows of the same keys, before and after, by key and column."""
    found: dict[Key, dict[str, tuple[str, str]]] = {}
    for name in compared:
        was, now = (one[name].to_numpy() if name in one else np.full(len(keys), "", dtype=object) for one in (old, new))
        column = _column(form, name)
        for at in np.flatnonzero(was != now).tolist():
            if _meaning(column, was[at]) != _meaning(column, now[at]):
                found.setdefault(keys[at], {})[name] = (was[at], now[at])
    return found


def _meaning(column: Column | None, cell: str) -> object:
    """Return the value of a cell; its text where the column is not ours or the cell cannot be read."""
    if column is None:
        return cell
    try:
        return _converted(column.convert, cell, column)
    except CellError:
        pass
    try:
        return _converted(column.convert, ";".join(own for _, own in column.reword(cell)), column)
    except CellError:
        return cell


def _converted(convert: Callable[[str], object], cell: str, column: Column) -> object:
    return convert(cell) if cell else column.blank


# ---- gone, and back ------------------------------------------------------------------------------------------------


def _gone(form: TableFormat, row: Mapping[str, str], last_day: date) -> RowChange | None:
    """Return the change of a row that a newer table lacks; None if nothing has to change."""
    key = tuple(row[name] for name in form.key)
    if form.name == "accreditation":
        return RowChange(form.name, key, dict(row), None)
    after = _withdrawn(form, row) if form.name == "needs" else _leaving(form, row, last_day)
    return RowChange(form.name, key, {name: row[name] for name in after}, after) if after else None


def _withdrawn(form: TableFormat, row: Mapping[str, str]) -> dict[str, str]:
    return {} if _meaning(_column(form, "state"), row["state"]) == _WITHDRAWN else {"state": _WITHDRAWN}


def _leaving(form: TableFormat, row: Mapping[str, str], last_day: date) -> dict[str, str]:
    """Return the cells by which a supporter is proposed nowhere after a day; none where they are gone already."""
    begins, ends = (_meaning(_column(form, name), row[name]) for name in ("available_from", "available_until"))
    if isinstance(ends, date) and ends <= last_day:
        return {}
    late = isinstance(begins, date) and begins > last_day
    # The first day may not be after the last.
    return {"available_until": last_day.isoformat(), **({"available_from": ""} if late else {})}


def _last_day(tables: Iterable[Sources], on: date) -> date:
    """Return the day before the given one, or before the earliest start of a need: availability is judged by that."""
    form = _form("needs")
    start_by, state_column = _column(form, "start_by"), _column(form, "state")
    cells = pd.concat([_cells(one, "needs")[["start_by", "state"]] for one in tables]).drop_duplicates()
    days = [
        _meaning(start_by, start)
        for start, state in cells.itertuples(index=False, name=None)
        if _meaning(state_column, state) != _WITHDRAWN
    ]
    return min([on, *(one for one in days if isinstance(one, date))]) - timedelta(days=1)


def _back(events: Sequence[Event], table: str, given: Collection[str]) -> dict[Key, dict[str, tuple[str, str]]]:
    """Return the rows that were withdrawn because a newer table lacked them, with the cells now and as they were.

    Only the cells that a newer table cannot give, because it lacks their column.
    """
    columns = {"needs": {"state"}, "supporters": {"available_from", "available_until"}}.get(table, set())
    undone, _ = undone_events(events)
    return {
        change.key: {name: (cell, change.before[name]) for name, cell in change.after.items() if name not in given}
        for one in events
        if one.kind == "newer_table" and one.number not in undone
        for change in one.changes
        if change.table == table and change.before is not None and change.after and {*change.after} <= columns
    }
