"""Every cell that has a problem, in grids: equal cells are one row, and all changes are checked together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from matching.errors import DataError, Problem, counted
from matching.inputs.corrections import Changes
from matching.inputs.faulty_cells import Cells, FaultyCells, faulty_cells
from matching.inputs.locations import Choices, Place, choices, with_cells
from matching.tables.files import Source
from matching.tables.formats import table_formats
from matching.tables.vocabulary import SEPARATORS, standard_vocabulary
from matching.ui.formatting import markup
from matching.ui.sections.reading.schools import NamedSchools, is_named, show_named_schools
from matching.ui.state import cache
from matching.ui.widgets.layout import grid_height

_MOST_ROWS = 500
_ROWS_NAMED = 6


def cells_to_mend(
    sources: Mapping[str, Source], problems: Sequence[Problem], places: Sequence[Place]
) -> tuple[FaultyCells, ...]:
    """Return the faulty cells that can be changed here."""
    return faulty_cells(problems, places, lambda place: _cells_of(sources, place))


def _cells_of(sources: Mapping[str, Source], place: Place) -> Cells:
    try:
        return cache.cells_of(sources, place)
    except DataError:
        return {}


def show_mending(
    sources: Mapping[str, Source], groups: Sequence[FaultyCells], occasion: int
) -> dict[str, Changes] | None:
    """Show the faulty cells, and return the changes of each table once a button is pressed; until then None."""
    if not groups:
        return None
    st.header("Fix the problems", anchor=False)
    st.html(
        markup.paragraph(
            "Change the cells under “New value”. Suggestions are filled in, so check them. One change is made in every "
            "row that has the same entry. Nothing is changed until you press a button. Your own file stays as it is; "
            "you can download the corrected one afterwards."
        )
    )
    with st.form(f"mend_{occasion}", border=False, enter_to_submit=False):
        named = show_named_schools(sources, [one for one in groups if is_named(one)], occasion)
        edited = [*_edited_grids(sources, [one for one in groups if not is_named(one)], occasion)]
        pressed = st.form_submit_button("Save and check again", type="primary")
    if not (pressed or named.all_sure):
        return None
    return _changes(named, edited)


def _changes(named: NamedSchools, edited: Sequence[tuple[FaultyCells, str]]) -> dict[str, Changes]:
    changes: dict[str, dict[tuple[int, str], str]] = {}
    for group, value in [*named.chosen, *edited]:
        if value != group.value:
            changes.setdefault(group.place.table, {}).update(group.changes(value))
    return dict(changes)


def with_changes(
    sources: Mapping[str, Source], places: Sequence[Place], changes: Mapping[str, Changes]
) -> dict[str, Source]:
    """Return the files with the changes of each table.

    Raises
    ------
    DataError
        A file cannot be changed.
    """
    changed = dict(sources)
    for place in places:
        if place.table in changes:
            changed = with_cells(changed, place, changes[place.table])
    return changed


# ---- grids ---------------------------------------------------------------------------------------------------------


def _edited_grids(
    sources: Mapping[str, Source], groups: Sequence[FaultyCells], occasion: int
) -> Iterator[tuple[FaultyCells, str]]:
    """Show a grid for each column of each table, and yield the cells with what is in the grid."""
    of_column: dict[tuple[str, str], list[FaultyCells]] = {}
    for one in groups[:_MOST_ROWS]:
        of_column.setdefault((one.place.table, one.column), []).append(one)
    for (table, column), found in of_column.items():
        cells = sum(len(one.rows) for one in found)
        st.html(markup.heading(f"{table.capitalize()}, {column}: {counted(cells, 'cell')} to change"))
        if choices(table, column) is None and (about := _about(table, column)):
            st.html(markup.paragraph(f"What belongs in {column}: {about}.", quiet=True))
        yield from _edited_grid(sources, found, choices(table, column), f"mend_{table}_{column}_{occasion}")
    if len(groups) > _MOST_ROWS:
        st.caption(f"The first {_MOST_ROWS} of {len(groups):,} are shown. The others follow once these are fixed.")


def _about(table: str, column: str) -> str:
    form = table_formats(standard_vocabulary()).get(table)
    return next((one.meaning for one in form.columns if one.name == column), "") if form else ""


def _edited_grid(
    sources: Mapping[str, Source], groups: Sequence[FaultyCells], known: Choices | None, key: str
) -> Iterator[tuple[FaultyCells, str]]:
    several = known is not None and known.several
    split: Callable[[str], Any] = _parts if several else str
    before = [split(one.proposal) for one in groups]
    grid = pd.DataFrame(
        {
            "found": [one.value for one in groups],
            "new": pd.Series(before, dtype="object"),
            "rows": [_rows(one) for one in groups],
            "about": [_whom(sources, one) for one in groups],
            "wrong": [" ".join(f"{fault.message} {fault.fix}" for fault in one.problems) for one in groups],
        }
    )
    if not any(grid["about"]):
        grid = grid.drop(columns="about")
    edited = st.data_editor(
        grid,
        hide_index=True,
        height=grid_height(len(grid)),
        column_config={
            "found": st.column_config.TextColumn("What was found", width="medium"),
            "new": _new_values(known),
            "rows": st.column_config.TextColumn("Where", width="medium"),
            "about": st.column_config.TextColumn("About", width="medium"),
            "wrong": st.column_config.TextColumn("What is wrong, and what to do", width="large"),
        },
        disabled=[str(name) for name in grid if name != "new"],
        key=key,
        placeholder="",
        alt=f"Cells of {groups[0].column} to change",
    )
    for one, proposed, new in zip(groups, before, edited["new"], strict=True):
        chosen = [] if new is None and several else "" if new is None else [*new] if several else str(new).strip()
        # A list that was not changed stays as it is written in the file.
        yield one, one.proposal if chosen == proposed else ";".join(chosen) if several else str(chosen)


def _new_values(known: Choices | None) -> Any:
    if known is None:
        return st.column_config.TextColumn("New value", width="medium", max_chars=1000)
    if known.several:
        # With new options, because a cell may hold words that are not known yet.
        return st.column_config.MultiselectColumn(
            "New value", options=list(known.words), accept_new_options=True, width="large"
        )
    return st.column_config.SelectboxColumn("New value", options=list(known.words), width="medium")


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in SEPARATORS.split(cell) if part.strip()]


def _rows(group: FaultyCells) -> str:
    if len(group.rows) == 1:
        return f"row {group.rows[0]}"
    named = ", ".join(map(str, group.rows[:_ROWS_NAMED]))
    return f"{len(group.rows):,} rows: {named}{', …' if len(group.rows) > _ROWS_NAMED else ''}"


def _whom(sources: Mapping[str, Source], group: FaultyCells) -> str:
    """Return what a single row is about: its first cells, but for the faulty one."""
    if len(group.rows) > 1:
        return ""
    row = _cells_of(sources, group.place).get(group.rows[0], {})
    own = group.place.columns[group.column]
    cells = [value for header, value in row.items() if header and value and header != own]
    return ", ".join(cells[:3])
