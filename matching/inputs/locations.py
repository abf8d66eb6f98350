"""From a problem back to the cell of a file: the place of each table, and the words that a cell may hold."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from matching.errors import DataError, Problem, shown
from matching.inputs.corrections import Changes
from matching.inputs.corrections import with_cells as file_with_cells
from matching.inputs.headers import ReadingOptions, TableOptions, options_source, read_options, suggest_columns
from matching.inputs.official.gias import gias_columns, is_extract
from matching.inputs.official.links import link_columns
from matching.inputs.official.ofsted_header import ofsted_columns
from matching.tables.contacts import UNREAD_COLUMNS
from matching.tables.files import (
    FoundTable,
    Recognise,
    Source,
    find_each_table,
    find_table,
    first_rows,
    named_apart,
    read_sheet,
)
from matching.tables.formats import (
    DECISION_KINDS,
    NEED_STATES,
    PRIORITIES,
    RULE_CODES,
    TableFormat,
    known_columns,
    needed_columns,
    table_formats,
)
from matching.tables.limits import LIMITS
from matching.tables.sheets import Sheet
from matching.tables.vocabulary import SEPARATORS, comparable, standard_vocabulary

COLUMNS = "columns"
"""The file that holds the `ReadingOptions` of the others."""

_OFFICIAL = {"ofsted": ofsted_columns, "links": link_columns}
_SEPARATORS_KEPT = re.compile(r"(\s*[;,\n]\s*)")


@dataclass(frozen=True)
class Place:
    """A table in its file.

    Attributes
    ----------
    table : str
        Its name among the sources.
    labels : tuple of str
        What problems may call it: the file, or the file and the sheet.
    sheet : str
        The sheet or zipped file that holds it; blank where it is the whole file.
    columns : mapping of str to str
        The names that problems use for its columns, to those in the file's header.
    """

    table: str
    labels: tuple[str, ...]
    sheet: str
    columns: Mapping[str, str]


def places(sources: Mapping[str, Source]) -> tuple[Place, ...]:
    """Return the place of every table of the sources."""
    options = options_of(sources)
    return tuple(
        _place(name, source, options.of(name))
        for name, source in named_apart(sources).items()
        if name not in ("policy", COLUMNS)
    )


def _place(name: str, source: Source, options: TableOptions) -> Place:
    try:
        found = find_table(source, recognition(name, source, options), options.where)
    except DataError:
        return Place(name, (source.name,), "", {})
    labels = (source.name, f"{source.name} ({found.sheet})") if found.sheet else (source.name,)
    names = [header for header in found.header if header and header not in options.not_used]
    columns = {header: options.mapping.get(header, header) for header in names}
    form = format_of(name, source, options)
    if form:
        columns |= form.columns_in(names, options.mapping)
    return Place(name, labels, found.sheet, {column: header for header, column in columns.items()})


def recognition(name: str, source: Source, options: TableOptions) -> Recognise:
    """Return what finds a table in its file, as when it is read."""
    if name in _OFFICIAL:
        return _OFFICIAL[name]
    form = format_of(name, source, options)
    return known_columns(form, options.mapping) if form else gias_columns


def format_of(name: str, source: Source, options: TableOptions) -> TableFormat | None:
    """Return the format of a table; None for an official file, and for schools that are a GIAS extract."""
    is_official = name in _OFFICIAL or (name == "schools" and is_extract(source, options.where))
    return None if is_official else table_formats(standard_vocabulary())[name]


def columns_meant(form: TableFormat, header: Sequence[str], mapping: Mapping[str, str] | None = None) -> set[str]:
    """Return the columns of a format that a header has, under our names or common words for them."""
    used = form.columns_in(header, mapping)
    if len(header) > LIMITS.columns:
        return {*used.values()}  # it is not read
    # Long cells are data, not names of columns; comparing each of them would be slow.
    others = suggest_columns(form.name, [used.get(cell, cell) for cell in header if len(cell) <= 60])
    return {*used.values(), *(one.column for one in others)}


def likely_columns(form: TableFormat, mapping: Mapping[str, str] | None = None) -> Recognise:
    """Return a function that counts the columns of a format in a header, under our names or common words for them."""
    return lambda header: len(columns_meant(form, header, mapping) - UNREAD_COLUMNS)


def sheets_of_tables(book: Source, options: ReadingOptions) -> dict[str, list[FoundTable]]:
    """Return the sheets of a workbook, or the files of a zip, by the table that they have most columns of.

    A sheet holds one table. The sheets of each are in the order in which they fit it: hidden ones last.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    forms = {name: form for name, form in table_formats(standard_vocabulary()).items() if name != "baseline"}
    mapping = {name: options.of(name).mapping for name in forms}
    recognise = {name: likely_columns(form, mapping[name]) for name, form in forms.items()}
    found = find_each_table(book, recognise)
    fits = []
    for name, each in found.items():
        for one in each:
            columns = columns_meant(forms[name], one.header, mapping[name]) - UNREAD_COLUMNS
            if len(columns) > 1:
                fits.append(((one.hidden, -len(columns), bool(forms[name].missing_from(columns))), name, one))
    # The first of equals, in the order of the tables and of the sheets.
    best: dict[str, tuple[str, FoundTable]] = {}
    for _, name, one in sorted(fits, key=lambda fit: fit[0]):
        best.setdefault(one.sheet, (name, one))
    return {name: [one for table, one in best.values() if table == name] for name in forms}


