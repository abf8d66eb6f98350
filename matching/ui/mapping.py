"""Which column of a file is which of ours: a form for headers that are not known, filled in and never taken in silence.

The answers go with the round, as its `columns` file, and are offered again for the next one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from matching.columns import Mappings, suggest_columns
from matching.errors import DataError
from matching.files import Source, find_table
from matching.inputs import OPTIONAL_TABLES, REQUIRED_TABLES
from matching.places import is_extract, options_of, with_options
from matching.tables import TableFormat, known_columns, table_formats
from matching.ui import markup
from matching.ui.uploads import likely_columns
from matching.vocabulary import standard_vocabulary

_NOT_HERE = "None of them"


@dataclass(frozen=True)
class UnknownHeader:
    """A table whose header lacks required columns and has others that nobody knows.

    Attributes
    ----------
    table, name : str
        Its name among the sources, and what people know it by.
    missing : tuple of str
        The required columns that are not there.
    others : tuple of str
        Columns that need not be there and have a suggestion.
    headers : tuple of str
        The unknown ones.
    suggested : mapping of str to str
        Our column to their header.
    """

    table: str
    name: str
    missing: tuple[str, ...]
    others: tuple[str, ...]
    headers: tuple[str, ...]
    suggested: Mapping[str, str]


def unknown_headers(sources: Mapping[str, Source]) -> tuple[UnknownHeader, ...]:
    """The tables whose columns have to be named before they can be read."""
    return tuple(_unknown_headers(sources))


def _unknown_headers(sources: Mapping[str, Source]) -> Iterator[UnknownHeader]:
    formats = table_formats(standard_vocabulary())
    mappings = options_of(sources).mappings
    for table in (*REQUIRED_TABLES, *OPTIONAL_TABLES):
        if table in sources and not is_extract(table, sources[table]):
            found = _in_header(sources[table], formats[table], mappings.get(table, {}))
            if found:
                yield found


def _in_header(source: Source, form: TableFormat, mapping: Mapping[str, str]) -> UnknownHeader | None:
    try:
        header = find_table(source, known_columns(form, mapping)).header
        if not _missing(header, form, mapping):
            return None
        found = find_table(source, partial(likely_columns, form))
    except DataError:
        return None
    missing = _missing(found.header, form, mapping)
    unknown = tuple(name for name in found.header if name and mapping.get(name, name) not in form.column_names)
    if not missing or not unknown or _is_another(found.header, form):
        return None
    suggestions = suggest_columns(form.name, [mapping.get(name, name) for name in found.header])
    suggested = {one.column: one.header for one in suggestions}
    others = tuple(column for column in suggested if column not in missing)
    name = f"{source.name} ({found.sheet})" if found.sheet else source.name
    return UnknownHeader(form.name, name, missing, others, unknown, suggested)


def _missing(header: Sequence[str], form: TableFormat, mapping: Mapping[str, str]) -> tuple[str, ...]:
    there = {mapping.get(name, name) for name in header}
    needed = [column.name for column in form.columns if column.required]
    if form.name == "schools" and not {"latitude", "longitude"} <= there:
        needed += ["easting", "northing"]
    return tuple(name for name in needed if name not in there)


def _is_another(header: Sequence[str], form: TableFormat) -> bool:
    """Whether the header is wholly that of another table: then the file is in the wrong slot."""
    return any(
        {column.name for column in other.columns if column.required} <= set(header)
        and len(set(other.column_names).intersection(header)) > len(set(form.column_names).intersection(header))
        for other in table_formats(standard_vocabulary()).values()
    )


def show_form(
    found: UnknownHeader, remembered: Mappings, sources: Mapping[str, Source], number: int
) -> dict[str, Source] | None:
    """Ask which header is which column.

    Parameters
    ----------
    found : UnknownHeader
    remembered : mapping
        What was said of such headers in earlier rounds.
    sources : mapping of str to Source
    number : int
        Tells this form from earlier ones.

    Returns
    -------
    dict or None
        The sources with the answers, once these were given.
    """
    earlier = {column: header for header, column in remembered.get(found.table, {}).items() if header in found.headers}
    proposed = {**found.suggested, **earlier}
    about = {column.name: column.meaning for column in table_formats(standard_vocabulary())[found.table].columns}
    with st.form(f"columns_{found.table}_{number}"):
        st.html(markup.heading(f"Which columns are these in {found.name}?"))
        whence = (
            "What you said last time is filled in." if earlier else "Where a header looks like it, that is filled in."
        )
        st.html(markup.paragraph(f"{whence} Nothing is taken until you press the button.", quiet=True))
        said: dict[str, str] = {}
        columns = st.columns(2, gap="medium")
        for position, column in enumerate((*found.missing, *found.others)):
            need = "needed" if column in found.missing else "optional"
            with columns[position % 2]:
                said[column] = st.selectbox(
                    f"{column} ({need}): {about[column]}",
                    ["", *found.headers],
                    index=found.headers.index(proposed[column]) + 1 if proposed.get(column) in found.headers else 0,
                    format_func=lambda header: header or _NOT_HERE,
                    key=f"column_{found.table}_{column}_{number}",
                )
        pressed = st.form_submit_button("Read the columns like this", type="primary")
    if not pressed:
        return None
    chosen = {header: column for column, header in said.items() if header}
    if len(chosen) < sum(map(bool, said.values())):
        st.error("One header is chosen for two columns. Choose another for one of them.")
        return None
    options = options_of(sources)
    mapping = {**options.mappings.get(found.table, {}), **chosen}
    return with_options(sources, replace(options, mappings={**options.mappings, found.table: mapping}))
