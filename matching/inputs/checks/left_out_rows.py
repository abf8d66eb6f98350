"""Faulty rows left out on request, with what depends on them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from matching.errors import LEAVE_OUT, Problem, counted, file_problem, first_ten
from matching.inputs.checks.together import IDENTIFIERS
from matching.tables.table_reader import Table

Check = Callable[[Mapping[str, Table]], tuple[list[Problem], list[str]]]
"""The problems between tables, and the notices."""


def without_faulty_rows(
    tables: Mapping[str, Table], problems: Iterable[Problem], check: Check, required: Iterable[str]
) -> tuple[dict[str, Table], list[Problem], list[str], tuple[str, ...]]:
    """Leave out every row whose problem allows it, until no row refers to one that was left out.

    Parameters
    ----------
    problems : iterable of Problem
        Of single tables and between them.
    check : callable
        Checks the remaining tables against each other.
    required : iterable of str
        Tables of which at least one row must remain.

    Returns
    -------
    tables : dict of str to Table
    problems : list of Problem
        Those that stop the run even so.
    notices : list of str
        Those of `check`.
    left_out : tuple of str
        A notice for each table of which rows were left out.
    """
    kept, total = dict(tables), {name: len(_rows_of(table)) for name, table in tables.items()}
    rows: dict[str, dict[int, str]] = {name: {} for name in tables}
    gone: set[str] = set()
    own, (between, notices) = list(problems), check(kept)
    while faulty := [one for one in (*own, *between) if one.severity == LEAVE_OUT]:
        own = [one for one in own if one.severity != LEAVE_OUT]
        for name, table in tables.items():
            for one in faulty:
                if one.table == table.name and one.row is not None:
                    rows[name].setdefault(one.row, one.column or "cells")
            gone |= _leave_out(kept, name, set(rows[name]))
        _leave_out_decisions(kept, gone, rows)
        between, notices = check(kept)
    stopping = [*own, *between]
    for name in required:
        if name in kept and kept[name].frame.empty:
            message = f"Every row of the {name} table would be left out."
            stopping.append(file_problem(kept[name].name, message, "Correct at least one."))
    left_out = tuple(
        f"{kept[name].name}: {counted(len(columns), 'row')} of {total[name]:,} left out on request, "
        f"{len(kept[name].frame):,} used: "
        f"{first_ten([f'row {row} ({column})' for row, column in sorted(columns.items())])}."
        for name, columns in rows.items()
        if columns
    )
    return kept, stopping, notices, left_out


def _rows_of(table: Table) -> set[int]:
    return {*table.frame["row"], *(one.row for one in table.problems if one.row is not None)}


def _leave_out(tables: dict[str, Table], name: str, rows: set[int]) -> set[str]:
    """Take rows out of a table and return the identifiers that are no longer in it."""
    table, key = tables[name], IDENTIFIERS.get(name)
    leaving = table.frame["row"].isin(rows)
    kept = table.frame[~leaving].reset_index(drop=True)
    tables[name] = replace(table, frame=kept, misfit_cells=frozenset())
    if key is None:
        return set()
    return ({*table.frame.loc[leaving, key].dropna()} | table.misfit_cells) - {*kept[key], ""}


def _leave_out_decisions(tables: dict[str, Table], gone: set[str], rows: dict[str, dict[int, str]]) -> None:
    """Take out the decisions about what was left out; any other fault in a decision stops the run."""
    if "decisions" not in tables:
        return
    frame = tables["decisions"].frame
    for column in ("supporter_id", "need_id", "school_urn"):
        for row in frame.loc[frame[column].isin(gone), "row"]:
            rows["decisions"].setdefault(row, column)
    _leave_out(tables, "decisions", set(rows["decisions"]))
