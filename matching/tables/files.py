"""Files of cells: CSV and Excel, plain, gzipped or zipped, to a header and numbered rows of text.

What the cells mean is the business of `tables` and `official`; nothing is converted here, so that the URN 001 and the
surname NA arrive as they were typed.
"""

import csv
import gzip
import hashlib
import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, compress, islice, zip_longest
from pathlib import Path
from typing import Any, TypeVar

from matching.errors import MOST_PROBLEMS, DataError, Problem, counted, shown

T = TypeVar("T")

MAX_BYTES = 256 * 1024 * 1024
"""Of a file, as it is and unpacked."""
MAX_CELL_CHARACTERS = 100_000
MAX_LINE_CHARACTERS = 4_000_000
MAX_ROWS = 1_048_576
MAX_COLUMNS = 1_000
MAX_CELLS = 25_000_000
"""Of a sheet, counting the blank ones that a workbook makes us walk over."""
HEADER_WITHIN_ROWS = 20
"""How far down a header is looked for."""

Recognise = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Source:
    """A file as the user gave it: its name, for messages, and its bytes."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Digest of the bytes, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Sheet:
    """A header and the columns under it, all text and all of one length.

    `numbers` are those of the rows in a spreadsheet (a header on top is row 1); blank rows are left out, as are those
    that `problems` names because they do not fit under the header. `misfit_cells` are the texts in those, so that
    nobody calls an identifier unknown that stands in a row which could not be read.
    """

    name: str
    header: tuple[str, ...]
    numbers: tuple[int, ...]
    columns: tuple[tuple[str, ...], ...]
    problems: tuple[Problem, ...] = ()
    misfit_cells: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Each row's number and its cells."""
        return zip(self.numbers, zip(*self.columns, strict=True), strict=True)


def open_source(path: Path) -> Source:
    """Read a file from disk.

    Raises
    ------
    DataError
        The file is absent, is a folder, or may not be read.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError([_whole_file(path.name, *_TOO_LARGE)])
        return Source(path.name, path.read_bytes())
    except OSError as error:
        message = f"{path} cannot be opened ({(error.strerror or 'no reason given').lower()})."
        fix = "Check the path and that you may read the file."
        raise DataError([_whole_file(path.name, message, fix)]) from error


def header_of(source: Source, recognise: Recognise | None = None) -> tuple[str, ...]:
    """Return the header's cells, or nothing where they cannot be read; to recognise a file before it is read."""
    with suppress(DataError):
        tables = _tables_in(source, ())
        chosen = _chosen(tables, recognise)
        if chosen is not None:
            return chosen.header
    return ()


@dataclass(frozen=True)
class FoundTable:
    """Where a table stands in its file: the sheet or file within it (blank where there is one), and its header."""

    sheet: str
    header_row: int
    header: tuple[str, ...]


def find_table(source: Source, recognise: Recognise | None = None) -> FoundTable:
    """Return where the table stands that `read_sheet` would read.

    Raises
    ------
    DataError
        Nothing of the file can be read.
    """
    chosen = _chosen(_tables_in(source, ()), recognise)
    if chosen is None:
        raise DataError([_whole_file(source.name, "Nothing of the file can be read.", _SAVE_AS_CSV)])
    # The beginning is read in a Windows encoding, whatever it is in; the names of columns may need the right one.
    start = unpacked(source, first_bytes=_TOP_BYTES)
    header = chosen.header
    if not is_zip(start):
        header = tuple(_utf_8_where_it_fits(cell) for cell in header)
    return FoundTable(chosen.table.name, chosen.header_row, header)


def _utf_8_where_it_fits(cell: str) -> str:
    with suppress(UnicodeError):
        return cell.encode("cp1252").decode("utf-8")
    return cell


def read_sheet(
    source: Source,
    *,
    encodings: Sequence[str] = ("utf-8-sig",),
    wanted: Callable[[str], bool] = lambda name: True,
    recognise: Recognise | None = None,
) -> Sheet:
    """Read the cells of a CSV or .xlsx file, plain, gzipped or zipped.

    Parameters
    ----------
    source : Source
    encodings : sequence of str
        Tried in turn; the first that fits the bytes is used.
    wanted : callable
        Only columns whose name it accepts are kept.
    recognise : callable, optional
        How many of the cells of a row are names of columns that are looked for. The table is then found by its
        header among the first rows of every sheet of a workbook and every file of a zip; without it, or where
        nothing is recognised, the first row of the first of them is the header.

    Raises
    ------
    DataError
        The file is empty, of another kind, too large or in another encoding.
    """
    tables = _tables_in(source, encodings)
    chosen = _chosen(tables, recognise)
    if chosen is None:
        # Nothing could be read of the beginning; reading on says why.
        chosen = _Chosen(tables[0], 1, (), "")
    # Two tables of one workbook have to be told apart in what is said of them.
    name = f"{source.name} ({chosen.table.name})" if len(tables) > 1 else source.name
    return _sheet_of(name, chosen, wanted)


