"""How many cases are tried: fewer under the README's command, and the others in CI or where S2S_HYPOTHESIS is deep."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import settings

DEEP = os.environ.get("S2S_HYPOTHESIS") == "deep"


def cases(count: int, usually: int | None = None) -> settings:
    """Return settings for a property that is tried on `count` cases at its deepest, and else on fewer."""
    return settings(max_examples=count if DEEP else usually or max(5, count // 5))


def mostly_long(values: Iterable[Any], *, every: int) -> Sequence[Any]:
    """Return parameters of which one of so many is tried under the README's command.

    Of pairs CI tries the other one too: it is long. All of them are there where S2S_HYPOTHESIS is deep.
    """
    found = []
    for place, value in enumerate(values):
        if place % every == 0:
            found.append(value)
        elif DEEP or every == 2:
            found.append(pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.long))
    return found
