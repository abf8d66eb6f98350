"""CSV files: bytes to rows of cells, in the encoding that fits them."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from matching.errors import DataError, Problem, file_problem
from matching.tables.limits import ReadLimits

ANY_BYTES = "any bytes"
"""In the place of an encoding: UTF-8 or Windows-1252, whichever fits more bytes, and `UNDECODED` for the others."""
UNDECODED = "\ufffd"
"""In the place of what could not be read."""
SAVE_AS_CSV = "In your spreadsheet choose 'Save as' and 'CSV UTF-8 (comma delimited)' or 'Excel workbook (.xlsx)'."
_SAVE_AS_BOOK = "Open it in Excel and save it again as 'Excel workbook (.xlsx)'."
# A program that adds one to each file that it saves leaves several; the last is one that was taken for Windows text.
_BYTE_ORDER_MARKS = re.compile(b"(?:\xef\xbb\xbf|\xc3\xaf\xc2\xbb\xc2\xbf)+")


@dataclass(frozen=True)
class Dialect:
    """How the cells of a text file are separated, and whether each line is in quotation marks as a whole."""

    separator: str = ","
    quoted_lines: bool = False

    @property
    def notice(self) -> str:
        """Return what is unusual, as the end of a sentence."""
        if self.quoted_lines:
            return "each line is in quotation marks as a whole, which were taken off"
        names = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
        return f"the cells are separated by {names[self.separator]}" if self.separator in names else ""


COMMAS = Dialect()
DIALECTS = (COMMAS, Dialect(";"), Dialect("\t"), Dialect("|"), Dialect(quoted_lines=True))


def text_rows(
    file: str, content: bytes, encodings: Sequence[str], limits: ReadLimits, dialect: Dialect = COMMAS
) -> Iterator[list[str]]:
    """Yield the rows of a CSV file.

    Parameters
    ----------
    file : str
        Its name, for problems.
    encodings : sequence of str
        Tried in turn; the first that fits the bytes is used.

    Raises
    ------
    DataError
        No encoding fits, or a row cannot be split into cells.
    """
    content = without_marks(content)
    encoding = _encoding_of(file, content, encodings)
    if encoding == ANY_BYTES:
        return _csv_rows(file, _lines(content, _likelier_encoding(content), limits, errors="replace"), limits, dialect)
    return _csv_rows(file, _lines(content, encoding, limits), limits, dialect)


def top_text_rows(file: str, start: bytes, limits: ReadLimits, dialect: Dialect = COMMAS) -> Iterator[list[str]]:
    """Yield the rows at the start of a CSV file whatever its encoding; bytes that do not fit become other characters.

    Raises
    ------
    DataError
        A row cannot be split into cells; the last one may have been cut.
    """
    start = without_marks(start)
    try:
        # The start may end within a character.
        codecs.getincrementaldecoder("utf-8")().decode(start)
        guess = "utf-8"
    except UnicodeDecodeError:
        guess = "cp1252"
    return _csv_rows(file, _lines(start, guess, limits, errors="replace"), limits, dialect)


def csv_cells(text: str, dialect: Dialect) -> list[list[str]]:
    """Return the rows of a text.

    Raises
    ------
    csv.Error
        A row cannot be split into cells.
    """
    return list(_split(io.StringIO(text, newline=""), dialect))


def without_marks(content: bytes) -> bytes:
    """Return the bytes without the byte-order marks that they begin with."""
    marks = _BYTE_ORDER_MARKS.match(content)
    return content[marks.end() :] if marks else content


def refuse_other_kinds(file: str, content: bytes) -> None:
    """Refuse what is neither text nor a workbook, whatever its name ends in.

    Raises
    ------
    DataError
    """
    start = without_marks(content[:4096]).lstrip().lower()
    message, fix = "", _SAVE_AS_BOOK
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        message = "This is an old Excel file (.xls)."
        if "EncryptedPackage".encode("utf-16-le") in content:
            message = "This file is protected with a password."
            fix = "Open it in Excel, take the password off, and save it again as 'Excel workbook (.xlsx)'."
    elif start.startswith(b"<") and re.search(rb"<(!doctype html|html|table)\b", start):
        message = "This is a web page (HTML), though it may be named like a spreadsheet."
    elif start.startswith(b"<?xml"):
        message = "This is an XML file, though it may be named like a spreadsheet."
    elif start.startswith(b"%pdf"):
        message, fix = "This is a PDF.", "Ask for the table as a spreadsheet."
    if message:
        raise DataError([file_problem(file, message, fix)])


def _encoding_of(file: str, content: bytes, encodings: Sequence[str]) -> str:
    """Return the first of the encodings that fits the bytes."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError([file_problem(file, "The text is in UTF-16, and UTF-8 was expected.", SAVE_AS_CSV)])
    if b"\0" in content[:65_536]:
        raise DataError([file_problem(file, "This is not a text or Excel file.", SAVE_AS_CSV)])
    place = 0
    for encoding in encodings:
        # Nearly all bytes fit Windows-1252, which would garble UTF-8 that has one odd byte.
        is_garbled = encoding == "cp1252" and ANY_BYTES in encodings and _likelier_encoding(content) != encoding
        found = None if encoding == ANY_BYTES else place if is_garbled else _first_misfit(content, encoding)
        if found is None:
            return encoding
        place = found
    row = _row_at_end(content[:place].decode(encodings[-1], errors="replace"))
    byte = content[place : place + 1]
    message = f"A character (byte {byte.hex()}) is not UTF-8; the file was saved in another encoding."
    raise DataError([Problem(file, row, "", byte.decode("cp1252", errors="replace"), message, SAVE_AS_CSV)])


