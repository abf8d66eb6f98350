"""How many random cases are tried: all of them where S2S_HYPOTHESIS is deep, and fewer elsewhere."""

import os

from hypothesis import settings

DEEP = os.environ.get("S2S_HYPOTHESIS") == "deep"


def cases(count: int, usually: int | None = None) -> settings:
    """Return settings for a property that is tried on `count` cases at its deepest, and else on fewer."""
    return settings(max_examples=count if DEEP else usually or max(5, count // 3))
