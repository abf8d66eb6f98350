"""Whole columns of cells at one look, for those with a value of their own in every row.

Each of these gives the values of the cells where it is plain that all are sound, and None where somebody has to look
at each cell: what is sound, and what is wrong with a cell, is for the converters of `tables` to say.
"""

from collections.abc import Callable, Sequence

Cells = Sequence[str]
AtOnce = Callable[[Cells], Sequence[object] | None]


def never(_: Cells) -> None:
    """Look at each cell."""


def texts(cells: Cells) -> Cells | None:
    """Text on one line."""
    return cells if "".join(cells).isprintable() else None


def identifiers(cells: Cells) -> Cells | None:
    """Short texts that begin with a letter or a digit."""
    plain = all(cells) and max(map(len, cells), default=0) <= 64 and "".join([cell[0] for cell in cells]).isalnum()
    return texts(cells) if plain else None


def urns(cells: Cells) -> Cells | None:
    """Six digits each."""
    return cells if _are_digits(cells) and set(map(len, cells)) == {6} else None


def whole_numbers(low: float, high: float) -> AtOnce:
    """Numbers between `low` and `high`, written in digits alone."""

    def read(cells: Cells) -> Sequence[float] | None:
        # With more digits than these a float is no longer the number that was written.
        if not _are_digits(cells) or max(map(len, cells)) > 12:
            return None
        values = list(map(float, cells))
        return values if low <= min(values) and max(values) <= high else None

    return read


def _are_digits(cells: Cells) -> bool:
    text = "".join(cells)
    return all(cells) and text.isascii() and text.isdigit()
