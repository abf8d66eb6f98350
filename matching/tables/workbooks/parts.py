"""The parts of a workbook: XML in a zip, read piece by piece, without anything that could unfold."""

import re
import zipfile
from collections.abc import Callable, Iterator
from xml.parsers import expat

_PIECE_BYTES = 2**18
# Borders and colours are often drawn down to the last row of a sheet. A row of cells without a value, each of which
# gives its own place, can go before it costs anything.
_EMPTY_ROW = re.compile(rb'<row r="[0-9]+"[^<>]*>(?:<c r="[A-Z]+[0-9]+"[^<>]*/>)*</row>')
_ROW_END = b"</row>"
_PREFIXED = re.compile(rb"<\w+:(?:worksheet|sst|styleSheet|workbook|Relationships)\b")

Start = Callable[[str, dict[str, str]], None]


def parse(
    book: zipfile.ZipFile, part: str, start: Start, end: Callable[[str], None], text: Callable[[str], None]
) -> None:
    """Read a whole part; see `pieces`."""
    for _ in pieces(book, part, start, end, text):
        pass


def pieces(
    book: zipfile.ZipFile,
    part: str,
    start: Start,
    end: Callable[[str], None],
    text: Callable[[str], None],
    first_bytes: int | None = None,
) -> Iterator[None]:
    """Read a part, and yield after each piece of it.

    Parameters
    ----------
    start, end, text : callable
        Called for each element, without the prefix of its name, and for text.
    first_bytes : int, optional
        Reading ends with the piece that holds the last of these; unless given, with the part.

    Raises
    ------
    Exception
        The part is missing or damaged, or declares a type of document, as none of Excel's does.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler = _refuse
    left = b""
    with book.open(part) as packed:
        while piece := packed.read(_PIECE_BYTES):
            if parser.CurrentByteIndex <= 0 and _PREFIXED.search(piece):
                parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
                parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
            rows_end = piece.rfind(_ROW_END) + len(_ROW_END)
            if rows_end < len(_ROW_END):
                parser.Parse(left + piece)
                left = b""
            else:
                parser.Parse(_EMPTY_ROW.sub(b"", left + piece[:rows_end]))
                left = piece[rows_end:]
            yield
            if first_bytes is not None and packed.tell() >= first_bytes:
                return
    parser.Parse(left, True)
    yield


def _refuse(*_: object) -> None:
    raise ValueError("a document type")
