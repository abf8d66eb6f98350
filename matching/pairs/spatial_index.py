"""Spatial index: needs and supporters by location, with one layer for each focus, phase and designation.

Lengths on a layer are divided by the longest distance that any of its supporters goes, so that pairs within reach are
at most 1 apart. Layers lie so far apart that a single search covers all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # loads `scipy.spatial` when it is first asked for

from matching.pairs.rules import Rulebook
from matching.solve.params import MarketParams
from matching.solve.problem import NEVER, Floats, Integers, Positions

# Lengths here differ from the rule's distances in the last digits: search a little further, then apply the rule.
_REACH = 1 + 1e-6
_LAYER_GAP = 4


@dataclass(frozen=True)
class SpatialIndex:
    """Needs and supporters as points on layers; each may have a point on several.

    Attributes
    ----------
    need, supporter : ndarray of intp
        The need of each need point, and the supporter of each supporter point.
    need_at, supporter_at : ndarray of float64, shape (points, 3)
        Coordinates; the third is the layer's.
    best_milli : ndarray of float64
        By supporter point: the score of a need at no distance, before rounding.
    """

    rulebook: Rulebook
    params: MarketParams
    need: Positions
    need_at: Floats
    supporter: Positions
    supporter_at: Floats
    best_milli: Floats

    @classmethod
    def of(cls, rulebook: Rulebook, params: MarketParams) -> "SpatialIndex":
        """Index the needs and every supporter who can be deployed for one of them."""
        grid_m = np.column_stack([rulebook.easting_m, rulebook.northing_m])
        to_m, home_m = grid_m[rulebook.need_school], grid_m[rulebook.home_school]
        weights = rulebook.inputs.policy.weights
        # The first entries are empty, for rounds without any layer.
        needs, people = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=np.intp)]
        needs_at, people_at, best = [np.empty((0, 3))], [np.empty((0, 3))], [np.empty(0)]
        for number, (asking, offering, specialism, phase) in enumerate(_layers(rulebook)):
            unit_m = 1000 * rulebook.limit_km[offering].max()
            for who, at, from_m in ((asking, needs_at, to_m), (offering, people_at, home_m)):
                layer = np.full(len(who), float(_LAYER_GAP * number))
                at.append(np.column_stack([from_m[who] / unit_m, layer]))
            needs.append(asking)
            people.append(offering)
            mean = weights.specialism * specialism + weights.phase * phase + weights.distance
            best.append(1000 * mean / weights.total)
        return cls(
            rulebook,
            params,
            np.concatenate(needs),
            np.concatenate(needs_at),
            np.concatenate(people),
            np.concatenate(people_at),
            np.concatenate(best),
        )

    @cached_property
    def within_reach(self) -> int:
        """The number of pairs within reach of each other, or nearly; other rules are not applied."""
        if not len(self.need):
            return 0
        return int(self._need_tree.count_neighbors(self._supporter_tree, _REACH))

    def pairs_of(self, needs: slice) -> tuple[Positions, Positions]:
        """Return the eligible pairs of consecutive needs, in order of need, then supporter."""
        asking = np.flatnonzero((self.need >= needs.start) & (self.need < needs.stop))
        tree = self._need_tree if len(asking) == len(self.need) else _tree(self.need_at[asking])
        near = tree.sparse_distance_matrix(self._supporter_tree, _REACH, output_type="ndarray")
        return self._eligible(self.need[asking[near["i"]]], self.supporter[near["j"]])

    def nearest(self, count: int) -> tuple[Positions, Positions]:
        """Return the eligible pairs of each need with its `count` nearest supporters on each layer, in order."""
        if not len(self.need):
            return self.need, self.supporter
        # The result does not depend on the number of threads.
        found = self._supporter_tree.query(
            self.need_at, k=np.arange(count) + 1, distance_upper_bound=_REACH, workers=-1
        )[1]
        need, supporter = np.repeat(self.need, count), found.ravel()
        exists = supporter < len(self.supporter)
        return self._eligible(need[exists], self.supporter[supporter[exists]])

    def pairs_above(self, need_milli: Integers, supporter_milli: Integers) -> tuple[Positions, Positions, Integers]:
        """Return every eligible pair whose score exceeds the prices of its need and its supporter, and the scores.

        Parameters
        ----------
        need_milli, supporter_milli : ndarray of int64
            Prices by need and by supporter, in thousandths; `NEVER` of whom no pair is wanted.

        Notes
        -----
        A score falls with distance, over a layer's reach by the weight of distance, and faster for supporters who go
        less far. So a pair can exceed its prices only within a distance that depends on them.
        """
        weights = self.rulebook.inputs.policy.weights
        fall_milli = max(1000 * weights.distance / weights.total, 1e-9)
        # What is left of the best score after the supporter's price, and one thousandth more for rounding.
        asked, net = need_milli[self.need].astype(float), self.best_milli - supporter_milli[self.supporter] + 1
        layer, offered = (at[:, 2].astype(np.intp) // _LAYER_GAP for at in (self.need_at, self.supporter_at))
        n_layers = int(layer.max(initial=-1)) + 1
        most, least = np.full(n_layers, -float(NEVER)), np.full(n_layers, float(NEVER))
        np.maximum.at(most, offered, net)
        np.minimum.at(least, layer, asked)
        asking, offering = np.flatnonzero(asked < most[layer]), np.flatnonzero(net > least[offered])
        needs, people = [self.need[:0]], [self.supporter[:0]]
        offers = [(band, _tree(self.supporter_at[band]), net[band].max()) for band in self._bands(offering, net)]
        for band in self._bands(asking, asked):
            tree, least_asked = _tree(self.need_at[band]), asked[band].min()
            for other_band, other_tree, most_net in offers:
                reach = min((most_net - least_asked) / fall_milli, _REACH)
                if reach > 0:
                    near = tree.sparse_distance_matrix(other_tree, reach, output_type="ndarray")
                    one, other = band[near["i"]], other_band[near["j"]]
                    could = net[other] - asked[one] > fall_milli * near["v"]
                    needs.append(self.need[one[could]])
                    people.append(self.supporter[other[could]])
        need, supporter = self._eligible(np.concatenate(needs), np.concatenate(people))
        score = self.rulebook.fits(need, supporter).score_milli
        above = score > need_milli[need] + supporter_milli[supporter]
        return need[above], supporter[above], score[above]

    @cached_property
    def _need_tree(self) -> "scipy.spatial.cKDTree":
        return _tree(self.need_at)

    @cached_property
    def _supporter_tree(self) -> "scipy.spatial.cKDTree":
        return _tree(self.supporter_at)

    def _eligible(self, need: Positions, supporter: Positions) -> tuple[Positions, Positions]:
        """Return the pairs that break no rule, in order."""
        keep = self.rulebook.eligible(need, supporter)
        need, supporter = need[keep], supporter[keep]
        order = np.argsort(need * len(self.rulebook.inputs.supporters) + supporter, kind="stable")
        return need[order], supporter[order]

    def _bands(self, points: Positions, price: Floats) -> list[Positions]:
        """Return points in bands of similar prices."""
        order = points[np.argsort(price[points], kind="stable")]
        height = max(1, -(-len(order) // self.params.price_bands))
        begins = np.diff(price[order], prepend=-np.inf) > self.params.band_jump_milli
        begins[::height] = True
        return np.split(order, np.flatnonzero(begins)[1:]) if len(order) else []


def _layers(rulebook: Rulebook) -> Iterator[tuple[Positions, Positions, Floats, Floats]]:
    """Yield each kind of need that has supporters: the needs, the supporters and the supporters' two fits to them."""
    n_phases, n_codes = rulebook.phase_fit.shape[1], rulebook.accepts.shape[1]
    asking, code = np.nonzero(rulebook.accepts)
    kind = (rulebook.focus[asking] * n_phases + rulebook.phase[asking]) * n_codes + code
    order = np.argsort(kind, kind="stable")
    # By focus and by phase, so that the supporters of each are next to each other in memory.
    by_focus, by_phase = np.ascontiguousarray(rulebook.specialism_fit.T), np.ascontiguousarray(rulebook.phase_fit.T)
    kinds, first = np.unique(kind[order], return_index=True)
    # Without a need there would still be one part.
    parts = np.split(asking[order], first[1:])[: len(kinds)]
    for one, needs in zip(kinds.tolist(), parts, strict=True):
        focus, phase, designation = one // n_codes // n_phases, one // n_codes % n_phases, one % n_codes
        specialism_fit, phase_fit = by_focus[focus], by_phase[phase]
        fits = rulebook.available & (rulebook.designation == designation) & (specialism_fit > 0) & (phase_fit > 0)
        people = np.flatnonzero(fits)
        if len(people):
            yield needs, people, specialism_fit[people], phase_fit[people]


def _tree(points: Floats) -> "scipy.spatial.cKDTree":
    # Built several times as fast as a balanced tree.
    return scipy.spatial.cKDTree(points, balanced_tree=False, compact_nodes=False)
