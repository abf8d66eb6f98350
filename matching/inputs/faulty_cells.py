"""The cells that have a problem, equal ones together, with what may be put in their place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matching.errors import Problem
from matching.inputs.corrections import Changes
from matching.inputs.locations import Place, can_be_mended, place_of, with_offer
from matching.tables.formats import table_formats
from matching.tables.vocabulary import standard_vocabulary

Cells = Mapping[int, Mapping[str, str]]
"""The cells of a table as they are in its file, by row number and header."""


@dataclass(frozen=True)
class FaultyCells:
    """Equal cells of one column that have a problem: one change is for all of them.

    Attributes
    ----------
    place : Place
        The table that they are in.
    column : str
        As problems name it.
    value : str
        As it is in the file.
    rows : tuple of int
    problems : tuple of Problem
        Of the first of the cells.
    """

    place: Place
    column: str
    value: str
    rows: tuple[int, ...]
    problems: tuple[Problem, ...]

    @property
    def proposal(self) -> str:
        """The value with what is offered in the place of each faulty word; the value itself where nothing is sure."""
        value = self.value
        for one in self.problems:
            if len(one.offers) == 1:
                value = with_offer(value, one, one.offers[0])
        return value

    def changes(self, value: str) -> Changes:
        """Return the change of all these cells to a value."""
        return {(row, self.column): value for row in self.rows}


def faulty_cells(
    problems: Iterable[Problem], places: Sequence[Place], cells_of: Callable[[Place], Cells]
) -> tuple[FaultyCells, ...]:
    """Return the cells that can be changed here, in the order of the tables, their columns and rows.

    Blank cells stay apart, and so do identifiers that are given twice: each needs a value of its own.
    """
    of_cell: dict[tuple[str, str, int], list[Problem]] = {}
    by_table = {place.table: place for place in places}
    for one in problems:
        place = place_of(one, places)
        if place is not None and one.row is not None and can_be_mended(one, place):
            of_cell.setdefault((place.table, one.column, one.row), []).append(one)
    cells = {table: cells_of(by_table[table]) for table in dict.fromkeys(table for table, _, _ in of_cell)}
    together: dict[tuple[str, str, str, int], list[int]] = {}
    for (table, column, row), found in of_cell.items():
        value = cells[table].get(row, {}).get(by_table[table].columns[column], found[0].value)
        apart = not value or (column,) == _key_of(table)
        together.setdefault((table, column, value, row if apart else 0), []).append(row)
    groups = [
        FaultyCells(by_table[table], column, value, tuple(sorted(rows)), tuple(of_cell[table, column, min(rows)]))
        for (table, column, value, _), rows in together.items()
    ]
    return tuple(sorted(groups, key=_in_order(places)))


def _key_of(table: str) -> tuple[str, ...]:
    form = table_formats(standard_vocabulary()).get(table)
    return form.key if form else ()


def _in_order(places: Sequence[Place]) -> Callable[[FaultyCells], tuple[int, int, int]]:
    tables = [place.table for place in places]
    return lambda one: (tables.index(one.place.table), list(one.place.columns).index(one.column), one.rows[0])
