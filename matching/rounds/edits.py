"""Changes of the register as events: needs and people added and changed, paused, away, gone and back.

Rows are cells as text, as `matching.rounds.register.table_cells` returns them. `touches` finds what a change bears on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from matching.errors import DataError, Problem
from matching.inputs.inputs import Inputs
from matching.inputs.locations import options_of, with_leaving_out
from matching.rounds.history.events import Event, RowChange, new_event
from matching.rounds.register import Sources, change_problem, key_columns, rows_by_key, table_cells, with_changes
from matching.tables.cell_values import CellError, DayRange, day, day_range, many

Cells = Mapping[str, str]
"""Cells of one row as text, by column."""

FIRST, LAST = "first", "last"
"""The fields of an absence that a problem of `absence` is about."""

_ABOUT = {"needs": "need_id", "supporters": "supporter_id", "accreditation": "supporter_id"}


# ---- rows ----------------------------------------------------------------------------------------------------------


def added_row(kind: str, table: str, cells: Cells, *, by: str, why: str = "") -> Event:
    """Return the event that adds a row; its blank cells are left out, except those of its key."""
    key = key_columns(table)
    filled = {name: cell.strip() for name, cell in cells.items() if cell.strip() or name in key}
    return _event(kind, [RowChange(table, tuple(filled.get(name, "") for name in key), None, filled)], by, why)


def changed_rows(kind: str, table: str, rows: Sequence[Cells], cells: Cells, *, by: str, why: str = "") -> Event | None:
    """Return the event that gives these cells to every row, or None if they have them all already."""
    return _each(kind, table, [(row, cells) for row in rows], by, why)


def added_need(cells: Cells, *, by: str, why: str = "") -> Event:
    """Return the event that adds a need."""
    return added_row("need_added", "needs", cells, by=by, why=why)


def edited_need(row: Cells, cells: Cells, *, by: str, why: str = "") -> Event | None:
    """Return the event that changes cells of a need, or None if none differs."""
    return changed_rows("need_changed", "needs", [row], cells, by=by, why=why)


def paused(row: Cells, *, by: str, why: str = "") -> Event | None:
    """Return the event that pauses a need, or None if it is paused."""
    return changed_rows("need_paused", "needs", [row], {"state": "paused"}, by=by, why=why)


def withdrawn(row: Cells, *, by: str, why: str = "") -> Event | None:
    """Return the event that withdraws a need, or None if it is withdrawn."""
    return changed_rows("need_withdrawn", "needs", [row], {"state": "withdrawn"}, by=by, why=why)


def resumed(row: Cells, *, by: str, why: str = "") -> Event | None:
    """Return the event that opens a need again, or None if it is open."""
    return changed_rows("need_resumed", "needs", [row], {"state": "open"}, by=by, why=why) if row["state"] else None


def added_supporter(cells: Cells, *, by: str, why: str = "") -> Event:
    """Return the event that adds a supporter."""
    return added_row("supporter_added", "supporters", cells, by=by, why=why)


def edited_supporters(rows: Sequence[Cells], cells: Cells, *, by: str, why: str = "") -> Event | None:
    """Return the event that gives the same cells to supporters, or None if none differs."""
    return changed_rows("supporter_changed", "supporters", rows, cells, by=by, why=why)


def unavailable(
    rows: Sequence[Cells], first: date | None, last: date | None, *, by: str, why: str = ""
) -> Event | None:
    """Return the event that makes supporters unavailable from a first to a last day.

    Without a last day they are unavailable from the first day on; without a first day, until the last.
    """
    pairs = [(row, _absent(row, first, last)) for row in rows]
    return _each("supporter_unavailable", "supporters", pairs, by, why)


def left(row: Cells, last: date, *, by: str, why: str = "") -> Event | None:
    """Return the event that a supporter leaves after a last day."""
    return changed_rows("supporter_left", "supporters", [row], {"available_until": last.isoformat()}, by=by, why=why)


def back(row: Cells, on: date, *, by: str, why: str = "") -> Event | None:
    """Return the event that a supporter is available again from a day on; earlier absences stay recorded.

    An absence that begins on that day or later stays too.
    """
    before = on - timedelta(days=1)
    ranges = _ranges(row["unavailable"])
    begins, ends = _day(row["available_from"]), _day(row["available_until"])
    if ends is not None and ends < before:
        ranges.append(DayRange(ends + timedelta(days=1), before))
    kept = [
        DayRange(one.first, before) if one.first < on <= one.last else one
        for one in ranges
        if not (one.first == on <= one.last)
    ]
    cells = {
        "available_from": "" if begins is not None and begins > on else row["available_from"],
        "available_until": "" if ends is not None and ends <= on else row["available_until"],
        "unavailable": row["unavailable"] if kept == _ranges(row["unavailable"]) else ";".join(map(str, sorted(kept))),
    }
    return changed_rows("supporter_back", "supporters", [row], cells, by=by, why=why)


def evidence_changed(row: Cells | None, cells: Cells, *, by: str, why: str = "") -> Event | None:
    """Return the event that gives a supporter's evidence for one criterion, or None if none of it differs.

    Parameters
    ----------
    row : mapping or None
        The row of the accreditation table as it is, if there is one.
    cells : mapping
    by, why : str
    """
    if row is None:
        return added_row("evidence_changed", "accreditation", cells, by=by, why=why)
    return changed_rows("evidence_changed", "accreditation", [row], cells, by=by, why=why)


def absence(first: str, last: str) -> tuple[date | None, date | None]:
    """Return the first and the last day of an absence, as they were typed.

    Raises
    ------
    DataError
        With a `Problem` of the column `FIRST` or `LAST`: a day cannot be read, they are the wrong way round, or both
        are blank.
    """
    found: dict[str, date | None] = {}
    problems = []
    for column, typed in ((FIRST, first.strip()), (LAST, last.strip())):
        try:
            found[column] = day(typed) if typed else None
        except CellError as fault:
            problems.append(Problem("absence", None, column, typed, fault.message, fault.fix))
    if not problems and not (found[FIRST] or found[LAST]):
        problems.append(
            Problem("absence", None, FIRST, "", "No day was given.", "Give the first day, the last, or both.")
        )
    start, end = found.get(FIRST), found.get(LAST)
    if start and end and end < start:
        message, fix = "The last day is before the first.", "Give the days the other way round."
        problems.append(Problem("absence", None, LAST, last, message, fix))
    if problems:
        raise DataError(problems)
    return start, end


def free_identifier(prefix: str, taken: Iterable[str]) -> str:
    """Return the next identifier after those with this prefix and a number: N091 after N090."""
    numbers = [one.removeprefix(prefix) for one in taken if one.startswith(prefix)]
    digits = [one for one in numbers if one.isascii() and one.isdigit() and len(one) <= 12]
    width = max(map(len, digits), default=3)
    return f"{prefix}{max(map(int, digits), default=0) + 1:0{width}d}"


def _each(kind: str, table: str, pairs: Iterable[tuple[Cells, Cells]], by: str, why: str) -> Event | None:
    changes = []
    for row, cells in pairs:
        differing = {name: cell.strip() for name, cell in cells.items() if row.get(name, "") != cell.strip()}
        if differing:
            key = tuple(row[name] for name in key_columns(table))
            changes.append(RowChange(table, key, {name: row.get(name, "") for name in differing}, differing))
    return _event(kind, changes, by, why) if changes else None


def _event(kind: str, changes: Sequence[RowChange], by: str, why: str) -> Event:
    # Where a change is about several people, only its rows name them.
    about = {_ABOUT[one.table]: one.key[0] for one in changes[:1]} if len(changes) == 1 else {}
    return replace(new_event(kind, by=by, why=why.strip(), **about), changes=tuple(changes))


def _absent(row: Cells, first: date | None, last: date | None) -> Cells:
    """Return the cells of a supporter with one absence more."""
    if first and last:
        absence = DayRange(first, last)
        known = absence in _ranges(row["unavailable"])
        return {} if known else {"unavailable": ";".join(filter(None, (row["unavailable"], str(absence))))}
    if first:
        ends = min(first - timedelta(days=1), _day(row["available_until"]) or date.max)
        return {"available_until": ends.isoformat()}
    if last:
        begins = max(last + timedelta(days=1), _day(row["available_from"]) or date.min)
        return {"available_from": begins.isoformat()}
    return {}


def _ranges(cell: str) -> list[DayRange]:
    try:
        return [one for one in many(day_range)(cell) if isinstance(one, DayRange)] if cell else []
    except CellError:
        return []


def _day(cell: str) -> date | None:
    try:
        return day(cell) if cell else None
    except CellError:
        return None


# ---- problems ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faults:
    """What is wrong with a change, by the column that it is about; `others` are about no cell of the changed rows."""

    by_column: Mapping[str, str]
    others: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything is wrong."""
        return bool(self.by_column or self.others)


