"""Who is near whom: needs and people by place, each kind of need with the people for it on a sheet of its own.

A kind is a focus, a phase and a designation. Lengths on a sheet are in units of how far the farthest-going of its
people goes, so that whoever is in reach is within 1. The sheets lie so far apart that one search covers all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from matching.pairs.rules import Rulebook
from matching.solve.arrays import Floats, Integers, Positions
from matching.solve.problem import NEVER

# The search measures in floating point from other numbers than the rule does: look a little further, then ask the rule.
_REACH = 1 + 1e-6
_BETWEEN_SHEETS = 4
# Needs, and people, that ask for about as much are searched together, in about so many bands; what they ask differs by
# less than a jump, in thousandths.
_BANDS = 5
_JUMP_MILLI = 500


@dataclass(frozen=True)
class SpatialIndex:
    """Needs and people on sheets.

    Attributes
    ----------
    rulebook : Rulebook
    need, supporter : ndarray of intp
        Who stands where, by place of needs and by place of people; each stands on several sheets.
    need_at, supporter_at : ndarray of float64
        The places: shapes (places of needs, 3) and (places of people, 3); the last column tells the sheet.
    most_milli : ndarray of float64
        By place of people: the score of somebody at no distance, before it is rounded.
    """

    rulebook: Rulebook
    need: Positions
    need_at: Floats
    supporter: Positions
    supporter_at: Floats
    most_milli: Floats

    @classmethod
    def of(cls, rulebook: Rulebook) -> "SpatialIndex":
        """Lay out the needs and everybody who can be deployed for them."""
        grid_m = np.column_stack([rulebook.easting_m, rulebook.northing_m])
        place, home = grid_m[rulebook.need_school], grid_m[rulebook.home_school]
        weights = rulebook.inputs.policy.weights
        needs, people, most = [], [], []
        needs_at: list[Floats] = []
        people_at: list[Floats] = []
        for number, (asking, offering, specialism, phase) in enumerate(_sheets(rulebook)):
            unit_m = 1000 * rulebook.limit_km[offering].max()
            for who, at, positions_m in ((asking, needs_at, place), (offering, people_at, home)):
                sheet = np.full(len(who), float(_BETWEEN_SHEETS * number))
                at.append(np.column_stack([positions_m[who] / unit_m, sheet]))
            needs.append(asking)
            people.append(offering)
            mean = weights.specialism * specialism + weights.phase * phase + weights.distance
            most.append(1000 * mean / weights.total)
        nobody, nowhere = np.empty(0, dtype=np.intp), np.empty((0, 3))
        return cls(
            rulebook,
            np.concatenate([nobody, *needs]),
            np.concatenate([nowhere, *needs_at]),
            np.concatenate([nobody, *people]),
            np.concatenate([nowhere, *people_at]),
            np.concatenate([np.empty(0), *most]),
        )

    @cached_property
    def within_reach(self) -> int:
        """How many pairs are in reach of each other, or nearly; the other rules are not asked."""
        if not len(self.need):
            return 0
        return int(self._needs.count_neighbors(self._people, _REACH))

    def pairs_of(self, needs: slice) -> tuple[Positions, Positions]:
        """The eligible pairs of some needs, in order of need, then supporter."""
        asking = np.flatnonzero((self.need >= needs.start) & (self.need < needs.stop))
        tree = self._needs if len(asking) == len(self.need) else _tree(self.need_at[asking])
        near = tree.sparse_distance_matrix(self._people, _REACH, output_type="ndarray")
        return self._eligible(self.need[asking[near["i"]]], self.supporter[near["j"]])

    def nearest(self, count: int) -> tuple[Positions, Positions]:
        """Eligible pairs of each need with its nearest people, up to `count` on each sheet; in order."""
        if not len(self.need):
            return self.need, self.supporter
        # However many threads search, they find the same.
        found = self._people.query(self.need_at, k=np.arange(count) + 1, distance_upper_bound=_REACH, workers=-1)[1]
        need, supporter = np.repeat(self.need, count), found.ravel()
        known = supporter < len(self.supporter)
        return self._eligible(need[known], self.supporter[supporter[known]])

    def pairs_above(self, need_milli: Integers, supporter_milli: Integers) -> tuple[Positions, Positions, Integers]:
        """Every eligible pair whose score is more than what its need and its supporter ask, and the score.

        Parameters
        ----------
        need_milli, supporter_milli : ndarray of int64
            By need and by supporter, in thousandths: what they ask, `NEVER` of whom no pair is wanted.

        Notes
        -----
        A score falls with distance, by the weight of distance over all of a sheet's reach, and faster for those who go
        less far. So whatever is worth more than is asked lies within a distance that the prices tell.
        """
        weights = self.rulebook.inputs.policy.weights
        fall_milli = max(1000 * weights.distance / weights.total, 1e-9)
        asked, room = need_milli[self.need].astype(float), self.most_milli - supporter_milli[self.supporter]
        # One thousandth more, for rounding.
        room += 1
        sheet, offered = (at[:, 2].astype(np.intp) // _BETWEEN_SHEETS for at in (self.need_at, self.supporter_at))
        n_sheets = int(sheet.max(initial=-1)) + 1
        most, least = np.full(n_sheets, -float(NEVER)), np.full(n_sheets, float(NEVER))
        np.maximum.at(most, offered, room)
        np.minimum.at(least, sheet, asked)
        asking, offering = np.flatnonzero(asked < most[sheet]), np.flatnonzero(room > least[offered])
        needs, people = [self.need[:0]], [self.supporter[:0]]
        offers = [(band, _tree(self.supporter_at[band]), room[band].max()) for band in _bands(offering, room)]
        for band in _bands(asking, asked):
            tree, least_asked = _tree(self.need_at[band]), asked[band].min()
            for other_band, other_tree, most_room in offers:
                reach = min((most_room - least_asked) / fall_milli, _REACH)
                if reach > 0:
                    near = tree.sparse_distance_matrix(other_tree, reach, output_type="ndarray")
                    one, other = band[near["i"]], other_band[near["j"]]
                    could = room[other] - asked[one] > fall_milli * near["v"]
                    needs.append(self.need[one[could]])
                    people.append(self.supporter[other[could]])
        need, supporter = self._eligible(np.concatenate(needs), np.concatenate(people))
        score = self.rulebook.fits(need, supporter).score_milli
        more = score > need_milli[need] + supporter_milli[supporter]
        return need[more], supporter[more], score[more]

    @cached_property
    def _needs(self) -> cKDTree:
        return _tree(self.need_at)

    @cached_property
    def _people(self) -> cKDTree:
        return _tree(self.supporter_at)

    def _eligible(self, need: Positions, supporter: Positions) -> tuple[Positions, Positions]:
        """Those pairs that break no rule, in order."""
        keep = self.rulebook.eligible(need, supporter)
        need, supporter = need[keep], supporter[keep]
        order = np.argsort(need * len(self.rulebook.inputs.supporters) + supporter, kind="stable")
        return need[order], supporter[order]


def _sheets(rulebook: Rulebook) -> Iterator[tuple[Positions, Positions, Floats, Floats]]:
    """Kinds of need that there are people for: the needs, the people, and the people's fits to them."""
    n_phases, n_codes = rulebook.phase_fit.shape[1], rulebook.accepts.shape[1]
    asking, code = np.nonzero(rulebook.accepts)
    kind = (rulebook.focus[asking] * n_phases + rulebook.phase[asking]) * n_codes + code
    order = np.argsort(kind, kind="stable")
    # By focus and by phase, so that each has all people next to each other in memory.
    by_focus, by_phase = np.ascontiguousarray(rulebook.specialism_fit.T), np.ascontiguousarray(rulebook.phase_fit.T)
    kinds, first = np.unique(kind[order], return_index=True)
    for one, needs in zip(kinds.tolist(), np.split(asking[order], first[1:]), strict=True):
        focus, phase, designation = one // n_codes // n_phases, one // n_codes % n_phases, one % n_codes
        specialism_fit, phase_fit = by_focus[focus], by_phase[phase]
        fits = rulebook.available & (rulebook.designation == designation) & (specialism_fit > 0) & (phase_fit > 0)
        people = np.flatnonzero(fits)
        if len(people):
            yield needs, people, specialism_fit[people], phase_fit[people]


def _tree(places: Floats) -> cKDTree:
    # Less tidy, and built several times as fast.
    return cKDTree(places, balanced_tree=False, compact_nodes=False)


def _bands(places: Positions, asked: Floats) -> list[Positions]:
    """Some places in bands of those that ask for about as much."""
    order = places[np.argsort(asked[places], kind="stable")]
    height = max(1, -(-len(order) // _BANDS))
    begins = np.diff(asked[order], prepend=-np.inf) > _JUMP_MILLI
    begins[::height] = True
    return np.split(order, np.flatnonzero(begins)[1:]) if len(order) else []