def unpacked(source: Source, first_bytes: int = -1) -> bytes:
    """Return the bytes of a file, unpacked where it is gzipped; the first so many, or (below 0) all.

    Raises
    ------
    DataError
        The packed file is damaged, or unpacks to too much.
    """
    if not is_gzip(source.content):
        return source.content if first_bytes < 0 else source.content[:first_bytes]
    limit = MAX_BYTES if first_bytes < 0 else first_bytes
    try:
        with gzip.open(io.BytesIO(source.content)) as packed:
            content = packed.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        message, fix = "This .gz file is damaged and cannot be unpacked.", "Download or make it again."
        raise DataError([_whole_file(source.name, message, fix)]) from error
    if first_bytes < 0 and len(content) > MAX_BYTES:
        raise DataError([_whole_file(source.name, *_TOO_LARGE)])
    return content


def is_zip(content: bytes) -> bool:
    """Whether these are the bytes of a zip, which .xlsx files are too."""
    return content.startswith(b"PK\x03\x04")


def is_xlsx(content: bytes) -> bool:
    """Whether these are the bytes of a workbook: a zip that holds no CSV files."""
    return is_zip(content) and not _zipped_tables(content)


def is_gzip(content: bytes) -> bool:
    """Whether these bytes are gzipped."""
    return content.startswith(b"\x1f\x8b")


# What is read of a file to find its header.
_TOP_BYTES = 65_536


_TOO_LARGE = (
    f"The file is larger than {MAX_BYTES // 1024**2} MB.",
    "Keep only the rows and columns that the run needs.",
)
_SAVE_AS_CSV = "In your spreadsheet choose 'Save as' and 'CSV UTF-8 (comma delimited)' or 'Excel workbook (.xlsx)'."


def _whole_file(name: str, message: str, fix: str) -> Problem:
    return Problem(name, None, "", "", message, fix)


