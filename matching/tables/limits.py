"""How large a file may be. A larger one is refused with a problem, before it fills the memory."""

from dataclasses import dataclass

from matching.errors import MOST_PROBLEMS, DataError, file_problem

SHORTEN = "Keep only the rows and columns that the run needs."


@dataclass(frozen=True)
class ReadLimits:
    """The most that is read of one file.

    Attributes
    ----------
    file_bytes : int
        As stored, and again unpacked.
    rows, columns : int
        `rows` is what a spreadsheet can hold.
    cells : int
        Of one sheet of a workbook, with its blank cells.
    problems : int
        Rows that do not fit under the header; with more, the file is refused as a whole.
    """

    file_bytes: int = 256 * 1024**2
    cell_characters: int = 100_000
    line_characters: int = 4_000_000
    rows: int = 1_048_576
    columns: int = 1_000
    cells: int = 25_000_000
    problems: int = MOST_PROBLEMS

    def check_bytes(self, file: str, count: int) -> None:
        """Refuse a file of more bytes than are read.

        Raises
        ------
        DataError
        """
        if count > self.file_bytes:
            message = f"The file is larger than {self.file_bytes / 1024**2:,.0f} MB."
            raise DataError([file_problem(file, message, SHORTEN)])


LIMITS = ReadLimits()
