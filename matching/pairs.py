"""Eligible pairs, the edges of the bipartite graph, with their scores.

Candidates are searched by designation, focus, phase and place, so that the work grows with the pairs that are near
and fitting, not with needs times supporters.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from matching.rules import Positions, Rulebook

# The tree measures in floating point from other numbers than the rule does: look a little further, then apply the rule.
_SLACK_M = 1.0


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
    score_milli: NDArray[np.int64]
    distance_km: NDArray[np.float64]
    start: Positions

    def __len__(self) -> int:
        return len(self.need)

    def of_need(self, need: int) -> slice:
        """Where the pairs of one need are."""
        return slice(int(self.start[need]), int(self.start[need + 1]))

    def count_by_need(self) -> Positions:
        """How many eligible supporters each need has."""
        return np.diff(self.start)


def eligible_pairs(rulebook: Rulebook) -> Pairs:
    """Find every eligible pair and its score."""
    found = [(need[keep], supporter[keep]) for need, supporter, keep in _judged_candidates(rulebook)]
    need = np.concatenate([np.empty(0, dtype=np.intp), *(need for need, _ in found)])
    supporter = np.concatenate([np.empty(0, dtype=np.intp), *(supporter for _, supporter in found)])
    order = np.argsort(need * len(rulebook.inputs.supporters) + supporter, kind="stable")
    need, supporter = need[order], supporter[order]
    fits = rulebook.fits(need, supporter)
    start = np.searchsorted(need, np.arange(len(rulebook.inputs.needs) + 1))
    return Pairs(need, supporter, fits.score_milli, fits.distance_km, start)


def _judged_candidates(rulebook: Rulebook) -> Iterator[tuple[Positions, Positions, NDArray[np.bool_]]]:
    for need, supporter in _candidates(rulebook):
        yield need, supporter, rulebook.eligible(need, supporter)


def _candidates(rulebook: Rulebook) -> Iterator[tuple[Positions, Positions]]:
    """Pairs of a fitting designation, focus and phase that are near enough, or nearly, in blocks."""
    grid = np.column_stack([rulebook.easting_m, rulebook.northing_m])
    home, place = grid[rulebook.home_school], grid[rulebook.need_school]
    n_phases = rulebook.phase_fit.shape[1]
    alike = rulebook.focus * n_phases + rulebook.phase
    for kind in np.unique(alike).tolist():
        focus, phase = divmod(kind, n_phases)
        needs = np.flatnonzero(alike == kind)
        fitting = rulebook.available & (rulebook.specialism_fit[:, focus] > 0) & (rulebook.phase_fit[:, phase] > 0)
        for designation in range(rulebook.accepts.shape[1]):
            asking = needs[rulebook.accepts[needs, designation]]
            offering = np.flatnonzero(fitting & (rulebook.designation == designation))
            if not len(asking) or not len(offering):
                continue
            reach_m = 1000 * rulebook.limit_km[offering].max() + _SLACK_M
            near = cKDTree(place[asking]).sparse_distance_matrix(
                cKDTree(home[offering]), reach_m, output_type="ndarray"
            )
            yield asking[near["i"]], offering[near["j"]]