def _encoding_of(name: str, content: bytes, encodings: Sequence[str]) -> str:
    """The first of the encodings that fits the bytes."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError([_whole_file(name, "The text is in UTF-16, and UTF-8 was expected.", _SAVE_AS_CSV)])
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError([_whole_file(name, "This is an old Excel file (.xls) or is protected.", _SAVE_AS_CSV)])
    if b"\0" in content[:65_536]:
        raise DataError([_whole_file(name, "This is not a text or Excel file.", _SAVE_AS_CSV)])
    place = 0
    for encoding in encodings:
        found = _first_misfit(content, encoding)
        if found is None:
            return encoding
        place = found
    row = _rows_begun(content[:place].decode(encodings[-1], errors="replace"))
    byte = content[place : place + 1]
    message = f"A character (byte {byte.hex()}) is not UTF-8; the file was saved in another encoding."
    raise DataError([Problem(name, row, "", byte.decode("cp1252", errors="replace"), message, _SAVE_AS_CSV)])


def _first_misfit(content: bytes, encoding: str) -> int | None:
    """Where the first byte stands that the encoding does not have; read by the megabyte, to spare the memory."""
    start = 0
    while start < len(content):
        end = content.find(b"\n", start + 2**20) + 1 or len(content)
        try:
            content[start:end].decode("utf-8" if encoding == "utf-8-sig" else encoding)
        except UnicodeDecodeError as error:
            return start + error.start
        start = end
    return None


def _rows_begun(text: str) -> int:
    """The row that the end of `text` stands in; a line break inside quotation marks begins none."""
    rows = 0
    with suppress(csv.Error):
        for _ in csv.reader(io.StringIO(text.removeprefix("\ufeff") + "x", newline="")):
            rows += 1
    return max(rows, 1)


class _LongLineError(Exception):
    """A line is longer than any row of a table."""


def _lines(content: bytes, encoding: str, errors: str = "strict") -> Iterator[str]:
    # Read as a stream: a text of the whole file would take up to four times the memory of its bytes.
    with io.TextIOWrapper(io.BytesIO(content), encoding=encoding, errors=errors, newline="") as text:
        while line := text.readline(MAX_LINE_CHARACTERS):
            if len(line) == MAX_LINE_CHARACTERS and line[-1] not in "\r\n":
                raise _LongLineError
            yield line


def _csv_rows(name: str, lines: Iterator[str]) -> Iterator[list[str]]:
    row = 1
    try:
        for cells in csv.reader(lines, strict=True):
            yield cells
            row += 1
    except csv.Error as error:
        message = f"The row cannot be split into cells ({error})."
        fix = "Look for a quotation mark that is opened and not closed in this row or just above it."
        raise DataError([Problem(name, row, "", "", message, fix)]) from error
    except _LongLineError as error:
        message = f"The row is longer than {MAX_LINE_CHARACTERS:,} characters."
        raise DataError([Problem(name, row, "", "", message, "Look for missing line ends.")]) from error


@dataclass(frozen=True)
class _CellTable:
    """One table of cells in a file: its name there (blank where it is alone), its first rows and all of them."""

    name: str
    top: tuple[tuple[str, ...], ...]
    rows: Callable[[], Iterator[list[str]]]
    padded: bool


def _tables_in(source: Source, encodings: Sequence[str]) -> list[_CellTable]:
    """Every sheet of a workbook, every CSV file of a zip, or the one table of any other file.

    Without encodings only their first rows can be read.
    """
    start = unpacked(source, first_bytes=_TOP_BYTES)
    if not is_zip(start):
        content = start if not encodings else unpacked(source)
        return [_csv_table(source.name, "", start, lambda: content, encodings)]
    content = unpacked(source)
    names = _zipped_tables(content)
    if not names:
        return _sheets(source.name, content)
    tables = []
    for name in names:
        beginning = _member(source.name, content, name, _TOP_BYTES)
        tables.append(
            _csv_table(
                source.name,
                name,
                beginning,
                lambda name=name: _member(source.name, content, name),  # type: ignore[misc]
                encodings,
            )
        )
    return tables


def _csv_table(
    file: str, name: str, start: bytes, content: Callable[[], bytes], encodings: Sequence[str]
) -> _CellTable:
    def rows() -> Iterator[list[str]]:
        found = content()
        return _csv_rows(file, _lines(found, _encoding_of(file, found, encodings)))

    guess = "utf-8-sig" if start.startswith(b"\xef\xbb\xbf") else "cp1252"
    top = _first_of(_csv_rows(file, _lines(start, guess, errors="replace")))
    return _CellTable(name, top, rows, padded=False)


def _first_of(rows: Iterator[list[str]]) -> tuple[tuple[str, ...], ...]:
    """The first rows, as far as they can be read."""
    found: list[tuple[str, ...]] = []
    with suppress(DataError):
        found.extend(tuple(cell.strip() for cell in row) for row in islice(rows, HEADER_WITHIN_ROWS))
    return tuple(found)


def _zipped_tables(content: bytes) -> tuple[str, ...]:
    """The names of the CSV files in a zip; none where it is a workbook or cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except Exception:  # a damaged zip makes the library fail in any of dozens of ways
        return ()
    if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
        return ()
    # A Mac adds a shadow of each file to the zips that it makes.
    return tuple(
        name
        for name in names
        if name.lower().endswith((".csv", ".txt")) and not name.startswith("__MACOSX") and "/._" not in name
    )


def _member(file: str, content: bytes, name: str, first_bytes: int = -1) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(name) as packed:
            found = packed.read(MAX_BYTES + 1 if first_bytes < 0 else first_bytes)
    except Exception as error:
        message, fix = f"{shown(name)} in this .zip file is damaged or protected.", "Download or make it again."
        raise DataError([_whole_file(file, message, fix)]) from error
    if len(found) > MAX_BYTES:
        raise DataError([_whole_file(file, *_TOO_LARGE)])
    return found


def _sheets(file: str, content: bytes) -> list[_CellTable]:
    """The sheets of a workbook, in order."""
    from openpyxl import load_workbook  # noqa: PLC0415 - slow to load, and most tables are text

    with _told_damage(file):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_BYTES:
                raise DataError([_whole_file(file, *_TOO_LARGE)])
        book = quietly(lambda: load_workbook(io.BytesIO(content), read_only=True, data_only=True))
        if not book.worksheets:
            raise ValueError("a book without a sheet")
        return [
            _CellTable(
                sheet.title,
                _first_of(_excel_rows(file, sheet)),
                lambda sheet=sheet: _excel_rows(file, sheet),  # type: ignore[misc]
                padded=True,
            )
            for sheet in book.worksheets
        ]


