"""The tables that a workbook holds, recognised by their columns, and how each column of a file is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from matching.errors import DataError, Problem, file_problem
from matching.inputs.headers import ReadingOptions, TableOptions, options_source, suggest_columns
from matching.inputs.locations import (
    format_of,
    likely_columns,
    options_of,
    recognition,
    sheets_of_tables,
    with_options,
)
from matching.inputs.read import OPTIONAL_TABLES, REQUIRED_TABLES, read_inputs
from matching.tables.files import ANYWHERE, Source, find_table, first_rows, named_apart
from matching.tables.formats import TableFormat, known_columns, other_table, table_formats
from matching.tables.toml_files import toml_value
from matching.tables.vocabulary import standard_vocabulary

WORKBOOK = "workbook"
"""The name under which a workbook of several tables is given."""
_TABLES = (*REQUIRED_TABLES, *OPTIONAL_TABLES)
_SAMPLES = 3


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
    sheets = {name: each[0].sheet for name, each in sheets_of_tables(book, ReadingOptions()).items() if each}
    if not sheets:
        message = "No sheet of the workbook has a header with columns of our tables."
        fix = "Give each table as a file of its own, or use the column names of the templates."
        raise DataError([file_problem(book.name, message, fix)])
    return sheets


@dataclass(frozen=True)
class TheirColumn:
    """A column of a user's file.

    Attributes
    ----------
    header : str
    samples : tuple of str
        Some of its first cells.
    column : str
        Our column that it is read as; blank for none.
    suggested : str
        Our column that it may be, where the user has not said it; blank for none.
    meant : bool
        Whether its words mean that column, and are not only similar.
    refused : bool
        Whether the user said that it is not used.
    """

    header: str
    samples: tuple[str, ...]
    column: str
    suggested: str = ""
    meant: bool = False
    refused: bool = False


@dataclass(frozen=True)
class TableReading:
    """How one table of a user's is read, or would be.

    Attributes
    ----------
    table, name : str
        Its name among the sources, and its name for people.
    sheet : str
        The sheet or zipped file that holds it; blank where it is the whole file.
    sheets : mapping of str to tuple
        The first rows of each sheet.
    header_row : int
    columns : tuple of TheirColumn
    missing : tuple of str
        The required columns that no header means.
    """

    table: str
    name: str
    sheet: str
    sheets: Mapping[str, tuple[tuple[str, ...], ...]]
    header_row: int
    columns: tuple[TheirColumn, ...]
    missing: tuple[str, ...]

    @property
    def asks(self) -> bool:
        """Whether a column that is needed is missing, or one that the user filled in would not be read."""
        return any(one.meant for one in self.columns) or bool(
            self.missing and any(not (one.column or one.refused) for one in self.columns)
        )


def table_readings(sources: Mapping[str, Source]) -> tuple[TableReading, ...]:
    """Return how each table is read; official files, wrong files and those that cannot be opened are left out."""
    formats, options = table_formats(standard_vocabulary()), options_of(sources)
    called = named_apart(sources)
    found = (
        _reading(called[table], formats[table], options.of(table))
        for table in _TABLES
        if table in sources and format_of(table, sources[table], options.of(table))
    )
    return tuple(one for one in found if one)


def unread_columns(sources: Mapping[str, Source]) -> tuple[Problem, ...]:
    """Return a problem for each header that means a column of ours and would not be read under its name.

    Only where files are given: what a round or a plan has read stays as it is.
    """
    return tuple(
        Problem(
            reading.name,
            None,
            one.header,
            one.header,
            f"This column may be '{one.suggested}', and is not read under its name.",
            f'Name it in a columns file: {toml_value(one.header)} = "{one.suggested}", or = "" if it is not used.',
        )
        for reading in table_readings(sources)
        for one in reading.columns
        if one.meant and one.suggested not in reading.missing
    )


def with_columns_named(sources: Mapping[str, Source]) -> Mapping[str, Source]:
    """Return the sources of a new run, if no column that the user filled in would be left unread.

    Raises
    ------
    DataError
        With every other problem of the tables.
    """
    unread = unread_columns(sources)
    if unread:
        try:
            read_inputs(sources)
        except DataError as error:
            raise DataError([*error.problems, *unread], error.notices) from error
        raise DataError(unread)
    return sources


def suggested_columns(sources: Mapping[str, Source]) -> Source:
    """Return a columns file with what every unknown header means, to look through and to change.

    A column that a header is only similar to is in a comment.
    """
    options = options_of(sources)
    lines = ["# What your headers may mean. Look through every line: nothing here is used before you give this file."]
    for reading in table_readings(sources):
        own, similar = options.of(reading.table), [one for one in reading.columns if one.suggested and not one.meant]
        meant = {one.header: one.suggested for one in reading.columns if one.meant}
        none = [one.header for one in reading.columns if not (one.column or one.suggested or one.refused)]
        options = options.with_table(reading.table, replace(own.also(meant), not_used=(*own.not_used, *none)))
        lacking = [column for column in reading.missing if column not in meant.values()]
        lines += [f"# Still missing in [{reading.table}]: the header of {column}." for column in lacking]
        lines += [
            f"# Perhaps, under [{reading.table}]: {toml_value(one.header)} = {toml_value(one.suggested)}"
            for one in similar
        ]
    written = "".join(f"{line}\n" for line in lines).encode("utf-8")
    return Source("columns.toml", written + options_source(options).content)


def with_sheets_apart(sources: Mapping[str, Source], uploaded: Mapping[str, Source]) -> dict[str, Source]:
    """Return the sources with the sheet of each table of an uploaded workbook, where its header alone would not do.

    A sheet that the options name is kept.
    """
    if WORKBOOK not in uploaded:
        return dict(sources)
    options, book = options_of(sources), uploaded[WORKBOOK]
    for table, sheet in tables_in(book).items():
        own = options.of(table)
        if table in uploaded or own.where != ANYWHERE or format_of(table, book, own) is None:
            continue
        if find_table(book, recognition(table, book, own)).sheet != sheet:
            options = options.with_table(table, replace(own, sheet=sheet))
    return with_options(sources, options)


def with_places(
    sources: Mapping[str, Source], tables: Iterable[str], remembered: Mapping[str, TableOptions]
) -> dict[str, Source]:
    """Return the sources with the sheets and header rows that were chosen for earlier files, where they still fit.

    Parameters
    ----------
    tables : iterable of str
        Those that have a new file.
    remembered : mapping of str to TableOptions
        By table: the answers of earlier rounds, for what the sources' own options do not say.
    """
    options = options_of(sources)
    for table in tables:
        if table not in _TABLES or table not in sources:
            continue
        own = options.of(table)
        said = own if own.where != ANYWHERE else remembered.get(table, TableOptions())
        where = said.where if _fits(sources[table], table, said) else ANYWHERE
        options = options.with_table(table, replace(own, sheet=where.sheet, header_row=where.header_row))
    return with_options(sources, options)


def _fits(source: Source, table: str, options: TableOptions) -> bool:
    """Return whether a file has a header of the table in the sheet and row that the options say."""
    if options.where == ANYWHERE:
        return False
    recognise = known_columns(table_formats(standard_vocabulary())[table], options.mapping)
    try:
        return recognise(find_table(source, recognise, options.where).header) > 1
    except DataError:
        return False


def _reading(source: Source, form: TableFormat, options: TableOptions) -> TableReading | None:
    try:
        sheets = first_rows(source, known_columns(form, options.mapping))
        found = find_table(source, known_columns(form, options.mapping), options.where)
        if _missing(found.header, form, options):
            found = find_table(source, likely_columns(form), options.where)
    except DataError:
        return None
    missing = _missing(found.header, form, options)
    if missing and other_table(found.header, form, standard_vocabulary()):
        return None
    used = _used(found.header, form, options)
    called = [used.get(name, _called(name, options)) for name in found.header]
    suggested = {one.header: one for one in suggest_columns(form.name, called)}
    columns = tuple(
        TheirColumn(
            header,
            _samples(sheets.get(found.sheet, ()), found.header_row, place),
            used.get(header, ""),
            # A word for a column of ours that is in the header already is not suggested.
            suggested[name].column if name in suggested else "",
            name in suggested and suggested[name].score == 1,
            header in options.not_used,
        )
        for place, (header, name) in enumerate(zip(found.header, called, strict=True))
        if header
    )
    name = f"{source.name} ({found.sheet})" if len(sheets) > 1 else source.name
    return TableReading(form.name, name, found.sheet, sheets, found.header_row, columns, missing)


def _called(header: str, options: TableOptions) -> str:
    """Return the name under which a header is read; blank where it is not used."""
    return "" if header in options.not_used else options.mapping.get(header, header)


def _missing(header: Sequence[str], form: TableFormat, options: TableOptions) -> tuple[str, ...]:
    return form.missing_from(set(_used(header, form, options).values()))


def _used(header: Sequence[str], form: TableFormat, options: TableOptions) -> dict[str, str]:
    """Return our column of each header that is read."""
    return form.columns_in([name for name in header if name not in options.not_used], options.mapping)


def _samples(rows: Sequence[Sequence[str]], header_row: int, place: int) -> tuple[str, ...]:
    cells = (row[place] for row in rows[header_row:] if place < len(row))
    return tuple(islice(dict.fromkeys(filter(None, cells)), _SAMPLES))
