"""The reference lists that ship with the program, one CSV file each."""

import csv
import io
from collections.abc import Iterator
from importlib.resources import files


def reference_rows(name: str) -> Iterator[dict[str, str]]:
    """Return the rows of one reference list, by column.

    Parameters
    ----------
    name : str
        The file's name without its ending, such as ``phases``.
    """
    text = files(__name__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return csv.DictReader(io.StringIO(text))