@contextmanager
def _told_damage(file: str) -> Iterator[None]:
    try:
        yield
    except (DataError, GeneratorExit):
        raise
    except Exception as error:  # a damaged book makes the library fail in any of dozens of ways
        message = "This Excel file is damaged, protected or of another kind and cannot be opened."
        raise DataError([_whole_file(file, message, "Open it in Excel and save it again as .xlsx.")]) from error


def _excel_rows(file: str, sheet: Any) -> Iterator[list[str]]:
    with _told_damage(file):
        # A file may claim a million empty rows; only what is stored is read.
        sheet.reset_dimensions()
        stored = iter(sheet.iter_rows(values_only=True))
        cells = 0
        # By the hundred, because a big book as a whole would fill the memory with columns that nobody wants.
        while rows := quietly(lambda: [list(map(_cell_text, row)) for row in islice(stored, 100)]):
            cells += sum(map(len, rows))
            if cells > MAX_CELLS:
                message = f"A sheet holds more than {MAX_CELLS // 10**6} million cells."
                raise DataError([_whole_file(file, message, _TOO_LARGE[1])])
            yield from rows


def quietly(action: Callable[[], T]) -> T:
    """Do something without the library's warnings of lists, styles and dates, which change no cell that is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action()


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # 15 digits are what Excel shows: the sum of 0.1 and 0.2 is stored with 17.
        return str(int(value)) if value.is_integer() else f"{Decimal(f'{value:.15g}'):f}"
    if isinstance(value, date):
        return (value.date() if isinstance(value, datetime) else value).isoformat()
    return str(value)


@dataclass(frozen=True)
class _Chosen:
    """The table of a file that is read, and where its header stands; `notice` says so where that is not on top."""

    table: _CellTable
    header_row: int
    header: tuple[str, ...]
    notice: str


def _chosen(tables: Sequence[_CellTable], recognise: Recognise | None) -> _Chosen | None:
    """The table with the most columns that are looked for, the first of equals."""
    if not any(table.top for table in tables):
        return None
    first = next(table for table in tables if table.top) if recognise else tables[0]
    best = _Chosen(first, 1, first.top[0] if first.top else (), "")
    if recognise is None:
        return best
    most, level = recognise(best.header), [first.name]
    for table in tables:
        score, number, header = max(_candidates(table, recognise), key=lambda one: one[0], default=(0, 1, ()))
        # One name in common, further down, is a word in a sentence.
        if score > max(most, 1):
            most, level, best = score, [table.name], _Chosen(table, number, header, "")
        elif score == most and score and table.name not in level:
            level.append(table.name)
    return replace(best, notice=_where(best, level))


def _candidates(table: _CellTable, recognise: Recognise) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    above: tuple[str, ...] = ()
    for number, row in enumerate(table.top, start=1):
        yield recognise(row), number, row
        # A header that is merged over two rows keeps its name in the upper one.
        filled = tuple(cell or name for cell, name in zip_longest(row, above, fillvalue=""))
        if filled != row and any(row):
            yield recognise(filled), number, filled
        above = row


def _where(chosen: _Chosen, level: Sequence[str]) -> str:
    """What to tell of where the table was found; nothing where there was no choice."""
    told = []
    if chosen.header_row > 1:
        told.append(f"the header was found in row {chosen.header_row}")
    others = ", ".join(shown(name) for name in level if name != chosen.table.name)
    if others:
        told.append(f"{others} would have done as well, and is not read")
    return f"{'; '.join(told)}." if told else ""


def _sheet_of(name: str, chosen: _Chosen, wanted: Callable[[str], bool]) -> Sheet:
    rows = chosen.table.rows()
    first: list[str] | None = None
    for _ in range(chosen.header_row):
        first = next(rows, None)
    # The cells as they are in the file's own encoding; those that came from the row above are in no other place.
    header = [cell.strip() for cell in first or []]
    header += [""] * (len(chosen.header) - len(header))
    header = [cell or above for cell, above in zip_longest(header, chosen.header[: len(header)], fillvalue="")]
    while header and not header[-1]:
        header.pop()
    if not header:
        fix = "The first row must hold the column names; start from the template."
        raise DataError([_whole_file(name, "The file is empty or its first row is blank.", fix)])
    _check_header(name, header, chosen.header_row)
    keep = [wanted(column) for column in header]
    kept_header = tuple(compress(header, keep))
    numbers: list[int] = []
    columns: list[list[str]] = [[] for _ in kept_header]
    problems: list[Problem] = []
    misfits: set[str] = set()
    start = chosen.header_row + 1
    # A hundred rows at a time: a whole file of columns that nobody wants would fill the memory.
    while found := list(islice(rows, 100)):
        numbered: Mapping[int, list[str]] = dict(enumerate(found, start))
        start += len(found)
        if start - 1 > MAX_ROWS:
            raise DataError([_whole_file(name, f"There are more than {MAX_ROWS:,} rows.", _TOO_LARGE[1])])
        if not _all_fit(found, len(header)):
            numbered = _fitting(name, numbered, len(header), chosen.table.padded, problems, misfits)
        numbers += numbered
        # Where none of these rows fits, there are no cells for any column.
        for column, cells in zip(columns, compress(zip(*numbered.values(), strict=True), keep), strict=False):
            column.extend(map(str.strip, cells))
    notices = (f"{name}: {chosen.notice}",) if chosen.notice else ()
    return Sheet(
        name, kept_header, tuple(numbers), tuple(map(tuple, columns)), tuple(problems), frozenset(misfits), notices
    )


def _all_fit(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether it is plain at one look that all rows fit under the header and none is blank."""
    if any(len(row) != width for row in rows):
        return False
    text = "".join(chain.from_iterable(rows))
    return (
        len(text) <= MAX_CELL_CHARACTERS
        and "\0" not in text
        and any(all(map(str.strip, column)) for column in zip(*rows, strict=True))
    )


