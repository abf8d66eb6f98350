"""Eligible pairs, the edges of the bipartite graph, with their scores."""

from dataclasses import dataclass

import numpy as np

from matching.pairs.rules import Rulebook
from matching.pairs.spatial_index import SpatialIndex
from matching.solve.problem import Floats, Integers, Positions


@dataclass(frozen=True)
class Pairs:
    """Eligible pairs in order of need, then supporter.

    Attributes
    ----------
    need, supporter : ndarray of intp
        Positions in the inputs' tables.
    score_milli : ndarray of int64
        Score in whole thousandths.
    distance_km : ndarray of float64
    start : ndarray of intp
        The pairs of need i are those from start[i] to start[i + 1].
    """

    need: Positions
    supporter: Positions
    score_milli: Integers
    distance_km: Floats
    start: Positions

    def __len__(self) -> int:
        return len(self.need)

    def of_need(self, need: int) -> slice:
        """Return the slice that holds the pairs of one need."""
        return slice(int(self.start[need]), int(self.start[need + 1]))

    def count_by_need(self) -> Positions:
        """Return the number of eligible supporters of each need."""
        return np.diff(self.start)


def eligible_pairs(spatial_index: SpatialIndex) -> Pairs:
    """Return every eligible pair with its score."""
    return pairs_of_needs(spatial_index, slice(0, len(spatial_index.rulebook.need_school)))


def pairs_of_needs(spatial_index: SpatialIndex, needs: slice) -> Pairs:
    """Return the eligible pairs of consecutive needs with their scores."""
    return scored(spatial_index.rulebook, *spatial_index.pairs_of(needs))


def scored(rulebook: Rulebook, need: Positions, supporter: Positions) -> Pairs:
    """Return eligible pairs, given in order of need, then supporter, with their scores."""
    fits = rulebook.fits(need, supporter)
    start = np.searchsorted(need, np.arange(len(rulebook.need_school) + 1))
    return Pairs(need, supporter, fits.score_milli, fits.distance_km, start)
