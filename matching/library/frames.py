"""DataFrames in and out: a table becomes the file that the reader takes, and the text of a plan becomes numbers."""

import csv
import io
import math
import os
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from matching.errors import DataError, Problem
from matching.plan.as_bytes import NUMBER_COLUMNS
from matching.tables.files import Source, open_source

Given = str | os.PathLike[str] | bytes | pd.DataFrame
"""A table as a caller gives it: the path of a file, the bytes of one, or a DataFrame."""

_NUMBERS = NUMBER_COLUMNS | {
    "adds",
    "bound",
    "chosen_adds",
    "chosen_fit",
    "difference",
    "easting",
    "eligible",
    "fit",
    "fsm_percent",
    "northing",
    "pupils",
    "surplus",
    "value",
    "weight",
}


def _source_of(name: str, given: Given) -> Source:
    """Return what was given under the name of a table as a file.

    Raises
    ------
    DataError
        The file cannot be opened.
    """
    if isinstance(given, pd.DataFrame):
        return _source_of_frame(name, given)
    if not isinstance(given, (str, os.PathLike, bytes)):
        raise TypeError(f"{name} is a {type(given).__name__}, and a path, bytes or a DataFrame is taken.")
    return Source(name, given) if isinstance(given, bytes) else open_source(Path(given))


def sources_of(given: Mapping[str, Given | None]) -> dict[str, Source]:
    """Return what was given as files, by table name; None is not given.

    Raises
    ------
    DataError
        With one problem for every file that cannot be opened.
    """
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for name, one in given.items():
        try:
            if one is not None:
                sources[name] = _source_of(name, one)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return sources


def numeric(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of text with numbers as numbers, and a blank one as nan; the other columns stay text."""
    converted: Mapping[str, pd.Series] = {name: _numbers(table[name]) for name in number_columns(table)}
    return table.assign(**converted)


def number_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of a table of text that hold numbers."""
    return [str(name) for name in table if str(name).removesuffix("_before").removesuffix("_after") in _NUMBERS]


def _numbers(cells: pd.Series) -> pd.Series:
    found = pd.to_numeric(cells.mask(cells == "", None))
    return found if len(found) else found.astype("float64")


def _source_of_frame(name: str, frame: pd.DataFrame) -> Source:
    # An index with a name is a column, as in a file that pandas writes.
    levels = enumerate(frame.index.names)
    named = [(number, name) for number, name in levels if name is not None and name not in frame.columns]
    columns = [*((name, frame.index.get_level_values(number)) for number, name in named), *frame.items()]
    text = io.StringIO(newline="")
    # All in quotation marks, so that a line break within a cell stays as it is.
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([str(name) for name, _ in columns])
    writer.writerows(zip(*([_text(cell) for cell in cells] for _, cells in columns), strict=True))
    return Source(name, text.getvalue().encode("utf-8", "surrogatepass"), _labels(frame.index))


def _labels(index: pd.Index) -> tuple[object, ...]:
    """Return the labels of the rows; one that is there more than once has its position as well."""
    twice = index.duplicated(keep=False)
    return tuple(
        f"{label} (position {place})" if is_repeated else label
        for place, (label, is_repeated) in enumerate(zip(index.tolist(), twice, strict=True))
    )


def _text(cell: object) -> str:
    """Return a cell as it would be typed: blank for any kind of missing value, and a whole number without decimals."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, (np.generic, np.ndarray)):
        # A list in an array, as files of columns give it, or a single number.
        cell = cell.tolist()
    if isinstance(cell, (list, tuple, set, frozenset)):
        return ";".join(map(_text, sorted(cell, key=str) if isinstance(cell, (set, frozenset)) else cell))
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    if isinstance(cell, float):
        # As many digits as every float keeps: 0.1 + 0.2 is 0.3.
        return "" if math.isnan(cell) else f"{cell:.0f}" if cell.is_integer() else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
