"""Random choices that stay the same for one seed, in every version of numpy.

Only `Generator.random` is used: its stream has never changed, and those of `choice` and `permutation` have.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Chance = np.random.Generator
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Positions = NDArray[np.intp]


def drawn(chance: Chance, weights: ArrayLike, count: int) -> Positions:
    """Return positions drawn by weight, with repeats."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn: Positions = np.searchsorted(cumulative[:-1], chance.random(count) * cumulative[-1], side="right")
    return drawn


def between(chance: Chance, low: int, high: int, count: int) -> Positions:
    """Return whole numbers from `low` to `high`, all equally likely."""
    return low + (chance.random(count) * (high - low + 1)).astype(np.intp)


def shuffled(chance: Chance, count: int) -> Positions:
    """Return the first `count` positions in a random order."""
    return np.argsort(chance.random(count), kind="stable")


def favourites(chance: Chance, weights: Floats) -> Positions:
    """Return all columns for each row in a random order: heavy ones tend to come first, those without weight last.

    Notes
    -----
    Exponential waiting times with these rates end in the order of weighted draws without replacement: Efraimidis and
    Spirakis, *Weighted random sampling with a reservoir* (2006).
    """
    waiting = np.full(weights.shape, np.inf)
    np.divide(-np.log1p(-chance.random(weights.shape)), weights, out=waiting, where=weights > 0)
    return np.argsort(waiting, axis=1, kind="stable")
