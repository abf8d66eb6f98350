"""Files of cells: CSV and Excel, plain or gzipped, to a header and numbered rows of text.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TypeVar

from openpyxl import load_workbook

from matching.errors import DataError, Problem, counted

T = TypeVar("T")

MAX_BYTES = 512 * 1024 * 1024
MAX_CELL_CHARACTERS = 100_000
MAX_ROWS = 1_048_576


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
    """A header and the rows under it, all text, as wide as the header.

    `rows` pairs each row with its number in a spreadsheet (the header is row 1); blank rows are not in it, nor are
    those that `problems` names because they do not fit under the header. `misfit_cells` are the texts in those, so
    that nobody calls an identifier unknown that stands in a row which could not be read.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    problems: tuple[Problem, ...] = ()
    misfit_cells: frozenset[str] = frozenset()


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


def header_of(source: Source) -> tuple[str, ...]:
    """Return the first row's cells, or nothing where they cannot be read; to recognise a file before it is read."""
    try:
        start = unpacked(source, first_bytes=65_536)
        if is_xlsx(start):
            cells = next(_excel_rows(Source(source.name, unpacked(source))), [])
        else:
            text = start.decode("cp1252", errors="replace").removeprefix("ï»¿")
            cells = next(csv.reader(io.StringIO(text, newline="")), [])
        return tuple(cell.strip() for cell in cells)
    except (DataError, csv.Error):
        return ()


def read_sheet(
    source: Source, *, encodings: Sequence[str] = ("utf-8-sig",), wanted: Callable[[str], bool] = lambda name: True
) -> Sheet:
    """Read the cells of a CSV or .xlsx file.

    Parameters
    ----------
    source : Source
    encodings : sequence of str
        Tried in turn; the first that fits the bytes is used.
    wanted : callable
        Only columns whose name it accepts are kept.

    Raises
    ------
    DataError
        The file is empty, of another kind or in another encoding.
    """
    content = unpacked(source)
    if is_xlsx(content):
        return _sheet_of(source.name, _excel_rows(Source(source.name, content)), wanted, padded=True)
    rows = _csv_rows(source.name, _decoded(source.name, content, encodings))
    return _sheet_of(source.name, rows, wanted, padded=False)


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


def is_xlsx(content: bytes) -> bool:
    """Whether these are the bytes of a zip, as .xlsx files are."""
    return content.startswith(b"PK\x03\x04")


def is_gzip(content: bytes) -> bool:
    """Whether these bytes are gzipped."""
    return content.startswith(b"\x1f\x8b")


_TOO_LARGE = (
    f"The file is larger than {MAX_BYTES // 1024**2} MB.",
    "Keep only the rows and columns that the run needs.",
)
_SAVE_AS_CSV = "In your spreadsheet choose 'Save as' and 'CSV UTF-8 (comma delimited)' or 'Excel workbook (.xlsx)'."


def _whole_file(name: str, message: str, fix: str) -> Problem:
    return Problem(name, None, "", "", message, fix)


def _decoded(name: str, content: bytes, encodings: Sequence[str]) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError([_whole_file(name, "The text is in UTF-16, and UTF-8 was expected.", _SAVE_AS_CSV)])
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError([_whole_file(name, "This is an old Excel file (.xls) or is protected.", _SAVE_AS_CSV)])
    if b"\0" in content[:65_536]:
        raise DataError([_whole_file(name, "This is not a text or Excel file.", _SAVE_AS_CSV)])
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            # Not `content`: a byte-order mark is no part of what the places are counted in.
            before, byte = error.object[: error.start], error.object[error.start : error.start + 1]
            row = _rows_begun(before.decode(encoding, errors="replace"))
    message = f"A character (byte {byte.hex()}) is not UTF-8; the file was saved in another encoding."
    raise DataError([Problem(name, row, "", byte.decode("cp1252", errors="replace"), message, _SAVE_AS_CSV)])


