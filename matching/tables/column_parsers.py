"""Fast parsers of whole columns in which nearly every cell is different.

Each returns the values of the cells if all of them are plainly sound, and otherwise None: the cells are then converted
one by one by `cell_values`, which defines what is sound and what is wrong with a cell.
"""

from collections.abc import Callable, Sequence

Cells = Sequence[str]
ColumnParser = Callable[[Cells], Sequence[object] | None]


def no_parser(_: Cells) -> None:
    """Return None: every cell is converted by itself."""


def parse_texts(cells: Cells) -> Cells | None:
    """Return the cells if each is text on one line."""
    return cells if "".join(cells).isprintable() else None


def parse_identifiers(cells: Cells) -> Cells | None:
    """Return the cells if each is a short text that begins with a letter or a digit."""
    plain = all(cells) and max(map(len, cells), default=0) <= 64 and "".join([cell[0] for cell in cells]).isalnum()
    return parse_texts(cells) if plain else None


def parse_urns(cells: Cells) -> Cells | None:
    """Return the cells if each has six digits."""
    return cells if _are_digits(cells) and set(map(len, cells)) == {6} else None


def whole_number_parser(low: float, high: float) -> ColumnParser:
    """Return a parser of numbers between `low` and `high` that are written in digits alone."""

    def parse(cells: Cells) -> Sequence[float] | None:
        # A float does not hold every number of more digits.
        if not _are_digits(cells) or max(map(len, cells)) > 12:
            return None
        values = list(map(float, cells))
        return values if low <= min(values) and max(values) <= high else None

    return parse


def _are_digits(cells: Cells) -> bool:
    text = "".join(cells)
    return all(cells) and text.isascii() and text.isdigit()
