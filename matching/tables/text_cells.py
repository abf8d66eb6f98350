"""CSV files: bytes to rows of cells, in the encoding that fits them."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from matching.errors import DataError, Problem, file_problem
from matching.tables.limits import ReadLimits

ANY_BYTES = "any bytes"
"""In the place of an encoding: UTF-8 or Windows-1252, whichever fits more bytes, and `UNDECODED` for the others."""
UNDECODED = "\ufffd"
"""Stands for what could not be read."""
SAVE_AS_CSV = "In your spreadsheet choose 'Save as' and 'CSV UTF-8 (comma delimited)' or 'Excel workbook (.xlsx)'."


def text_rows(file: str, content: bytes, encodings: Sequence[str], limits: ReadLimits) -> Iterator[list[str]]:
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
    encoding = _encoding_of(file, content, encodings)
    if encoding == ANY_BYTES:
        return _csv_rows(file, _lines(content, _likelier_encoding(content), limits, errors="replace"), limits)
    return _csv_rows(file, _lines(content, encoding, limits), limits)


def top_text_rows(file: str, start: bytes, limits: ReadLimits) -> Iterator[list[str]]:
    """Yield the rows at the start of a CSV file whatever its encoding; bytes that do not fit become other characters.

    Raises
    ------
    DataError
        A row cannot be split into cells; the last one may have been cut.
    """
    guess = "utf-8-sig" if start.startswith(b"\xef\xbb\xbf") else "cp1252"
    return _csv_rows(file, _lines(start, guess, limits, errors="replace"), limits)


def _encoding_of(file: str, content: bytes, encodings: Sequence[str]) -> str:
    """Return the first of the encodings that fits the bytes."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError([file_problem(file, "The text is in UTF-16, and UTF-8 was expected.", SAVE_AS_CSV)])
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise DataError([file_problem(file, "This is an old Excel file (.xls) or is protected.", SAVE_AS_CSV)])
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


def _csv_rows(file: str, lines: Iterator[str], limits: ReadLimits) -> Iterator[list[str]]:
    row = 1
    try:
        for cells in csv.reader(lines, strict=True):
            yield cells
            row += 1
    except csv.Error as error:
        message = f"The row cannot be split into cells ({error})."
        fix = "Look for a quotation mark that is opened and not closed in this row or just above it."
        raise DataError([Problem(file, row, "", "", message, fix)]) from error
    except _LongLineError as error:
        message = f"The row is longer than {limits.line_characters:,} characters."
        raise DataError([Problem(file, row, "", "", message, "Look for missing line ends.")]) from error
