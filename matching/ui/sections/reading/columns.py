"""How uploaded tables are read: their sheet, the row of their header, and each of their columns with ours.

Nothing is mapped without the user's answer. The answers go with the round, as its `columns` file, and are offered again
for the next one.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from matching.errors import joined, shown
from matching.inputs.headers import ReadingOptions, TableOptions
from matching.inputs.locations import COLUMNS, options_of, with_options
from matching.inputs.recognise import TableReading, TheirColumn
from matching.tables.files import Source
from matching.tables.formats import table_formats
from matching.tables.vocabulary import standard_vocabulary
from matching.ui.formatting import markup

_NOT_USED = "Not used"
_PLAIN = re.compile(r"[^\W_]+(?:[ _/?,.'-]+[^\W_]+)*[?.]?")
_MOST_SHEETS = 12
_ROWS_SHOWN, _COLUMNS_SHOWN, _LONGEST_CELL = 8, 6, 40


def show_readings(
    sources: Mapping[str, Source],
    readings: Sequence[TableReading],
    remembered: Mapping[str, TableOptions],
    number: int,
) -> dict[str, Source] | None:
    """Show how each table is read, and return the sources with what the user changes; None until then.

    Parameters
    ----------
    sources : mapping of str to Source
    readings : sequence of TableReading
    remembered : mapping of str to TableOptions
        By table: the answers of earlier rounds.
    number : int
        Makes the keys of these elements differ from those of earlier ones.
    """
    asking = [one for one in readings if one.asks]
    if asking:
        st.header("Say which column is which", anchor=False)
        st.html(
            markup.paragraph(
                "Some columns have names that the program does not know. Headers that look alike are filled in, and so "
                "are your last answers. Check them: nothing is used until you press the button."
            )
        )
    else:
        st.header("How your files are read", anchor=False)
    options, changed = options_of(sources), False
    ready = True
    opened: set[str] = st.session_state.setdefault(f"opened_{number}", set())
    for one in readings:
        key = f"reading_{one.table}_{number}"
        expander = st.expander(_in_a_line(one), expanded=one.asks, key=key, on_change="rerun")
        if expander.open:
            opened.add(one.table)
        # What was changed stays, whether or not it is folded again.
        if one.table not in opened:
            continue
        with expander:
            if (moved := _moved(one, options.of(one.table), number)) is not None:
                return with_options(sources, options.with_table(one.table, moved))
            answer, sound = _answers(one, options.of(one.table), remembered.get(one.table, TableOptions()))
        ready, changed = ready and sound, changed or answer != options.of(one.table)
        options = options.with_table(one.table, answer)
    _show_unused(readings, options)
    pressed = False
    if asking or changed:
        pressed = st.button("Use these columns", type="primary", disabled=not ready, key=f"use_columns_{number}")
    if COLUMNS in sources:
        st.download_button(
            "Download how the files are read (columns.toml)",
            sources[COLUMNS].content,
            "columns.toml",
            on_click="ignore",
            help="Give it again with the next upload, or to the command line as --columns.",
        )
    return with_options(sources, options) if pressed else None


def _in_a_line(reading: TableReading) -> str:
    used = sum(bool(one.column) for one in reading.columns)
    place = f"{markup.label(reading.name)}, header in row {reading.header_row}"
    return f"{reading.table.capitalize()}: {used} of {len(reading.columns)} columns are used ({place})"


def _show_unused(readings: Sequence[TableReading], options: ReadingOptions) -> None:
    """List the columns that are ignored with these options, each with a sample of what is in it."""
    lines = []
    for reading in readings:
        said = options.of(reading.table)
        unused = [
            shown(one.header) + (f" ({', '.join(map(_short, one.samples))})" if one.samples else " (blank)")
            for one in reading.columns
            if one.header in said.not_used or not (one.column or one.header in said.mapping)
        ]
        if unused:
            lines.append(f"{reading.name}: columns that are not used: {joined(unused)}.")
    if lines:
        st.html(markup.bullets(lines))


# ---- where the table is --------------------------------------------------------------------------------------------


def _moved(reading: TableReading, options: TableOptions, number: int) -> TableOptions | None:
    """Show the sheet and the row of the header, and return the options once the user chooses another one."""
    sheets = list(reading.sheets)
    if len(sheets) > 1:
        key, at = f"sheet_{reading.table}_{number}", sheets.index(reading.sheet)
        if len(sheets) <= _MOST_SHEETS:
            sheet = st.radio("Sheet", sheets, index=at, format_func=markup.label, horizontal=True, key=key)
        else:
            sheet = st.selectbox("Sheet", sheets, index=at, key=key)
        if sheet != reading.sheet:
            return TableOptions(sheet=str(sheet))
    top = reading.sheets[reading.sheet][: max(_ROWS_SHOWN, reading.header_row + 1)]
    rows = [row for row, cells in enumerate(top, start=1) if any(cells)]
    if reading.header_row not in rows:
        return None
    st.html(markup.table(_first_rows(top, reading.header_row), f"The first rows of {reading.name}"))
    row = st.radio(
        "Row with the names of the columns",
        rows,
        index=rows.index(reading.header_row),
        horizontal=True,
        key=f"header_{reading.table}_{number}",
    )
    return replace(options, header_row=row) if row != reading.header_row else None


def _first_rows(top: Sequence[Sequence[str]], header_row: int) -> pd.DataFrame:
    width = min(max(map(len, top)), _COLUMNS_SHOWN)
    cells = [[_short(cell) for cell in row[:width]] + [""] * (width - len(row)) for row in top]
    frame = pd.DataFrame(cells, columns=[chr(ord("A") + place) for place in range(width)])
    frame.insert(0, "Row", [f"{row}, header" if row == header_row else str(row) for row in range(1, len(top) + 1)])
    return frame


def _short(cell: str) -> str:
    return cell if len(cell) <= _LONGEST_CELL else cell[: _LONGEST_CELL - 1] + "…"


# ---- which column is which -----------------------------------------------------------------------------------------


def _answers(reading: TableReading, options: TableOptions, remembered: TableOptions) -> tuple[TableOptions, bool]:
    """Ask for our column of each of theirs; return the options with the answers, and whether they can be used."""
    form = table_formats(standard_vocabulary())[reading.table]
    needed = {one.name for one in form.columns if one.required} | {*reading.missing}
    words = {one.name: f"{one.name}{' (needed)' if one.name in needed else ''}: {one.meaning}" for one in form.columns}
    digest = hashlib.sha256(repr((reading.name, reading.header_row, reading.columns)).encode()).hexdigest()[:12]
    proposed = _proposed(reading, remembered)
    chosen: dict[str, str] = {}
    sides = st.columns(2, gap="medium")
    # What is not known yet comes first.
    for place, one in enumerate(sorted(reading.columns, key=lambda one: bool(one.column))):
        with sides[place % 2], st.container(gap="xsmall"):
            chosen[one.header] = st.selectbox(
                f"“{_label(one.header)}” is",
                ["", *words],
                index=["", *words].index(proposed[one.header]),
                format_func=lambda name: words.get(name, _NOT_USED),
                key=f"ours_{reading.table}_{place}_{digest}",
            )
            about = (
                f"For example: {'; '.join(map(_short, one.samples))}" if one.samples else "Its first cells are blank."
            )
            st.html(markup.paragraph(about, quiet=True))
    used = [name for name in chosen.values() if name]
    twice = sorted({name for name in used if used.count(name) > 1})
    for name in twice:
        headers = joined([shown(header) for header, one in chosen.items() if one == name])
        st.html(markup.fault(f"{headers} are both chosen as {name}. Choose another column for one of them."))
    absent = [name for name in form.missing_from(used) if name in reading.missing]
    if absent and not twice:
        st.html(markup.paragraph(f"Not found yet, and needed: {', '.join(absent)}.", quiet=True))
    answer = replace(
        options,
        mapping={header: name for header, name in chosen.items() if name and name != header},
        not_used=tuple(one.header for one in reading.columns if _is_refused(one, chosen[one.header], options)),
    )
    return answer, not twice


def _label(header: str) -> str:
    """Return a header for a label; escaped only where it must be, because a screen reader speaks the marks."""
    short = _short(header)
    return short if _PLAIN.fullmatch(short) else markup.label(short)


def _proposed(reading: TableReading, remembered: TableOptions) -> dict[str, str]:
    """Return the column of ours that is filled in for each of theirs; each of ours at most once."""
    proposed = {one.header: one.column for one in reading.columns}
    taken = {*proposed.values()}
    for known in (remembered.mapping, {one.header: one.suggested for one in reading.columns}):
        for one in reading.columns:
            name = known.get(one.header, "")
            if name and name not in taken and not proposed[one.header] and one.header not in remembered.not_used:
                proposed[one.header] = name
                taken.add(name)
    return proposed


def _is_refused(column: TheirColumn, name: str, options: TableOptions) -> bool:
    """Return whether a column is not used although its name is ours, or looks alike."""
    return not name and bool(column.column or column.suggested or column.header in options.not_used)
