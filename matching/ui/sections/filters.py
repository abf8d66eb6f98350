"""Lists that filter a table."""

from collections.abc import Iterable, Mapping

from streamlit.delta_generator import DeltaGenerator

# A code: the list shows `every` for it, and no table holds it as a value.
_EVERY = "*"


def filter_by(
    place: DeltaGenerator,
    label: str,
    values: Iterable[str],
    key: str,
    *,
    words: Mapping[str, str] | None = None,
    every: str = "All",
    first: str | None = None,
) -> str | None:
    """Show a list of values and return the chosen one, or None for all of them.

    Parameters
    ----------
    place : DeltaGenerator
        The column or container to show it in.
    label : str
    values : iterable of str
        In the order of the list.
    key : str
        Of the control.
    words : mapping of str to str, optional
        What the list shows for a value, where that is not the value itself.
    every : str
        What the list shows for all values.
    first : str, optional
        The value that is chosen at first; all of them unless given.
    """
    options = [_EVERY, *values]
    shown = {"": "Not given", **(words or {}), _EVERY: every}
    chosen: str = place.selectbox(
        label,
        options,
        index=options.index(first) if first in options else 0,
        format_func=lambda one: shown.get(one, one),
        key=key,
    )
    return None if chosen == _EVERY else chosen
