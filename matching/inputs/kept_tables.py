"""Tables kept as they were read, so that only those whose files have changed are read again."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from matching.tables.files import Source

T = TypeVar("T")
Kept = dict[str, tuple[str, Any]]
"""By table: what it was read from, and what was read."""


def once(kept: Kept, name: str, about: Iterable[object], read: Callable[[], T]) -> T:
    """Return what was read of a table before if it was read from the same, and otherwise read it.

    Parameters
    ----------
    about : iterable
        Files and options that what is read depends on.
    """
    key = repr([(one.name, one.sha256) if isinstance(one, Source) else one for one in about])
    if name not in kept or kept[name][0] != key:
        kept[name] = key, read()
    found: T = kept[name][1]
    return found
