"""The tables that a workbook holds, recognised by their columns, and headers that are none of our columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matching.errors import DataError, Problem, file_problem
from matching.inputs.headers import suggest_columns
from matching.inputs.locations import is_extract, options_of
from matching.inputs.read import OPTIONAL_TABLES, REQUIRED_TABLES, read_inputs
from matching.tables.files import Source, find_table
from matching.tables.formats import TableFormat, known_columns, other_table, table_formats
from matching.tables.toml_files import toml_value
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
    """A table with headers that are none of our columns.

    Attributes
    ----------
    table, name : str
        Its name among the sources, and its name for people.
    missing : tuple of str
        The required columns that it lacks.
    others : tuple of str
        Optional columns that one of the unknown ones may be.
    headers : tuple of str
        The unknown ones, without those that the user said are not used.
    suggested : mapping of str to str
        Our column to their header.
    meant : tuple of str
        The suggested columns whose header has words that mean them, and is not only similar.
    """

    table: str
    name: str
    missing: tuple[str, ...]
    others: tuple[str, ...]
    headers: tuple[str, ...]
    suggested: Mapping[str, str]
    meant: tuple[str, ...] = ()

    @property
    def must_be_named(self) -> bool:
        """Whether a column that is needed is missing, or one that the user filled in would not be read."""
        return bool((self.missing and self.headers) or self.meant)


def unknown_headers(sources: Mapping[str, Source]) -> tuple[UnknownHeader, ...]:
    """Return the tables whose columns the user must name before they can be read."""
    return tuple(one for one in _unknown_headers(sources) if one.must_be_named)


def unread_columns(sources: Mapping[str, Source]) -> tuple[Problem, ...]:
    """Return a problem for each header that means a column of ours and would not be read under its name.

    Only where files are given: what a round or a plan has read stays as it is.
    """
    return tuple(
        Problem(
            one.name,
            None,
            one.suggested[column],
            one.suggested[column],
            f"This column may be '{column}', and is not read under its name.",
            f'Name it in a columns file: {toml_value(one.suggested[column])} = "{column}", or = "" if it is not used.',
        )
        for one in _unknown_headers(sources)
        for column in one.meant
        if column not in one.missing
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
    """Return a columns file with what every unknown header may mean, to look through and to change."""
    options = options_of(sources)
    found = {one.table: one for one in _unknown_headers(sources)}
    lines = ["# What your headers may mean. Look through every line: nothing here is used before you give this file."]
    lines += ["leave_out = true"] if options.leave_out else []
    for table in _TABLES:
        given = options.mappings.get(table, {})
        one = found.get(table)
        if not given and not one:
            continue
        lines += ["", f"[{table}]"]
        lines += [f"{toml_value(header)} = {toml_value(column)}" for header, column in given.items()]
        if one:
            by_header = {header: column for column, header in one.suggested.items()}
            lines += [f"{toml_value(header)} = {toml_value(by_header.get(header, ''))}" for header in one.headers]
            lacking = [column for column in one.missing if column not in one.suggested]
            lines += [f"# Still missing: write its header in front of  = {toml_value(column)}" for column in lacking]
    return Source("columns.toml", "".join(f"{line}\n" for line in lines).encode("utf-8"))


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
        found = find_table(source, known_columns(form, mapping))
        if _missing(found.header, form, mapping):
            found = find_table(source, partial(likely_columns, form))
    except DataError:
        return None
    missing = _missing(found.header, form, mapping)
    used = form.columns_in(found.header, mapping)
    unknown = tuple(name for name in found.header if name and name not in used and mapping.get(name, name))
    if not unknown or other_table(found.header, form, standard_vocabulary()):
        return None
    suggestions = suggest_columns(form.name, [used.get(name, mapping.get(name, name)) for name in found.header])
    suggested = {one.column: one.header for one in suggestions}
    others = tuple(column for column in suggested if column not in missing)
    meant = tuple(one.column for one in suggestions if one.score == 1)
    name = f"{source.name} ({found.sheet})" if found.sheet else source.name
    return UnknownHeader(form.name, name, missing, others, unknown, suggested, meant)


def _missing(header: Sequence[str], form: TableFormat, mapping: Mapping[str, str]) -> tuple[str, ...]:
    return form.missing_from(form.columns_in(header, mapping).values())