NO_FAULTS = Faults({})


def faults_in(problems: Iterable[Problem]) -> Faults:
    """Return problems by the field that they are about."""
    by_column: dict[str, str] = {}
    for one in problems:
        by_column.setdefault(one.column, _words(one))
    return Faults(by_column)


def try_out(sources: Sources, event: Event, read: Callable[[Sources], Inputs]) -> tuple[Faults, Inputs | None]:
    """Return what would be wrong in the register after an event that changes it; and its tables then, if nothing is.

    Parameters
    ----------
    sources : mapping of str to Source
        The register as it is now.
    event : Event
    read : callable
        Reads the tables of a round and raises `DataError`, as `matching.inputs.read.read_inputs` does.
    """
    if problem := change_problem(sources, event):
        return Faults({problem.column: _words(problem)}), None
    changed = with_changes(sources, event.changes)
    leaves_out = options_of(changed).leave_out
    try:
        if leaves_out:
            # A faulty row that is typed here is refused, and not left out silently.
            read(with_leaving_out(changed, leave_out=False))
        return NO_FAULTS, read(changed)
    except DataError as error:
        found = _faults(changed, event, error.problems, only_own=leaves_out)
    return found, None if found else read(changed)


def _faults(sources: Sources, event: Event, problems: Iterable[Problem], *, only_own: bool) -> Faults:
    rows: set[tuple[str, int]] = set()
    for table in {one.table for one in event.changes}:
        keys = list(rows_by_key(table_cells(sources, table), table))
        numbers = {key: number for number, key in enumerate(keys, start=2)}
        rows |= {(f"{table}.csv", numbers[one.key]) for one in event.changes if one.table == table}
    own = [one for one in problems if (one.table, one.row) in rows]
    others = [] if only_own else [_words(one, where=True) for one in problems if (one.table, one.row) not in rows]
    return replace(faults_in(own), others=tuple(others))


def _words(problem: Problem, *, where: bool = False) -> str:
    return str(problem) if where else f"{problem.message} {problem.fix}".strip()