def _fitting(
    name: str,
    rows: Mapping[int, list[str]],
    width: int,
    padded: bool,
    problems: list[Problem],
    misfits: set[str],
) -> dict[int, list[str]]:
    """The rows that fit under the header, without blank ones.

    What is wrong with the others is added to `problems`, and the texts in them to `misfits`.
    """
    fitting = {}
    for number, found in rows.items():
        text = "".join(found)
        if not text.strip():
            continue
        cells = found + [""] * (width - len(found)) if padded else found
        if problem := _row_problem(name, number, cells, text, width):
            problems.append(problem)
            if len(problems) > MOST_PROBLEMS:
                message = f"More than {MOST_PROBLEMS:,} rows do not fit under the header; the rest is not read."
                fix = "Look at how the cells are separated; this may be the wrong file."
                raise DataError([*problems[:10], _whole_file(name, message, fix)])
            misfits.update(cell.strip() for cell in cells if len(cell) <= MAX_CELL_CHARACTERS)
        else:
            fitting[number] = cells[:width]
    return fitting


def _check_header(name: str, header: list[str], row: int) -> None:
    if len(header) > MAX_COLUMNS:
        message = f"The header has {len(header):,} columns, and at most {MAX_COLUMNS:,} are read."
        raise DataError([Problem(name, row, "", "", message, "Keep only the columns that the run needs.")])
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        message = "The cells are not separated by commas."
        raise DataError([Problem(name, row, "", header[0], message, _SAVE_AS_CSV)])
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        fix = "Keep one of them, or give the other another name."
        raise DataError(
            Problem(name, row, column, column, "The column name stands twice in the header.", fix) for column in twice
        )


def _row_problem(name: str, number: int, cells: list[str], text: str, width: int) -> Problem | None:
    """What is wrong with a row, if anything; `text` is all its cells together."""
    extra = [cell for cell in cells[width:] if cell.strip()]
    if extra or len(cells) < width:
        message = f"The row has {counted(len(cells), 'cell')} and the header {width:,}."
        fix = "A cell that holds a comma needs quotation marks, and a blank cell still needs its comma."
        return Problem(name, number, "", extra[0] if extra else "", message, fix)
    if max(map(len, cells)) > MAX_CELL_CHARACTERS:
        message = f"A cell holds more than {MAX_CELL_CHARACTERS:,} characters."
        return Problem(name, number, "", "", message, "Look for a missing quotation mark, or shorten the text.")
    if "\0" in text:
        return Problem(name, number, "", "", "A cell holds a NUL character.", "Type the cell again.")
    return None