def _likelier_encoding(content: bytes) -> str:
    """Return UTF-8 where most bytes beyond ASCII are its sequences, and otherwise Windows-1252."""
    # The bytes beyond ASCII that stand next to each other: a file has few of them.
    runs = content.translate(_SPACES_FOR_ASCII).split()
    sequences = sum(map(len, _UTF_8_SEQUENCE.findall(b" ".join(runs))))
    return "utf-8-sig" if 2 * sequences > sum(map(len, runs)) else "cp1252"


_SPACES_FOR_ASCII = b" " * 128 + bytes(range(128, 256))
_UTF_8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def _first_misfit(content: bytes, encoding: str) -> int | None:
    """Return the position of the first byte that the encoding does not have.

    The content is decoded a megabyte at a time: the text of a whole file would take up to four times its bytes.
    """
    start = 0
    while start < len(content):
        end = content.find(b"\n", start + 2**20) + 1 or len(content)
        try:
            content[start:end].decode("utf-8" if encoding == "utf-8-sig" else encoding)
        except UnicodeDecodeError as error:
            return start + error.start
        start = end
    return None


def _row_at_end(text: str) -> int:
    """Return the number of the row that `text` ends in; a line break inside quotation marks starts no row."""
    rows = 0
    with suppress(csv.Error):
        for _ in csv.reader(io.StringIO(text.removeprefix("\ufeff") + "x", newline="")):
            rows += 1
    return max(rows, 1)


class _LongLineError(Exception):
    """A line is longer than any row of a table."""


def _lines(content: bytes, encoding: str, limits: ReadLimits, errors: str = "strict") -> Iterator[str]:
    longest = limits.line_characters
    with io.TextIOWrapper(io.BytesIO(content), encoding=encoding, errors=errors, newline="") as text:
        while line := text.readline(longest):
            if len(line) == longest and line[-1] not in "\r\n":
                raise _LongLineError
            yield line


def _csv_rows(file: str, lines: Iterator[str], limits: ReadLimits, dialect: Dialect) -> Iterator[list[str]]:
    row = 1
    try:
        for cells in _split(lines, dialect):
            yield cells
            row += 1
    except csv.Error as error:
        message = f"The row cannot be split into cells ({error})."
        fix = "Look for a quotation mark that is opened and not closed in this row or just above it."
        raise DataError([Problem(file, row, "", "", message, fix)]) from error
    except _LongLineError as error:
        message = f"The row is longer than {limits.line_characters:,} characters."
        raise DataError([Problem(file, row, "", "", message, "Look for missing line ends.")]) from error


def _split(lines: Iterable[str], dialect: Dialect) -> Iterator[list[str]]:
    rows = csv.reader(lines, strict=True, delimiter=dialect.separator)
    if not dialect.quoted_lines:
        yield from rows
        return
    for cells in rows:
        # The line of a short header may need no quotation marks.
        yield next(csv.reader(cells, strict=True), []) if len(cells) == 1 else cells


# ---- characters and words that no one typed ------------------------------------------------------------------------

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# A workbook that another program wrote as text has _x000D_ at the end of a line.
_LINE_ENDS = re.compile("(?:_x000D_|\r)+\n?|[\u2028\u2029\u0085]")
_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|FIELD!|GETTING_DATA)|##+|Err:5\d\d")


def may_be_odd(text: str) -> bool:
    """Return whether the text of many cells may hold odd characters, or an error."""
    return not text.isascii() or "#" in text or "_x000D_" in text or "Err:" in text or "\r" in text


def without_odd_characters(cell: str) -> str:
    """Return a cell without invisible characters, with plain spaces and line ends, and letters in one form."""
    if cell.isascii() and "\r" not in cell and "_x000D_" not in cell:
        return cell
    spaced = _SPACES.sub(" ", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", cell)))
    return unicodedata.normalize("NFC", spaced)


def has_hidden_characters(cell: str) -> bool:
    """Return whether a cell has characters within it that no one sees, or takes for plain spaces."""
    return _INVISIBLE.search(cell) is not None or _SPACES.search(cell.strip()) is not None


def is_error(cell: str) -> bool:
    """Return whether a cell is an error of a spreadsheet, such as #N/A, or a number that did not fit its column."""
    return cell[:1] in ("#", "E") and _ERROR.fullmatch(cell) is not None