def _rows_begun(text: str) -> int:
    """The row that the end of `text` stands in; a line break inside quotation marks begins none."""
    rows = 0
    with suppress(csv.Error):
        for _ in csv.reader(io.StringIO(text + "x", newline="")):
            rows += 1
    return max(rows, 1)


def _csv_rows(name: str, text: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 0
    while True:
        row += 1
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"The row cannot be split into cells ({error})."
            fix = "Look for a quotation mark that is opened and not closed in this row or just above it."
            raise DataError([Problem(name, row, "", "", message, fix)]) from error


def _excel_rows(source: Source) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(source.content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MAX_BYTES:
                raise DataError([_whole_file(source.name, *_TOO_LARGE)])
        stored = _quietly(lambda: _stored_rows(source.content))
        # By the thousand, because a big book as a whole would fill the memory with columns that nobody wants.
        while rows := _quietly(lambda: [list(map(_cell_text, row)) for row in islice(stored, 1000)]):
            yield from rows
    except DataError:
        raise
    except Exception as error:  # a damaged book makes the library fail in any of dozens of ways
        message = "This Excel file is damaged, protected or of another kind and cannot be opened."
        raise DataError([_whole_file(source.name, message, "Open it in Excel and save it again as .xlsx.")]) from error


def _stored_rows(content: bytes) -> Iterator[tuple[object, ...]]:
    sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[0]
    # A file may claim a million empty rows; only what is stored is read.
    sheet.reset_dimensions()
    return iter(sheet.iter_rows(values_only=True))


def _quietly(action: Callable[[], T]) -> T:
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


def _sheet_of(name: str, rows: Iterator[list[str]], wanted: Callable[[str], bool], *, padded: bool) -> Sheet:
    first = next(rows, None)
    header = [cell.strip() for cell in first or []]
    while header and not header[-1]:
        header.pop()
    if not header:
        fix = "The first row must hold the column names; start from the template."
        raise DataError([_whole_file(name, "The file is empty or its first row is blank.", fix)])
    _check_header(name, header)
    keep = [position for position, column in enumerate(header) if wanted(column)]
    problems: list[Problem] = []
    misfits: set[str] = set()
    kept: list[tuple[int, tuple[str, ...]]] = []
    for number, found in enumerate(rows, start=2):
        if number > MAX_ROWS:
            raise DataError([_whole_file(name, f"There are more than {MAX_ROWS:,} rows.", _TOO_LARGE[1])])
        if not "".join(found).strip():
            continue
        cells = found + [""] * (len(header) - len(found)) if padded else found
        problem = _row_problem(name, number, cells, len(header))
        if problem:
            problems.append(problem)
            misfits.update(cell.strip() for cell in cells)
        else:
            kept.append((number, tuple(cells[position].strip() for position in keep)))
    kept_header = tuple(header[position] for position in keep)
    return Sheet(name, kept_header, tuple(kept), tuple(problems), frozenset(misfits))


def _check_header(name: str, header: list[str]) -> None:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        message = "The cells are not separated by commas."
        raise DataError([Problem(name, 1, "", header[0], message, _SAVE_AS_CSV)])
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        fix = "Keep one of them, or give the other another name."
        raise DataError(
            Problem(name, 1, column, column, "The column name stands twice in the header.", fix) for column in twice
        )


def _row_problem(name: str, number: int, cells: list[str], width: int) -> Problem | None:
    extra = [cell for cell in cells[width:] if cell.strip()]
    if extra or len(cells) < width:
        message = f"The row has {counted(len(cells), 'cell')} and the header {width:,}."
        fix = "A cell that holds a comma needs quotation marks, and a blank cell still needs its comma."
        return Problem(name, number, "", extra[0] if extra else "", message, fix)
    if max(map(len, cells)) > MAX_CELL_CHARACTERS:
        message = f"A cell holds more than {MAX_CELL_CHARACTERS:,} characters."
        return Problem(name, number, "", "", message, "Look for a missing quotation mark, or shorten the text.")
    if "\0" in "".join(cells):
        return Problem(name, number, "", "", "A cell holds a NUL character.", "Type the cell again.")
    return None
