"""A header and the rows under it: which rows fit, and what is wrong with the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress, islice, zip_longest

from matching.errors import DataError, Problem, counted, file_problem
from matching.tables.limits import SHORTEN, ReadLimits
from matching.tables.text_cells import SAVE_AS_CSV

_ROWS_AT_A_TIME = 100


@dataclass(frozen=True)
class Sheet:
    """A header and the columns under it, all text and all of one length.

    Attributes
    ----------
    name : str
        What problems call it: the file, with the sheet where there are several.
    numbers : tuple of int
        Of the rows, as a spreadsheet counts them (a header on top is row 1). Blank rows are left out, and so are those
        that do not fit under the header.
    problems : tuple of Problem
        One for each row that does not fit.
    misfit_cells : frozenset of str
        The cells of those rows: an identifier among them exists, though its row could not be read.
    """

    name: str
    header: tuple[str, ...]
    numbers: tuple[int, ...]
    columns: tuple[tuple[str, ...], ...]
    problems: tuple[Problem, ...] = ()
    misfit_cells: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield each row's number and its cells."""
        return zip(self.numbers, zip(*self.columns, strict=True), strict=True)


@dataclass
class _Misfits:
    """The rows of one sheet that do not fit under its header."""

    problems: list[Problem]
    cells: set[str]


def sheet_of(
    name: str,
    rows: Iterator[list[str]],
    header_row: int,
    header: Sequence[str],
    *,
    wanted: Callable[[str], bool],
    padded: bool,
    limits: ReadLimits,
) -> Sheet:
    """Read the rows of a table under its header.

    Parameters
    ----------
    rows : iterator of list of str
        From the first row of the file.
    header : sequence of str
        The names of the columns; those that are blank in the file's header row are taken from here.
    wanted : callable
        Only columns whose name it accepts are kept.
    padded : bool
        Whether a short row ends in blank cells, as in a workbook; otherwise it does not fit.

    Raises
    ------
    DataError
        The header cannot be used, or there are too many rows or faults.
    """
    names = _header_in(name, rows, header_row, header, limits)
    keep = [wanted(column) for column in names]
    kept_header = tuple(compress(names, keep))
    numbers: list[int] = []
    columns: list[list[str]] = [[] for _ in kept_header]
    misfits = _Misfits([], set())
    start = header_row + 1
    # A whole file of columns that are not wanted would fill the memory.
    while found := list(islice(rows, _ROWS_AT_A_TIME)):
        numbered: Mapping[int, list[str]] = dict(enumerate(found, start))
        start += len(found)
        if start - 1 > limits.rows:
            raise DataError([file_problem(name, f"There are more than {limits.rows:,} rows.", SHORTEN)])
        if not _all_fit(found, len(names), limits):
            numbered = _fitting(name, numbered, len(names), padded, misfits, limits)
        numbers += numbered
        # Where none of these rows fits, there are no cells for any column.
        for column, cells in zip(columns, compress(zip(*numbered.values(), strict=True), keep), strict=False):
            column.extend(map(str.strip, cells))
    return Sheet(
        name, kept_header, tuple(numbers), tuple(map(tuple, columns)), tuple(misfits.problems), frozenset(misfits.cells)
    )


def _header_in(
    name: str, rows: Iterator[list[str]], header_row: int, header: Sequence[str], limits: ReadLimits
) -> list[str]:
    """Return the names of the columns, in the file's own encoding where they are in its header row."""
    first: list[str] | None = None
    for _ in range(header_row):
        first = next(rows, None)
    names = [cell.strip() for cell in first or []]
    names += [""] * (len(header) - len(names))
    names = [cell or above for cell, above in zip_longest(names, header[: len(names)], fillvalue="")]
    while names and not names[-1]:
        names.pop()
    if not names:
        fix = "The first row must hold the column names; start from the template."
        raise DataError([file_problem(name, "The file is empty or its first row is blank.", fix)])
    _check_header(name, names, header_row, limits)
    return names


def _check_header(name: str, header: list[str], row: int, limits: ReadLimits) -> None:
    if len(header) > limits.columns:
        message = f"The header has {len(header):,} columns, and at most {limits.columns:,} are read."
        raise DataError([Problem(name, row, "", "", message, "Keep only the columns that the run needs.")])
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        message = "The cells are not separated by commas."
        raise DataError([Problem(name, row, "", header[0], message, SAVE_AS_CSV)])
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        fix = "Keep one of them, or give the other another name."
        raise DataError(Problem(name, row, column, column, "Two columns have this name.", fix) for column in twice)


def _all_fit(rows: Sequence[Sequence[str]], width: int, limits: ReadLimits) -> bool:
    """Return whether all rows certainly fit under the header and none is blank, without looking at each cell."""
    if any(len(row) != width for row in rows):
        return False
    text = "".join(chain.from_iterable(rows))
    return (
        len(text) <= limits.cell_characters
        and "\0" not in text
        and any(all(map(str.strip, column)) for column in zip(*rows, strict=True))
    )


def _fitting(
    name: str, rows: Mapping[int, list[str]], width: int, padded: bool, misfits: _Misfits, limits: ReadLimits
) -> dict[int, list[str]]:
    """Return the rows that fit under the header, without blank ones; add the others to `misfits`."""
    fitting = {}
    for number, found in rows.items():
        text = "".join(found)
        if not text.strip():
            continue
        cells = found + [""] * (width - len(found)) if padded else found
        if problem := _row_problem(name, number, cells, text, width, limits):
            misfits.problems.append(problem)
            if len(misfits.problems) > limits.problems:
                message = (
                    f"More than {limits.problems:,} rows do not fit under the header; the other rows are not read."
                )
                fix = "Look at how the cells are separated; this may be the wrong file."
                raise DataError([*misfits.problems[:10], file_problem(name, message, fix)])
            misfits.cells.update(cell.strip() for cell in cells if len(cell) <= limits.cell_characters)
        else:
            fitting[number] = cells[:width]
    return fitting


def _row_problem(name: str, number: int, cells: list[str], text: str, width: int, limits: ReadLimits) -> Problem | None:
    """Return what is wrong with a row, if anything; `text` is all its cells together."""
    extra = [cell for cell in cells[width:] if cell.strip()]
    if extra or len(cells) < width:
        message = f"The row has {counted(len(cells), 'cell')} and the header {width:,}."
        fix = "A cell that holds a comma needs quotation marks, and a blank cell still needs its comma."
        return Problem(name, number, "", extra[0] if extra else "", message, fix)
    if max(map(len, cells)) > limits.cell_characters:
        message = f"A cell holds more than {limits.cell_characters:,} characters."
        return Problem(name, number, "", "", message, "Look for a missing quotation mark, or shorten the text.")
    if "\0" in text:
        return Problem(name, number, "", "", "A cell holds a NUL character.", "Type the cell again.")
    return None
