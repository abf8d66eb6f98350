"""What is in a zip: tables, a workbook, or the file of another program."""

import io
import zipfile
from collections.abc import Sequence

from matching.errors import DataError, file_problem, shown
from matching.tables.limits import ReadLimits


def is_zip(content: bytes) -> bool:
    """Return whether these are the bytes of a zip; .xlsx files are zips too."""
    return content.startswith(b"PK\x03\x04")


def is_xlsx(content: bytes) -> bool:
    """Return whether these are the bytes of a workbook: a zip that holds no CSV files."""
    return is_zip(content) and not zipped_tables(content)


def zipped_tables(content: bytes) -> tuple[str, ...]:
    """Return the names of the CSV files and workbooks in a zip; none if it is a workbook or cannot be read."""
    names = _names_in(content)
    if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
        return ()
    # A Mac adds a shadow of each file to the zips that it makes.
    return tuple(
        name
        for name in names
        if name.lower().endswith((".csv", ".txt", ".xlsx", ".xlsm"))
        and not name.startswith("__MACOSX")
        and "/._" not in name
    )


def _names_in(content: bytes) -> Sequence[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.namelist()
    except Exception:  # a damaged zip makes the library fail in any of dozens of ways
        return ()


def refuse_other_zips(file: str, content: bytes) -> None:
    """Refuse a zip that is the file of another program."""
    kinds = {
        "xl/workbook.bin": "This is a binary Excel workbook (.xlsb).",
        "content.xml": "This is an OpenDocument file (.ods).",
        "Index/Document.iwa": "This is a Numbers file.",
        "word/document.xml": "This is a Word document.",
    }
    for name in _names_in(content):
        if name in kinds:
            fix = "Open it in the program that made it, and save the table as 'Excel workbook (.xlsx)'."
            raise DataError([file_problem(file, kinds[name], fix)])


def member(file: str, content: bytes, name: str, limits: ReadLimits, first_bytes: int = -1) -> bytes:
    """Return a file of a zip, or its first bytes.

    Raises
    ------
    DataError
        It is damaged, protected or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(name) as packed:
            found = packed.read(limits.file_bytes + 1 if first_bytes < 0 else first_bytes)
    except Exception as error:  # as above
        message, fix = f"{shown(name)} in this .zip file is damaged or protected.", "Download or make it again."
        raise DataError([file_problem(file, message, fix)]) from error
    limits.check_bytes(file, len(found))
    return found
