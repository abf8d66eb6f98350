"""A header and the rows under it: which rows fit, and what is wrong with the others."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress, islice, zip_longest

from matching.errors import DataError, Problem, at_most, counted, file_problem, first_ten, shown
from matching.tables.limits import SHORTEN, ReadLimits
from matching.tables.text_cells import SAVE_AS_CSV, has_hidden_characters, is_error, may_be_odd, without_odd_characters
from matching.tables.workbooks.book import Marks

_ROWS_AT_A_TIME = 100
# A whole column may be in error where it may be blank too; more would fill the memory.
_MOST_UNKNOWN = 1_000_000


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
    unknown_cells : tuple of Problem
        One for each cell whose value the file does not hold: an error, a formula without a value, a part of a merged
        cell. Its row fits, and its text is what the file has.
    cleaned : mapping of str to tuple of int
        By column: the rows with a cell of which invisible characters or no-break spaces were taken out.
    unwanted : tuple of str
        The columns that were not kept.
    """

    name: str
    header: tuple[str, ...]
    numbers: tuple[int, ...]
    columns: tuple[tuple[str, ...], ...]
    problems: tuple[Problem, ...] = ()
    misfit_cells: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    unknown_cells: tuple[Problem, ...] = ()
    cleaned: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    unwanted: tuple[str, ...] = ()

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Yield each row's number and its cells."""
        return zip(self.numbers, zip(*self.columns, strict=True), strict=True)


@dataclass
class _Findings:
    """What is found on the way down a sheet: rows that do not fit, cells beside the table, cells that are odd.

    `beside` has rows and columns counted from 1; `short` is the last short row that fits. `errors` and
    `cleaned` have rows, and columns counted from 0.
    """

    problems: list[Problem] = field(default_factory=list)
    cells: set[str] = field(default_factory=set)
    beside: list[tuple[int, int]] = field(default_factory=list)
    short: int = 0
    errors: list[tuple[int, int]] = field(default_factory=list)
    cleaned: list[tuple[int, int]] = field(default_factory=list)