def unread_sheets(sources: Mapping[str, Source]) -> list[str]:
    """Return a notice for each sheet of a workbook, or file of a zip, that holds a table and is not read."""
    options, among = options_of(sources), [one for one in places(sources) if one.sheet]
    notices = []
    for book in dict.fromkeys(sources[one.table] for one in among):
        read = {one.table: one for one in among if sources[one.table] == book}
        are_read = {one.sheet for one in read.values()}
        # Most workbooks hold nothing else, and looking at every cell of their first rows takes time.
        if are_read >= first_rows(book, len).keys():
            continue
        for name, each in sheets_of_tables(book, options).items():
            form, mapping = table_formats(standard_vocabulary())[name], options.of(name).mapping
            # Where the table is searched for, the others that fit as well are named already.
            is_searched = name in read and not options.of(name).sheet
            told = form.known_in(read[name].columns.values(), mapping) if is_searched else inf
            notices += [
                f"{book.name}: {shown(one.sheet)} has the columns of the {name} table, and is not read."
                for one in each
                if one.sheet not in are_read
                and form.known_in(one.header, mapping) < told
                and not form.missing_from(columns_meant(form, one.header, mapping))
            ]
    return notices


def place_of(problem: Problem, among: Iterable[Place]) -> Place | None:
    """Return the table that a problem is about; None if it is about none of these."""
    of_file = [place for place in among if problem.table in (*place.labels, place.table)]
    # One sheet may be read as two tables; the column decides between them.
    return next((one for one in of_file if problem.column in one.columns), of_file[0] if of_file else None)


def can_be_mended(problem: Problem, place: Place | None) -> bool:
    """Return whether a problem is about one cell of a file."""
    return place is not None and problem.row is not None and problem.column in place.columns


# ---- how the tables are read ---------------------------------------------------------------------------------------


def options_of(sources: Mapping[str, Source]) -> ReadingOptions:
    """Return how the tables are to be read; the defaults where that file cannot be used."""
    try:
        return read_options(sources.get(COLUMNS))
    except DataError:
        return ReadingOptions()


def with_options(sources: Mapping[str, Source], options: ReadingOptions) -> dict[str, Source]:
    """Return the sources with these options."""
    others = {name: source for name, source in sources.items() if name != COLUMNS}
    return {**others, COLUMNS: options_source(options)} if options != ReadingOptions() else others


def with_leaving_out(sources: Mapping[str, Source], leave_out: bool) -> dict[str, Source]:
    """Return the sources with the option that faulty rows are left out, or without it."""
    return with_options(sources, replace(options_of(sources), leave_out=leave_out))


# ---- cells ---------------------------------------------------------------------------------------------------------


def sheet_of(sources: Mapping[str, Source], place: Place) -> Sheet:
    """Read the cells of a table, under the header of its file.

    Raises
    ------
    DataError
    """
    options, source = options_of(sources).of(place.table), sources[place.table]
    form, recognise = format_of(place.table, source, options), recognition(place.table, source, options)
    return read_under(source, recognise, options, form, encodings=("utf-8-sig", "cp1252"))


