"""The sheets of a workbook as rows of text, with the cells and rows that are not what they seem."""

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial

from matching.errors import DataError, file_problem
from matching.tables.limits import SHORTEN, ReadLimits
from matching.tables.workbooks.parts import parse, pieces
from matching.tables.workbooks.styles import Styles, is_on, read_styles

Cell = tuple[int, int]
"""Row and column, both counted from 1."""

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile("([A-Z]{1,3})([0-9]{1,7})")


@dataclass
class Marks:
    """What a table has beyond its cells, known once all of its rows were read.

    Attributes
    ----------
    uncalculated : set of Cell
        Formulas whose value the file does not hold.
    merged : list of pair of Cell
        The first and the last cell of each merged range.
    hidden, struck : set of int
        Rows that are hidden, and rows with a cell that is struck through.
    open_ended : bool
        Whether a text file does not end in a line end.
    """

    uncalculated: set[Cell] = field(default_factory=set)
    merged: list[tuple[Cell, Cell]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    struck: set[int] = field(default_factory=set)
    open_ended: bool = False


@dataclass(frozen=True)
class BookSheet:
    """One sheet: its title, whether it is hidden, and a function that yields its rows and fills the marks.

    The function takes the number of bytes after which it may end, too.
    """

    title: str
    hidden: bool
    rows: Callable[..., Iterator[list[str]]]


def workbook_sheets(file: str, content: bytes, limits: ReadLimits) -> list[BookSheet]:
    """Return every sheet of a workbook, in order.

    Raises
    ------
    DataError
        The workbook is damaged, protected, of another kind, or too large when unpacked; reading the rows raises it too.
    """
    with _damage_as_problem(file):
        book = _Book(file, zipfile.ZipFile(io.BytesIO(content)), limits)
        limits.check_bytes(file, sum(member.file_size for member in book.zipped.infolist()))
        sheets = book.sheets
        if not sheets:
            raise ValueError("a book without a sheet")
        return sheets


@contextmanager
def _damage_as_problem(file: str) -> Iterator[None]:
    try:
        yield
    except (DataError, GeneratorExit):
        raise
    except Exception as error:  # a damaged book fails in any of dozens of ways
        message = "This Excel file is damaged, protected or of another kind and cannot be opened."
        raise DataError([file_problem(file, message, "Open it in Excel and save it again as .xlsx.")]) from error


@dataclass
class _Book:
    file: str
    zipped: zipfile.ZipFile
    limits: ReadLimits
    from_1904: bool = False
    to_calculate: bool = False

    @cached_property
    def sheets(self) -> list[BookSheet]:
        found: list[tuple[str, bool, str]] = []
        main = next((target for _, kind, target in self._related("") if kind == "officeDocument"), "xl/workbook.xml")

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "workbookPr":
                self.from_1904 = attributes.get("date1904", "0") in ("1", "true")
            elif name == "calcPr":
                self.to_calculate = attributes.get("fullCalcOnLoad", "0") in ("1", "true")
            elif name == "sheet":
                target = next(value for key, value in attributes.items() if key.endswith(":id"))
                found.append((attributes["name"], attributes.get("state", "visible") != "visible", target))

        parse(self.zipped, main, start, _nothing, _nothing)
        related = {number: (kind, target) for number, kind, target in self._related(main)}
        parts = dict(related.values())
        self._strings_part, self._styles_part = parts.get("sharedStrings", ""), parts.get("styles", "")
        return [
            BookSheet(title, hidden, partial(self._rows, related[target][1]))
            for title, hidden, target in found
            if related[target][0] == "worksheet"
        ]

    def _related(self, part: str) -> list[tuple[str, str, str]]:
        """Return the parts that a part names: their identifiers, kinds and paths."""
        folder, name = posixpath.split(part)
        found: list[tuple[str, str, str]] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/")
                found.append((attributes["Id"], attributes["Type"].rpartition("/")[2], target))

        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        if part or listed in self.zipped.namelist():
            parse(self.zipped, listed, start, _nothing, _nothing)
        return found

    @cached_property
    def _styles(self) -> Styles:
        return read_styles(self.zipped, self._styles_part, self.from_1904)

    @cached_property
    def _strings(self) -> tuple[list[str], set[int]]:
        """The texts that sheets refer to by number, and the numbers of those that are struck through."""
        texts: list[str] = []
        struck: set[int] = set()
        if self._strings_part not in self.zipped.namelist():
            return texts, struck
        reader = _Text()

        def start(name: str, attributes: dict[str, str]) -> None:
            reader.start(name, attributes)

        def end(name: str) -> None:
            reader.end(name)
            if name == "si":
                if reader.is_struck:
                    struck.add(len(texts))
                texts.append(reader.taken())

        parse(self.zipped, self._strings_part, start, end, reader.add)
        return texts, struck

    def _rows(self, part: str, marks: Marks, first_bytes: int | None = None) -> Iterator[list[str]]:
        with _damage_as_problem(self.file):
            reader = _SheetReader(self._strings, self._styles, self.to_calculate, marks, self.limits.rows)
            number = count = 0
            for _ in pieces(self.zipped, part, reader.start, reader.end, reader.add, first_bytes):
                for row, cells in reader.taken():
                    if row <= number or row > self.limits.rows:
                        raise ValueError(f"row {row} after row {number}")
                    # Any number of blank rows may be between two that are stored.
                    yield from ([] for _ in range(row - number - 1))
                    number, count = row, count + len(cells)
                    if count > self.limits.cells:
                        message = f"A sheet holds more than {self.limits.cells // 10**6} million cells."
                        raise DataError([file_problem(self.file, message, SHORTEN)])
                    yield cells


def _nothing(*_: object) -> None:
    pass


class _Text:
    """A text that may have several runs: `taken` returns it, and starts the next one."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._runs: list[bool] = []
        self._inside = self._phonetic = self._strike = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "t":
            self._inside = not self._phonetic
        elif name == "rPh":
            self._phonetic = True
        elif name == "r":
            self._strike = False
        elif name == "strike":
            self._strike = is_on(attributes)

    def add(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)
            if text.strip():
                self._runs.append(self._strike)

    def end(self, name: str) -> None:
        if name == "t":
            self._inside = False
        elif name == "rPh":
            self._phonetic = False

    @property
    def is_struck(self) -> bool:
        return bool(self._runs) and all(self._runs)

    def taken(self) -> str:
        text = _unescaped("".join(self._parts))
        self._parts, self._runs = [], []
        self._inside = self._phonetic = self._strike = False
        return text


def _unescaped(text: str) -> str:
    """Return a text of the file as Excel shows it: _x000D_ is the end of a line."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class _SheetReader:
    """The handlers of a sheet's XML: complete rows, and its marks."""

    def __init__(
        self, strings: tuple[list[str], set[int]], styles: Styles, to_calculate: bool, marks: Marks, last_row: int
    ) -> None:
        self._texts, self._struck_texts = strings
        self._styles, self._to_calculate, self._marks, self._last_row = styles, to_calculate, marks, last_row
        self._done: list[tuple[int, list[str]]] = []
        self._row, self._place, self._cells = 0, 0, list[str]()
        self._kind, self._style, self._formula, self._value = "n", "0", False, ""
        self._struck_styles = {str(style) for style in styles.struck}
        self._inside = False
        self._inline: _Text | None = None
        self._columns: dict[str, int] = {}

    def taken(self) -> list[tuple[int, list[str]]]:
        done, self._done = self._done, []
        return done

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "v":
            self._inside = True
        elif name == "c":
            get = attributes.get
            place = get("r")
            self._place = self._place + 1 if place is None else self._column(place)
            self._kind, self._style, self._formula = get("t", "n"), get("s", "0"), False
            self._value = ""
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._place, self._cells = 0, []
            if attributes.get("hidden", "0") in ("1", "true"):
                self._marks.hidden.add(self._row)
        elif name == "is":
            self._inline = _Text()
        elif name == "mergeCell":
            first, _, last = attributes["ref"].partition(":")
            self._marks.merged.append((_cell(first), _cell(last or first)))
        elif self._inline is not None:
            self._inline.start(name, attributes)

    def add(self, text: str) -> None:
        if self._inside:
            self._value += text
        elif self._inline is not None:
            self._inline.add(text)

    def end(self, name: str) -> None:
        if name == "v":
            self._inside = False
        elif name == "c":
            if self._value or self._formula or self._inline is not None:
                self._end_cell()
        elif name == "row":
            self._done.append((self._row, self._cells))
        elif self._inline is not None:
            self._inline.end(name)

    def _column(self, place: str) -> int:
        letters = place.rstrip("0123456789")
        return self._columns.get(letters) or self._columns.setdefault(letters, _cell(place)[1])

    def _end_cell(self) -> None:
        struck = self._style in self._struck_styles
        if self._kind == "s" and self._value:
            number = int(self._value)
            text, struck = self._texts[number], struck or number in self._struck_texts
        elif self._inline is not None:
            struck = struck or self._inline.is_struck
            text, self._inline = self._inline.taken(), None
        else:
            text = self._as_text(self._value)
        if text:
            if struck:
                self._marks.struck.add(self._row)
            if len(self._cells) < self._place - 1:
                self._cells.extend([""] * (self._place - 1 - len(self._cells)))
            elif len(self._cells) >= self._place:
                raise ValueError(f"two cells in row {self._row}, column {self._place}")
            self._cells.append(text)

    def _as_text(self, value: str) -> str:
        kind = self._kind
        # A program that only writes formulas stores nothing, or 0, and leaves the calculation to Excel.
        if self._formula and kind != "str" and (not value or (value == "0" and kind == "n" and self._to_calculate)):
            self._marks.uncalculated.add((self._row, self._place))
            return ""
        if kind == "n":
            return self._styles.shown(int(self._style), value) if value else ""
        if kind == "b":
            return "yes" if value == "1" else "no" if value else ""
        if kind == "d":
            return value.partition("T")[0]
        return _unescaped(value)


def _cell(reference: str) -> Cell:
    found = _REFERENCE.fullmatch(reference.replace("$", ""))
    if found is None:
        raise ValueError(reference)
    column = 0
    for letter in found[1]:
        column = 26 * column + ord(letter) - 64
    return int(found[2]), column
