"""How many cases are tried: fewer under the README's command, and the others in CI or where S2S_HYPOTHESIS is deep."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import settings

DEEP = os.environ.get("S2S_HYPOTHESIS") == "deep"


def cases(count: int, usually: int | None = None) -> settings:
    """Return settings for a property that is tried on `count` cases at its deepest, and else on fewer."""
    return settings(max_examples=count if DEEP else usually or max(5, count // 3))


def mostly_long(values: Iterable[Any], *, every: int) -> Sequence[Any]:
    """Return parameters of which only the first of so many is tried under the README's command: the others are long."""
    return [
        value
        if place % every == 0
        else pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.long)
        for place, value in enumerate(values)
    ]
