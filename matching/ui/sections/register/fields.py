"""The fields of one row of the register, each with its problem under it."""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from matching.inputs.locations import choices
from matching.rounds.edits import Cells, Faults
from matching.tables.cell_values import CellError, day
from matching.tables.csv_out import number_text
from matching.ui.formatting import markup

# A list of more schools would take the browser too long: then words narrow it first.
_MOST_IN_A_LIST = 1_000
_MOST_FOUND = 100
_ASK_FOR_SCHOOL = "Type a name, an area or a URN"


class Fields:
    """The fields of a form; `cells` are what they hold as text, by column.

    A cell that is not edited stays as it is in the table, however it is written there.

    Parameters
    ----------
    key : str
        Begins the keys of the controls.
    row : mapping of str to str, optional
        The row as it is; without it every field begins blank.
    """

    def __init__(self, key: str, row: Cells | None = None) -> None:
        self.cells: dict[str, str] = {}
        self.key, self._row = key, row or {}
        self._slots: dict[str, DeltaGenerator] = {}
        self._labels: dict[str, str] = {}

    def _was(self, column: str) -> str:
        return self._row.get(column, "")

    def text(self, column: str, label: str, first: str = "", *, most: int = 200, about: str | None = None) -> None:
        """Show a line of text."""
        was = self._was(column) or first
        self._show(column, label, lambda key: st.text_input(label, was, max_chars=most, key=key, help=about))

    def notes(self, column: str, label: str) -> None:
        """Show a text of several lines."""
        was = self._was(column)
        self._show(column, label, lambda key: st.text_area(label, was, max_chars=4_000, height=90, key=key))

    def day(self, column: str, label: str) -> None:
        """Show a date, to be written as dd/mm/yyyy."""
        was = self._was(column)
        shown = british(was)

        def typed(key: str) -> str:
            found = (st.text_input(f"{label} (dd/mm/yyyy)", shown, max_chars=30, key=key) or "").strip()
            return was if found == shown else iso(found)

        self._show(column, label, typed)

    def number(self, column: str, label: str, *, step: float, most: float, about: str | None = None) -> None:
        """Show a number that may be blank."""
        was = self._was(column)
        now = _number(was)

        def typed(key: str) -> str:
            found = st.number_input(
                label,
                min_value=0.0,
                max_value=float(most),
                value=now,
                step=float(step),
                format="%g",
                key=key,
                help=about,
                placeholder="",
            )
            return was if found == now else ("" if found is None else number_text(found))

        self._show(column, label, typed)

    def one(
        self, table: str, column: str, label: str, first: str = "", *, words: Mapping[str, str] | None = None
    ) -> None:
        """Show a list of the words that a column accepts, of which one is chosen."""
        known = choices(table, column)
        options = list(known.words) if known else []
        was = self._was(column)
        chosen = next(iter(known.chosen(was)), first) if known and was else first
        shown = words or {}

        def typed(key: str) -> str:
            found = st.selectbox(
                label,
                options,
                index=options.index(chosen) if chosen in options else None,
                format_func=lambda one: shown.get(one, one),
                placeholder="Choose one",
                key=key,
            )
            return was if found == chosen and was else (found or "")

        self._show(column, label, typed)

    def choice(self, column: str, label: str, words: Mapping[str, str]) -> None:
        """Show a few values next to each other, by their words, none of which is chosen at first."""
        was = self._was(column)
        index = list(words).index(was) if was in words else None

        def chosen(key: str) -> str:
            return st.radio(label, list(words), index, words.__getitem__, key=key, horizontal=True) or ""

        self._show(column, label, chosen)

    def several(self, table: str, column: str, label: str, *, about: str | None = None) -> None:
        """Show a list of the words that a column accepts, of which any number is chosen."""
        known = choices(table, column)
        options = list(known.words) if known else []
        was = self._was(column)
        chosen = known.chosen(was) if known else []

        def typed(key: str) -> str:
            found = st.multiselect(label, options, chosen, key=key, placeholder="Choose any number", help=about)
            return was if {*found} == {*chosen} else ";".join(one for one in options if one in found)

        self._show(column, label, typed)

    def school(self, column: str, label: str, schools: Mapping[str, str]) -> None:
        """Show a list of schools, found by name, area or URN; `schools` has the words of the list by URN."""
        was = self._was(column)

        def typed(key: str) -> str:
            options = _offered(key, label, schools, [was] if was else [])
            found = st.selectbox(
                label,
                options,
                index=options.index(was) if was in options else None,
                format_func=lambda one: schools.get(one, one),
                placeholder=_ASK_FOR_SCHOOL,
                accept_new_options=True,
                key=key,
            )
            return (found or "").strip()

        self._show(column, label, typed)

    def schools(self, column: str, label: str, schools: Mapping[str, str]) -> None:
        """Show a list of schools of which any number is chosen, each found by name, area or URN."""
        was = self._was(column)
        chosen = [one.strip() for one in was.split(";") if one.strip()]

        def typed(key: str) -> str:
            # What is chosen already stays among the options while other words are searched for.
            options = _offered(key, label, schools, st.session_state.get(key, chosen))
            found = st.multiselect(
                label,
                options,
                chosen,
                format_func=lambda one: schools.get(one, one),
                placeholder=_ASK_FOR_SCHOOL,
                accept_new_options=True,
                key=key,
            )
            return was if found == chosen else ";".join(one.strip() for one in found)

        self._show(column, label, typed)

    def _show(self, column: str, label: str, draw: Callable[[str], str]) -> None:
        self._labels[column] = label
        with st.container(gap="xsmall"):
            self.cells[column] = draw(f"{self.key}_{column}") or ""
            self._slots[column] = st.empty()

    def show_faults(self, faults: Faults, *, only_filled: bool = False) -> list[str]:
        """Show each fault under its field, and return all of them with the names of their fields.

        Parameters
        ----------
        faults : Faults
        only_filled : bool
            Whether to pass over fields that are still blank.
        """
        lines = []
        for column, found in faults.by_column.items():
            words = found.replace("The cell is blank.", "This is blank.")
            if column in self._slots and not (only_filled and not self.cells[column]):
                self._slots[column].html(markup.fault(words))
            lines.append(f"{self._labels[column]}: {words}" if column in self._labels else words)
        return [*lines, *faults.others]


def _offered(key: str, label: str, schools: Mapping[str, str], chosen: Sequence[str]) -> list[str]:
    if len(schools) > _MOST_IN_A_LIST:
        words = st.text_input(f"{label}: search by name, area or URN", key=f"{key}_search", max_chars=100)
        return found_in(schools, words, chosen)
    return [*schools, *(one for one in chosen if one not in schools)]


def found_in(schools: Mapping[str, str], words: str, chosen: Sequence[str] = ()) -> list[str]:
    """Return the URNs of the schools whose words hold all of these, at most a hundred, after those that are chosen."""
    wanted = words.casefold().split()
    matching = (urn for urn, name in schools.items() if all(one in name.casefold() for one in wanted))
    found = (urn for urn in matching if urn not in chosen) if wanted else ()
    return [*chosen, *islice(found, _MOST_FOUND)]


def british(cell: str) -> str:
    """Return the text of a date as dd/mm/yyyy; what is no date as it is."""
    try:
        return f"{day(cell):%d/%m/%Y}" if cell else ""
    except CellError:
        return cell


def iso(typed: str) -> str:
    """Return a date that was typed as 2026-01-31; what is no date as it is."""
    try:
        return day(typed).isoformat() if typed else ""
    except CellError:
        return typed


def _number(cell: str) -> float | None:
    try:
        return float(cell) if cell else None
    except ValueError:
        return None
