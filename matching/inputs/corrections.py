"""Corrections of cells of a file: its bytes with those cells changed, in the same kind of file.

The user's own file is never changed.
"""

import csv
import gzip
import io
import warnings
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from matching.errors import DataError, Problem, shown
from matching.tables.files import ANYWHERE, FoundTable, Recognise, Source, Where, find_table, is_gzip, unpacked
from matching.tables.limits import LIMITS
from matching.tables.text_cells import csv_cells, without_marks
from matching.tables.workbooks.book import Marks, workbook_sheets
from matching.tables.workbooks.zips import is_xlsx, is_zip

Changes = Mapping[tuple[int, str], str]
"""New values by row, as a spreadsheet numbers it and as in a `Problem`, and by the name of the column in the file."""


def with_cells(
    source: Source, changes: Changes, *, recognise: Recognise | None = None, where: Where = ANYWHERE
) -> Source:
    """Return the file with some of its cells changed, all at a time.

    Parameters
    ----------
    source : Source
        A CSV file or a workbook, plain or gzipped.
    changes : mapping
    recognise : callable, optional
        Finds the table in a workbook of several, as when it was read.
    where : Where
        The sheet and the row of the header, where they are known.

    Raises
    ------
    DataError
        There is no such row or column, or the file cannot be changed.

    Notes
    -----
    In a workbook every formula becomes the value that it showed, because the file that is written here could hold no
    values of formulas; one without a value stays a formula without a value. A CSV file keeps its byte-order mark, line
    ends and separators; cells are quoted as needed.
    """
    found = find_table(source, recognise, where)
    for row, column in changes:
        if column not in found.header:
            raise _refused(source.name, row, column, f"There is no column {shown(column)}.", "Check its name.")
        if row <= found.header_row:
            raise _refused(source.name, row, column, "The row is not below the header.", "Check its number.")
    content = unpacked(source)
    if is_zip(content) and not is_xlsx(content):
        row, column = next(iter(changes))
        raise _refused(source.name, row, column, "A zip cannot be changed here.", "Unpack it first.")
    if is_xlsx(content):
        changed = _changed_book(source.name, content, found, changes)
    else:
        changed = _changed_csv(source.name, content, found, changes)
    # Without the time of packing, so that equal changes give equal bytes.
    return replace(source, content=gzip.compress(changed, mtime=0) if is_gzip(source.content) else changed)


def _refused(name: str, row: int | None, column: str, message: str, fix: str) -> DataError:
    return DataError([Problem(name, row, column, "", message, fix)])


def _changed_csv(name: str, content: bytes, found: FoundTable, changes: Changes) -> bytes:
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    text, encoding = _text(name, without_marks(content))
    try:
        rows = csv_cells(text, found.dialect)
    except csv.Error as error:
        message = f"The file cannot be split into cells ({error})."
        raise _refused(name, *next(iter(changes)), message, "Correct it in a text editor.") from error
    for (row, column), value in changes.items():
        if row > len(rows):
            raise _refused(name, row, column, "There is no such row.", "Check its number.")
        cells, place = rows[row - 1], found.header.index(column)
        cells += [""] * (place + 1 - len(cells))
        cells[place] = value
    end = "\r\n" if "\r\n" in text else "\r" if "\r" in text and "\n" not in text else "\n"
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=end, delimiter=found.dialect.separator).writerows(rows)
    try:
        return mark + written.getvalue().encode(encoding)
    except UnicodeEncodeError:
        # The old encoding lacks a letter of a new value; UTF-8 has every letter.
        return b"\xef\xbb\xbf" + written.getvalue().encode("utf-8")


def _text(name: str, content: bytes) -> tuple[str, str]:
    for encoding in ("utf-8", "cp1252"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise _refused(name, None, "", "The file is neither UTF-8 nor Windows text.", "Save it as 'CSV UTF-8'.")


def _changed_book(name: str, content: bytes, found: FoundTable, changes: Changes) -> bytes:
    from openpyxl import load_workbook  # noqa: PLC0415 - slow to load, and only needed to change a workbook
    from openpyxl.cell.cell import MergedCell  # noqa: PLC0415

    def change() -> bytes:
        book = load_workbook(io.BytesIO(content), data_only=True)
        for one in workbook_sheets(name, content, LIMITS):
            marks = Marks()
            deque(one.rows(marks), maxlen=0)
            for place_found in marks.uncalculated:
                # Blank, it would be read as a blank cell.
                book[one.title].cell(*place_found).value = "=NA()"
        for (row, column), value in changes.items():
            cell = book[found.sheet].cell(row, found.header.index(column) + 1)
            if isinstance(cell, MergedCell):
                raise _refused(name, row, column, "The cell is part of a merged cell.", "Unmerge it in Excel.")
            # Always as text: '=1+1' must not become a formula, and the URN 001 keeps its zeros.
            cell.value = value or None
            if value:
                cell.data_type = "s"
                cell.number_format = "@"
        packed = io.BytesIO()
        book.save(packed)
        return packed.getvalue()

    try:
        # openpyxl's are about styles and lists, which change no cell.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return change()
    except DataError:
        raise
    except Exception as error:  # a damaged book makes the library fail in any of dozens of ways
        place = next(iter(changes))
        raise _refused(name, *place, "This Excel file cannot be changed.", "Change the cell in Excel.") from error
