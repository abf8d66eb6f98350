"""Files of cells: CSV and Excel, plain, gzipped or zipped, to a header and numbered rows of text.

Nothing is converted here, so that the URN 001 and the surname NA stay as they were typed; `formats` gives the cells
their meaning.
"""

import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, zip_longest
from pathlib import Path

from matching.errors import DataError, Problem, RowLabel, did_you_mean, file_problem, shown
from matching.tables.limits import LIMITS, ReadLimits
from matching.tables.sheets import Sheet, sheet_of
from matching.tables.text_cells import (
    COMMAS,
    DIALECTS,
    SAVE_AS_CSV,
    Dialect,
    refuse_other_kinds,
    text_rows,
    top_text_rows,
    without_odd_characters,
)
from matching.tables.workbooks.book import Marks, workbook_sheets
from matching.tables.workbooks.zips import is_zip, member, refuse_other_zips, zipped_tables

Recognise = Callable[[Sequence[str]], int]
"""Counts the cells of a row that are names of the columns that are looked for."""

_HEADER_WITHIN_ROWS = 20
# Enough to hold those rows, as text and in a sheet's XML.
_TOP_BYTES, _TOP_XML_BYTES = 65_536, 4 * 2**20


@dataclass(frozen=True)
class Source:
    """A file as the user gave it: its name, for messages, and its bytes.

    Of a table that was no file, `row_labels` has the name of each row under the header.
    """

    name: str
    content: bytes
    row_labels: tuple[object, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Digest of the bytes, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Where:
    """Where a table is in its file, as far as it is said: the sheet or zipped file, and the row of its header."""

    sheet: str = ""
    header_row: int = 0


ANYWHERE = Where()


@dataclass(frozen=True)
class FoundTable:
    """A table in its file: the sheet or zipped file that holds it (blank where there is one), and its header."""

    sheet: str
    header_row: int
    header: tuple[str, ...]
    dialect: Dialect = COMMAS
    hidden: bool = False


def named_apart(sources: Mapping[str, Source]) -> dict[str, Source]:
    """Return the sources with different names: where two files have one name, that of the table follows it.

    One file that is given as several tables keeps its name.
    """
    names = Counter(name for name, _ in {(one.name, one.content) for one in sources.values()})
    return {
        table: replace(one, name=f"{one.name} ({table})") if names[one.name] > 1 else one
        for table, one in sources.items()
    }


def open_source(path: Path, *, limits: ReadLimits = LIMITS) -> Source:
    """Read a file from disk.

    Raises
    ------
    DataError
        The file is absent, is a folder, is too large or may not be read.
    """
    try:
        limits.check_bytes(path.name, path.stat().st_size)
        return Source(path.name, path.read_bytes())
    except OSError as error:
        message = f"{path} cannot be opened ({(error.strerror or 'no reason given').lower()})."
        fix = "Check the path and that you may read the file."
        raise DataError([file_problem(path.name, message, fix)]) from error


def header_of(
    source: Source, recognise: Recognise | None = None, where: Where = ANYWHERE, *, limits: ReadLimits = LIMITS
) -> tuple[str, ...]:
    """Return the header's cells, or nothing where they cannot be read; used to recognise a file before it is read."""
    with suppress(DataError):
        tables = _tables_in(source, (), recognise, limits)
        chosen = _chosen(_narrowed(source, tables, where), recognise, where.header_row)
        if chosen is not None:
            return chosen.header
    return ()


def first_rows(source: Source, recognise: Recognise) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return the rows among which a header is looked for, by sheet or zipped file (blank where there is one).

    Raises
    ------
    DataError
        The file cannot be read.
    """
    return {table.name: table.top for table in _tables_in(source, (), recognise, LIMITS)}


def find_table(source: Source, recognise: Recognise | None = None, where: Where = ANYWHERE) -> FoundTable:
    """Return the place of the table that `read_sheet` would read.

    Raises
    ------
    DataError
        Nothing of the file can be read, or it has no such sheet or row.
    """
    tables = _tables_in(source, (), recognise, LIMITS)
    chosen = _chosen(_narrowed(source, tables, where), recognise, where.header_row)
    if chosen is None:
        raise DataError([file_problem(source.name, "Nothing of the file can be read.", SAVE_AS_CSV)])
    return _found(chosen)


def find_each_table(source: Source, recognise: Mapping[str, Recognise]) -> dict[str, list[FoundTable]]:
    """Return every sheet or zipped file with its best header, in order, for each kind of table that is looked for.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    tables = _tables_in(source, (), lambda header: max(one(header) for one in recognise.values()), LIMITS)
    found = {name: [_chosen([table], one) for table in tables] for name, one in recognise.items()}
    return {name: [_found(chosen) for chosen in each if chosen] for name, each in found.items()}


def _found(chosen: "_Chosen") -> FoundTable:
    table = chosen.table
    return FoundTable(table.name, chosen.header_row, chosen.header, table.dialect, table.hidden)


def read_sheet(
    source: Source,
    *,
    encodings: Sequence[str] = ("utf-8-sig",),
    wanted: Callable[[str], bool] = lambda name: True,
    needed: Callable[[str], bool] | None = None,
    recognise: Recognise | None = None,
    where: Where = ANYWHERE,
    limits: ReadLimits = LIMITS,
) -> Sheet:
    """Read the cells of a CSV or .xlsx file, plain, gzipped or zipped.

    Where the columns are recognised, cells may also be separated by semicolons, tabs or vertical bars.

    Parameters
    ----------
    encodings : sequence of str
        Tried in turn; the first that fits the bytes is used.
    wanted : callable
        Only columns whose name it accepts are kept.
    needed : callable, optional
        A row of a CSV file may end before its last columns, which are then blank, but not before one whose name this
        accepts; unless given, all that are wanted.
    recognise : callable, optional
        The table is the one with the best header among the first rows of every sheet of a workbook and every file of
        a zip; a hidden sheet only where no other is recognised. Without it, or where nothing is recognised, the first
        row of the first of them is the header.
    where : Where
        The sheet and the row of the header, where they are known.

    Raises
    ------
    DataError
        The file is empty, of another kind, too large or in another encoding.
    """
    tables = _tables_in(source, encodings, recognise, limits)
    narrowed = _narrowed(source, tables, where)
    # Where nothing could be read of the beginning, reading on raises the reason.
    chosen = _chosen(narrowed, recognise, where.header_row) or _Chosen(narrowed[0], 1, (), "")
    # Two tables of one workbook need different names in problems.
    name = f"{source.name} ({chosen.table.name})" if len(tables) > 1 else source.name
    marks = Marks()
    sheet = sheet_of(
        name,
        chosen.table.rows(marks),
        chosen.header_row,
        chosen.header,
        wanted=wanted,
        needed=needed or wanted,
        marks=marks,
        in_book=chosen.table.in_book,
        limits=limits,
    )
    sheet = replace(sheet, notices=(f"{name}: {chosen.notice}", *sheet.notices)) if chosen.notice else sheet
    return _labelled(sheet, source.row_labels) if source.row_labels else sheet


def _labelled(sheet: Sheet, labels: Sequence[object]) -> Sheet:
    """Return a sheet with the labels of its rows for their numbers, which count from 2."""
    rows = {number: RowLabel(number - 2, label) for number, label in enumerate(labels, start=2)}

    def labelled(problems: Sequence[Problem]) -> tuple[Problem, ...]:
        return tuple(replace(one, row=rows.get(one.row or 0, one.row)) for one in problems)

    return replace(
        sheet,
        numbers=tuple(rows[number] for number in sheet.numbers),
        problems=labelled(sheet.problems),
        unknown_cells=labelled(sheet.unknown_cells),
        cleaned={name: tuple(rows[row] for row in cleaned) for name, cleaned in sheet.cleaned.items()},
    )


def unpacked(source: Source, first_bytes: int = -1, *, limits: ReadLimits = LIMITS) -> bytes:
    """Return the bytes of a file, unpacked if it is gzipped: the first `first_bytes` of them, or (below 0) all.

    Raises
    ------
    DataError
        The packed file is damaged, or too large when unpacked.
    """
    if not is_gzip(source.content):
        return source.content if first_bytes < 0 else source.content[:first_bytes]
    most = limits.file_bytes + 1 if first_bytes < 0 else first_bytes
    try:
        with gzip.open(io.BytesIO(source.content)) as packed:
            content = packed.read(most)
    except (OSError, EOFError, zlib.error) as error:
        message, fix = "This .gz file is damaged and cannot be unpacked.", "Download or make it again."
        raise DataError([file_problem(source.name, message, fix)]) from error
    if first_bytes < 0:
        limits.check_bytes(source.name, len(content))
    return content


def is_gzip(content: bytes) -> bool:
    """Return whether these bytes are gzipped."""
    return content.startswith(b"\x1f\x8b")


# ---- the tables in a file ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _CellTable:
    """One table of cells in a file: its name there (blank where it is alone), its first rows and all of them."""

    name: str
    top: tuple[tuple[str, ...], ...]
    rows: Callable[[Marks], Iterator[list[str]]]
    in_book: bool
    hidden: bool = False
    dialect: Dialect = COMMAS


def _tables_in(
    source: Source, encodings: Sequence[str], recognise: Recognise | None, limits: ReadLimits
) -> list[_CellTable]:
    """Return every sheet of a workbook, every table of a zip, or the one table of any other file.

    Without encodings only their first rows can be read.
    """
    file, start = source.name, unpacked(source, first_bytes=_TOP_BYTES)
    if not is_zip(start):
        whole = start if not encodings else unpacked(source, limits=limits)
        refuse_other_kinds(file, whole)
        return [_csv_table(file, "", start, lambda: whole, encodings, recognise, limits)]
    content = unpacked(source, limits=limits)
    names = zipped_tables(content)
    if not names:
        refuse_other_zips(file, content)
        return _sheets_in(file, content, "", limits)
    tables: list[_CellTable] = []
    for name in names:
        if name.lower().endswith((".xlsx", ".xlsm")):
            tables += _sheets_in(file, member(file, content, name, limits), f"{name}, ", limits)
            continue

        def packed(name: str = name) -> bytes:
            return member(file, content, name, limits)

        top = member(file, content, name, limits, first_bytes=_TOP_BYTES)
        tables.append(_csv_table(file, name, top, packed, encodings, recognise, limits))
    return tables


def _sheets_in(file: str, content: bytes, before: str, limits: ReadLimits) -> list[_CellTable]:
    return [
        _CellTable(before + one.title, _top_of(one.rows(Marks(), _TOP_XML_BYTES)), one.rows, True, one.hidden)
        for one in workbook_sheets(file, content, limits)
    ]


def _csv_table(
    file: str,
    name: str,
    start: bytes,
    content: Callable[[], bytes],
    encodings: Sequence[str],
    recognise: Recognise | None,
    limits: ReadLimits,
) -> _CellTable:
    """Return the table of a text file, with its cells separated as gives the best header; commas first."""

    def separated(dialect: Dialect) -> _CellTable:
        def rows(marks: Marks) -> Iterator[list[str]]:
            whole = content()
            marks.open_ended = not whole.endswith((b"\n", b"\r"))
            return text_rows(file, whole, encodings, limits, dialect)

        return _CellTable(name, _top_of(top_text_rows(file, start, limits, dialect)), rows, False, dialect=dialect)

    by_commas = separated(COMMAS)
    if recognise is None:
        return by_commas

    def score(table: _CellTable) -> int:
        return max(map(recognise, table.top), default=0)

    best = max(map(separated, DIALECTS[1:]), key=score)
    return best if score(best) > max(score(by_commas), 1) else by_commas


def _top_of(rows: Iterator[list[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the rows among which a header is looked for, as far as they can be read."""
    found: list[tuple[str, ...]] = []
    with suppress(DataError):
        found.extend(
            tuple(without_odd_characters(cell).strip() for cell in row) for row in islice(rows, _HEADER_WITHIN_ROWS)
        )
    return tuple(found)


# ---- finding the header --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Chosen:
    """The table of a file that is read, and its header; `notice` says so if there was a choice."""

    table: _CellTable
    header_row: int
    header: tuple[str, ...]
    notice: str


def _narrowed(source: Source, tables: list[_CellTable], where: Where) -> list[_CellTable]:
    """Return the tables among which the user leaves the choice."""
    if where.sheet:
        found = [table for table in tables if table.name == where.sheet]
        if not found:
            names = [table.name for table in tables if table.name]
            fix = did_you_mean(where.sheet, names, "Choose another sheet, or give none to have it found.")
            raise DataError([file_problem(source.name, f"There is no sheet {shown(where.sheet)}.", fix)])
        tables = found
    if where.header_row:
        tables = [table for table in tables if len(table.top) >= where.header_row]
        if not tables:
            message = f"Row {where.header_row:,} cannot be the header."
            fix = f"Choose one of the first {_HEADER_WITHIN_ROWS} rows that hold names of columns."
            raise DataError([file_problem(source.name, message, fix)])
    return tables


def _chosen(tables: Sequence[_CellTable], recognise: Recognise | None, header_row: int = 0) -> _Chosen | None:
    """Return the table with the most columns that are looked for, the first of equals and hidden ones last."""
    if header_row and tables:
        return _with_header_in(tables, recognise or len, header_row)
    if not any(table.top for table in tables):
        return None
    shown_first = sorted(tables, key=lambda table: table.hidden)
    first = next(table for table in shown_first if table.top) if recognise else shown_first[0]
    best = _Chosen(first, 1, first.top[0] if first.top else (), "")
    if recognise is None:
        return best
    most, equals = recognise(best.header), [first.name]
    for table in shown_first:
        score, number, header = max(_candidates(table, recognise), key=lambda one: one[0], default=(0, 1, ()))
        # One name in common, further down, is a word in a sentence. What is hidden is not what the user sees.
        if score > max(most, 1) and (most <= 1 or table.hidden <= best.table.hidden):
            most, equals, best = score, [table.name], _Chosen(table, number, header, "")
        elif score >= most and score and table.name not in equals:
            equals.append(table.name)
    return replace(best, notice=_choice_notice(best, equals))


def _with_header_in(tables: Sequence[_CellTable], recognise: Recognise, header_row: int) -> _Chosen:
    """Return the table with the best header in the row that the user names."""
    found = (
        (score, header, table)
        for table in tables
        for score, number, header in _candidates(table, recognise)
        if number == header_row
    )
    _, header, table = max(found, key=lambda one: one[0])
    return _Chosen(table, header_row, header, "")


def _candidates(table: _CellTable, recognise: Recognise) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    above: tuple[str, ...] = ()
    for number, row in enumerate(table.top, start=1):
        yield recognise(row), number, row
        # A header that is merged over two rows keeps its name in the upper one.
        filled = tuple(cell or name for cell, name in zip_longest(row, above, fillvalue=""))
        if filled != row and any(row):
            yield recognise(filled), number, filled
        above = row


def _choice_notice(chosen: _Chosen, equals: Sequence[str]) -> str:
    clauses = [chosen.table.dialect.notice] if chosen.table.dialect.notice else []
    if chosen.table.hidden:
        clauses.append("the sheet is hidden, and was read because no other has these columns")
    if chosen.header_row > 1:
        clauses.append(f"the header was found in row {chosen.header_row}")
    others = [shown(name) for name in equals if name != chosen.table.name]
    if others:
        verbs = ("fits", "was") if len(others) == 1 else ("fit", "were")
        clauses.append(f"{', '.join(others)} {verbs[0]} too and {verbs[1]} not read")
    return f"{'; '.join(clauses)}." if clauses else ""
