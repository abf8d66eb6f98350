"""The tables that a workbook holds, recognised by their columns, and headers that are none of our columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matching.errors import DataError, file_problem
from matching.inputs.headers import suggest_columns
from matching.inputs.locations import is_extract, options_of
from matching.inputs.read import OPTIONAL_TABLES, REQUIRED_TABLES
from matching.tables.files import Source, find_table
from matching.tables.formats import TableFormat, known_columns, other_table, table_formats
from matching.tables.vocabulary import standard_vocabulary

WORKBOOK = "workbook"
"""The name under which a workbook of several tables is given."""
_TABLES = (*REQUIRED_TABLES, *OPTIONAL_TABLES)


def without_workbook(uploaded: dict[str, Source]) -> dict[str, Source]:
    """Return the files by table, with the workbook as the file of each table in it that has no file of its own.

    Raises
    ------
    DataError
        The workbook cannot be read, or holds no table.
    """
    files = {name: source for name, source in uploaded.items() if name != WORKBOOK}
    if WORKBOOK not in uploaded:
        return files
    book = uploaded[WORKBOOK]
    return {**dict.fromkeys(tables_in(book), book), **files}


def tables_in(book: Source) -> dict[str, str]:
    """Return the sheet that holds each table in a workbook, by table.

    A sheet holds one table: the one that it has most columns of, under our names or common words for them.

    Raises
    ------
    DataError
        The workbook cannot be read, or holds no table.
    """
    formats = table_formats(standard_vocabulary())
    scored = []
    for name in _TABLES:
        recognise = partial(likely_columns, formats[name])
        found = find_table(book, recognise)
        scored.append((recognise(found.header), name, found.sheet))
    sheets: dict[str, str] = {}
    for score, name, sheet in sorted(scored, key=lambda one: -one[0]):
        if score > 1 and sheet not in sheets.values():
            sheets[name] = sheet
    if not sheets:
        message = "No sheet of the workbook has a header with columns of our tables."
        fix = "Give each table as a file of its own, or use the column names of the templates."
        raise DataError([file_problem(book.name, message, fix)])
    return {name: sheets[name] for name in _TABLES if name in sheets}


def likely_columns(form: TableFormat, header: Sequence[str]) -> int:
    """Return how many columns of a format a header has, under our names or common words for them."""
    # Long cells are data, not names of columns; comparing each of them would be slow.
    used = form.columns_in(header)
    others = suggest_columns(form.name, [used.get(cell, cell) for cell in header if len(cell) <= 60])
    return len(set(used.values())) + len(others)


@dataclass(frozen=True)
class UnknownHeader:
    """A table whose header lacks required columns and has unknown ones.

    Attributes
    ----------
    table, name : str
        Its name among the sources, and its name for people.
    missing : tuple of str
        The required columns that it lacks.
    others : tuple of str
        Optional columns that one of the unknown ones may be.
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
    """Return the tables whose columns the user must name before they can be read."""
    return tuple(_unknown_headers(sources))


def _unknown_headers(sources: Mapping[str, Source]) -> Iterator[UnknownHeader]:
    formats = table_formats(standard_vocabulary())
    mappings = options_of(sources).mappings
    for table in _TABLES:
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
    used = form.columns_in(found.header, mapping)
    unknown = tuple(name for name in found.header if name and name not in used)
    if not missing or not unknown or other_table(found.header, form, standard_vocabulary()):
        return None
    suggestions = suggest_columns(form.name, [used.get(name, name) for name in found.header])
    suggested = {one.column: one.header for one in suggestions}
    others = tuple(column for column in suggested if column not in missing)
    name = f"{source.name} ({found.sheet})" if found.sheet else source.name
    return UnknownHeader(form.name, name, missing, others, unknown, suggested)


def _missing(header: Sequence[str], form: TableFormat, mapping: Mapping[str, str]) -> tuple[str, ...]:
    return form.missing_from(form.columns_in(header, mapping).values())