def sheet_of(
    name: str,
    rows: Iterator[list[str]],
    header_row: int,
    header: Sequence[str],
    *,
    wanted: Callable[[str], bool],
    needed: Callable[[str], bool],
    marks: Marks,
    in_book: bool,
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
    needed : callable
        A short row ends in blank cells, as Excel leaves it, unless one of the columns that this accepts is missing.
    marks : Marks
        Of the file, filled while its rows are read.
    in_book : bool
        Whether this is a sheet of a workbook. A remark may stand beside the table there; in a text file a row that is
        too long has a comma that belongs inside a cell.

    Raises
    ------
    DataError
        The header cannot be used, or there are too many rows or faults.
    """
    names = _header_in(name, rows, header_row, header, limits)
    keep = [wanted(column) for column in names]
    least = 0 if in_book else max((place for place, column in enumerate(names, 1) if needed(column)), default=0)
    kept_header = tuple(compress(names, keep))
    numbers: list[int] = []
    columns: list[list[str]] = [[] for _ in kept_header]
    findings = _Findings()
    start = header_row + 1
    # A whole file of columns that are not wanted would fill the memory.
    while found := list(islice(rows, _ROWS_AT_A_TIME)):
        numbered: Mapping[int, list[str]] = dict(enumerate(found, start))
        start += len(found)
        if start - 1 > limits.rows:
            raise DataError([file_problem(name, f"There are more than {limits.rows:,} rows.", SHORTEN)])
        text = "".join(chain.from_iterable(found))
        if may_be_odd(text):
            numbered = _plain_rows(numbered, findings)
        if not _all_fit(found, text, len(names), limits):
            numbered = _fitting(name, numbered, (least, len(names)), in_book, findings, limits)
        numbers += numbered
        # Where none of these rows fits, there are no cells for any column.
        for column, cells in zip(columns, compress(zip(*numbered.values(), strict=True), keep), strict=False):
            column.extend(map(str.strip, cells))
    read = set(numbers)
    cleaned: dict[str, list[int]] = defaultdict(list)
    for row, place in findings.cleaned:
        if place < len(names) and keep[place] and row in read:
            cleaned[names[place]].append(row)
    kept = {place: columns[nth] for nth, place in enumerate(compress(range(len(names)), keep))}
    if marks.open_ended and findings.short == start - 1:
        message, fix = "The file ends within this row.", "Save or download it again."
        findings.problems.append(Problem(name, findings.short, "", "", message, fix))
    unknown = [
        *_error_cells(name, names, kept, numbers, findings.errors),
        *_blank_cells(name, names, kept, numbers, header_row, marks),
    ]
    return Sheet(
        name,
        kept_header,
        tuple(numbers),
        tuple(map(tuple, columns)),
        tuple(findings.problems),
        frozenset(findings.cells),
        tuple(_notices(name, findings.beside, marks, read)),
        tuple(at_most(unknown, _MOST_UNKNOWN)),
        {column: tuple(rows) for column, rows in cleaned.items()},
        tuple(name for name, is_kept in zip(names, keep, strict=True) if name and not is_kept),
    )


def _plain_rows(rows: Mapping[int, list[str]], findings: _Findings) -> dict[int, list[str]]:
    """Return the rows without odd characters, and note the cells that had some or hold an error."""
    changed = {}
    for row, cells in rows.items():
        changed[row] = [without_odd_characters(cell) for cell in cells]
        for place, (cell, plain) in enumerate(zip(cells, changed[row], strict=True)):
            if plain != cell and has_hidden_characters(cell):
                findings.cleaned.append((row, place))
            if is_error(plain.strip()):
                findings.errors.append((row, place))
    return changed


def _error_cells(
    name: str,
    names: Sequence[str],
    kept: Mapping[int, Sequence[str]],
    numbers: Sequence[int],
    errors: Iterable[tuple[int, int]],
) -> Iterator[Problem]:
    """Yield a problem for each error such as #N/A in a named column; `kept` has the columns by their place."""
    index = {row: nth for nth, row in enumerate(numbers)}
    for row, place in errors:
        if place in kept and names[place] and row in index:
            error = kept[place][index[row]]
            fix = "Correct the formula, make the column wider, or type the value."
            yield Problem(name, row, names[place], error, f"{shown(error)} is an error of the spreadsheet.", fix)


def _blank_cells(
    name: str,
    names: Sequence[str],
    kept: Mapping[int, Sequence[str]],
    numbers: Sequence[int],
    header_row: int,
    marks: Marks,
) -> Iterator[Problem]:
    """Yield a problem for each cell of a workbook that arrives blank and does not look blank."""
    for row, column in sorted(marks.uncalculated):
        if row > header_row and column - 1 in kept and names[column - 1]:
            message = "The cell holds a formula, and the file does not hold its value."
            fix = "Open the file in Excel, save it, and use that file; or type the value."
            yield Problem(name, row, names[column - 1], "", message, fix)
    index = {row: nth for nth, row in enumerate(numbers)}
    for (top, left), (bottom, right) in marks.merged:
        rows = [row for row in numbers[bisect_left(numbers, top) :] if row <= bottom] if bottom > header_row else []
        first = kept[left - 1][index[top]] if left - 1 in kept and top in index else None
        if first == "":
            continue
        holds = f", which holds {shown(first)}" if first else ""
        message = f"The cell is merged with {_column_letters(left)}{top}{holds}."
        for row in rows:
            for place in range(left - 1, min(right, len(names))):
                if place in kept and names[place] and (row, place) != (top, left - 1) and not kept[place][index[row]]:
                    fix = "In Excel, unmerge the cells and fill in each of them."
                    yield Problem(name, row, names[place], "", message, fix)


def _notices(name: str, beside: Sequence[tuple[int, int]], marks: Marks, read: Collection[int]) -> Iterator[str]:
    """Yield the notices of a workbook's sheet: what is beside the table, and rows that people may not mean to count."""
    if beside:
        rows = counted(len({row for row, _ in beside}), "row")
        first = f"{_column_letters(beside[0][1])}{beside[0][0]}"
        yield f"{name}: cells beside the table, in columns without a name, are not used ({rows}, the first is {first})."
    for marked, what in ((marks.hidden, "hidden"), (marks.struck, "struck through")):
        if found := sorted(marked.intersection(read)):
            verb = "is" if len(found) == 1 else "are"
            listed = first_ten([f"row {row}" for row in found])
            yield f"{name}: {counted(len(found), 'row')} {verb} {what} but {verb} read: {listed}."


def _column_letters(column: int) -> str:
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def _header_in(
    name: str, rows: Iterator[list[str]], header_row: int, header: Sequence[str], limits: ReadLimits
) -> list[str]:
    """Return the names of the columns, in the file's own encoding where they are in its header row."""
    first: list[str] | None = None
    for _ in range(header_row):
        first = next(rows, None)
    names = [without_odd_characters(cell).strip() for cell in first or []]
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
    text = "".join(header)
    if any(text.count(mark) >= len(header) for mark in ";\t|"):
        message = "The cells are not separated by commas."
        raise DataError([Problem(name, row, "", header[0], message, SAVE_AS_CSV)])
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        fix = "Keep one of them, or give the other another name."
        raise DataError(Problem(name, row, column, column, "Two columns have this name.", fix) for column in twice)


def _all_fit(rows: Sequence[Sequence[str]], text: str, width: int, limits: ReadLimits) -> bool:
    """Return whether all rows certainly fit under the header and none is blank; `text` is all their cells together."""
    if any(len(row) != width for row in rows):
        return False
    return (
        len(text) <= limits.cell_characters
        and "\0" not in text
        and any(all(map(str.strip, column)) for column in zip(*rows, strict=True))
    )


def _fitting(
    name: str,
    rows: Mapping[int, list[str]],
    widths: tuple[int, int],
    in_book: bool,
    findings: _Findings,
    limits: ReadLimits,
) -> dict[int, list[str]]:
    """Return the rows that fit under the header, without blank ones; add the others to `findings`.

    `widths` are the least that a row must have, and the header's.
    """
    fitting = {}
    least, width = widths
    for number, found in rows.items():
        if not found:
            continue
        cells = found + [""] * (width - len(found))
        if in_book and len(cells) > width:
            findings.beside += [
                (number, column) for column, cell in enumerate(cells[width:], width + 1) if cell.strip()
            ]
            cells = cells[:width]
        text = "".join(cells)
        if not text.strip():
            continue
        if problem := _row_problem(name, number, found if len(found) < least else cells, text, width, limits):
            findings.problems.append(problem)
            if len(findings.problems) > limits.problems:
                message = (
                    f"More than {limits.problems:,} rows do not fit under the header; the other rows are not read."
                )
                fix = "Look at how the cells are separated; this may be the wrong file."
                raise DataError([*findings.problems[:10], file_problem(name, message, fix)])
            findings.cells.update(cell.strip() for cell in found if len(cell) <= limits.cell_characters)
        else:
            fitting[number] = cells[:width]
            if len(found) < width:
                findings.short = number
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
