"""Visits from a table: every fault of every row, what is logged already, and what would be logged."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from matching.errors import DataError, Problem, did_you_mean, shown
from matching.rounds.desk.support import LONGEST_VISIT, Visit, plain, quarters
from matching.rounds.history.events import Event, Pair, new_event
from matching.rounds.history.refusals import why_refused
from matching.rounds.history.state import RoundState
from matching.tables.cell_values import CellError, day, free_text, identifier, reworded_days
from matching.tables.files import Source, read_sheet
from matching.tables.formats import Column, TableFormat, known_columns, needed_columns
from matching.tables.table_reader import read_table
from matching.tables.vocabulary import DAYS, reworded_amount, standard_vocabulary


def _quarters(cell: str) -> Decimal:
    try:
        return quarters(cell, LONGEST_VISIT)
    except ValueError as error:
        raise CellError(*error.args, word=cell) from error


VISITS = TableFormat(
    "visits",
    (
        Column("need_id", identifier, "identifier as in needs", required=True),
        Column("supporter_id", identifier, "identifier as in supporters", required=True),
        Column("on", day, "day of the visit", required=True, reword=reworded_days(day)),
        Column("days", _quarters, "0.25, 0.5, 0.75 or 1", required=True, reword=reworded_amount(DAYS), units=DAYS),
        Column("note", free_text, "what was done"),
    ),
)
"""The table of visits."""

_Row = tuple[Pair, date, Decimal, str]


@dataclass(frozen=True)
class ProposedVisits:
    """What a table of visits comes to.

    Attributes
    ----------
    events : tuple of Event
        What is to be recorded, in the order of the rows.
    logged : tuple of int
        The rows of visits that are logged already.
    notices : tuple of str
        On how the table was read.
    """

    events: tuple[Event, ...] = field(repr=False)
    logged: tuple[int, ...]
    notices: tuple[str, ...]


def proposed_visits(
    source: Source, state: RoundState, needs: Collection[str], supporters: Collection[str], *, by: str
) -> ProposedVisits:
    """Return the visits of a table that are not logged yet.

    A visit of the same need, supporter, day and length as one that is logged is taken for that one.

    Parameters
    ----------
    source : Source
        CSV or Excel, in the columns of `VISITS`.
    state : RoundState
    needs, supporters : collection of str
        The identifiers of the round.
    by : str

    Raises
    ------
    DataError
        With every fault of every row.
    """
    sheet = read_sheet(source, needed=needed_columns(VISITS), recognise=known_columns(VISITS))
    table = read_table(sheet, VISITS, standard_vocabulary())
    if table.frame.empty and not table.problems:
        message, fix = "There is no row under the header.", "Add one row for each visit."
        raise DataError([Problem(table.name, None, "", "", message, fix)])
    logged = {(pair, one.on, one.days) for pair, visits in state.support.visits.items() for one in visits}
    problems, events, known = list(table.problems), [], []
    rows: dict[tuple[Pair, date, Decimal], int] = {}
    for row, need_id, supporter_id, on, days, note in table.frame[["row", *VISITS.column_names]].itertuples(
        index=False, name=None
    ):
        if None in (need_id, supporter_id, on, days, note):
            # Its problem is there already.
            continue
        pair, key = (need_id, supporter_id), ((need_id, supporter_id), on, days)
        found = [*_unknown(table.name, row, "need_id", need_id, needs)]
        found += _unknown(table.name, row, "supporter_id", supporter_id, supporters)
        if not found and key in rows:
            message = f"This is the same visit as in row {rows[key]}."
            fix = "Keep one of the two rows, or add their days up in one row."
            found.append(Problem(table.name, row, "on", on.isoformat(), message, fix))
        rows.setdefault(key, row)
        if found or key in logged:
            problems += found
            known += [] if found else [row]
            continue
        event = new_event(
            "visit",
            by=by,
            need_id=need_id,
            supporter_id=supporter_id,
            on=on.isoformat(),
            days=plain(days),
            **({"text": note} if note else {}),
        )
        if refused := why_refused(state, event):
            problems.append(replace(refused, table=table.name, row=row))
            continue
        events.append(event)
        state = replace(state, support=state.support.with_visit(pair, Visit(0, on, days)))
    if problems:
        raise DataError(problems, table.notices)
    return ProposedVisits(tuple(events), tuple(known), table.notices)


def _unknown(table: str, row: int, column: str, value: str, known: Collection[str]) -> Iterator[Problem]:
    if value not in known:
        what = column.removesuffix("_id")
        fix = did_you_mean(value, known, f"Give the identifier of a {what} of this round.")
        yield Problem(table, row, column, value, f"There is no {what} {shown(value)} in this round.", fix)