def read_under(
    source: Source,
    recognise: Recognise,
    options: TableOptions,
    form: TableFormat | None,
    encodings: Sequence[str] = ("utf-8-sig",),
) -> Sheet:
    """Read the cells of a table from where its options say, without the columns that are not used.

    Parameters
    ----------
    form : TableFormat, optional
        Of the table, if it is one of ours: the columns in which no cell may be blank.

    Raises
    ------
    DataError
    """
    sheet = read_sheet(
        source,
        encodings=encodings,
        wanted=lambda name: name not in options.not_used,
        needed=needed_columns(form, options.mapping) if form else None,
        recognise=recognise,
        where=options.where,
    )
    if not sheet.unwanted:
        return sheet
    listed = ", ".join(map(shown, sheet.unwanted))
    return replace(sheet, notices=(*sheet.notices, f"{sheet.name}: columns that are not used, as you chose: {listed}."))


def with_cells(sources: Mapping[str, Source], place: Place, changes: Changes) -> dict[str, Source]:
    """Return the sources with new values in cells of one table; other tables of the same file share the change.

    Parameters
    ----------
    place : Place
        Of the table.
    changes : mapping
        By row and column, as problems name them.

    Raises
    ------
    DataError
        The file cannot be changed.
    """
    old = sources[place.table]
    options = options_of(sources).of(place.table)
    in_file = {(row, place.columns[column]): value for (row, column), value in changes.items()}
    recognise = recognition(place.table, old, options)
    changed = file_with_cells(old, in_file, recognise=recognise, where=options.where)
    return {name: changed if source == old else source for name, source in sources.items()}


def with_answers(sources: Mapping[str, Source], answers: Mapping[Problem, str]) -> dict[str, Source]:
    """Return the sources with a value for the cell of each problem, such as one of its offers.

    Each table is written once, however many its cells. Problems that are not about one cell are left out.

    Raises
    ------
    DataError
        A file cannot be changed.
    """
    among = places(sources)
    cells: dict[str, dict[tuple[int, str], str]] = {}
    for problem, value in answers.items():
        place = place_of(problem, among)
        if place is not None and problem.row is not None and can_be_mended(problem, place):
            of_table, at = cells.setdefault(place.table, {}), (problem.row, problem.column)
            # A cell may hold several faulty words.
            of_table[at] = with_offer(of_table.get(at, problem.value), problem, value)
    changed = dict(sources)
    for place in among:
        if place.table in cells:
            changed = with_cells(changed, place, cells[place.table])
    return changed


def with_offer(cell: str, problem: Problem, offer: str) -> str:
    """Return a cell with an offered value in the place of the faulty word, which may be one of several."""
    parts = _SEPARATORS_KEPT.split(cell)
    if len(parts) == 1 or problem.word not in parts:
        return offer
    return "".join(offer if part == problem.word else part for part in parts)


@dataclass(frozen=True)
class Choices:
    """The words that a cell may hold: one of them, or several."""

    words: tuple[str, ...]
    several: bool = False
    synonyms: str = ""

    def chosen(self, cell: str) -> list[str]:
        """Return the words of a cell that are among them, spelt as there."""
        other = standard_vocabulary().synonyms.get(self.synonyms, {})
        spelling = {word.casefold(): word for word in self.words}
        found = [comparable(part) for part in SEPARATORS.split(cell)]
        known = [spelling.get(word) or other.get(word, "") for word in found]
        return [word for word in dict.fromkeys(known) if word in self.words]


def choices(table: str, column: str) -> Choices | None:
    """Return the words that a column accepts; None if it accepts other texts."""
    vocabulary = standard_vocabulary()
    designations, specialisms = tuple(vocabulary.designations), vocabulary.specialisms
    known = {
        ("schools", "phase"): Choices(vocabulary.phases, synonyms="phase"),
        ("schools", "ofsted"): Choices(vocabulary.grades, synonyms="grade"),
        ("supporters", "designation"): Choices(designations, synonyms="designation"),
        ("supporters", "phases"): Choices(vocabulary.phases, several=True, synonyms="phase"),
        ("supporters", "specialisms"): Choices(specialisms, several=True, synonyms="focus"),
        ("needs", "focus"): Choices(tuple(vocabulary.focuses), synonyms="focus"),
        ("needs", "designations"): Choices(designations, several=True, synonyms="designation"),
        ("needs", "priority"): Choices(PRIORITIES, synonyms="priority"),
        ("needs", "state"): Choices(NEED_STATES, synonyms="state"),
        ("accreditation", "criterion"): Choices(tuple(vocabulary.criteria)),
        ("accreditation", "met"): Choices(("yes", "no"), synonyms="answer"),
        ("decisions", "kind"): Choices(DECISION_KINDS),
        ("decisions", "rules_broken"): Choices(RULE_CODES, several=True),
    }
    return known.get((table, column))
