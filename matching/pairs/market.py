"""The market of a run: verdicts, rules and eligible pairs, before anything is chosen."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from matching.accreditation import Verdicts, judge
from matching.inputs.inputs import Inputs
from matching.pairs.eligible import Pairs, eligible_pairs, pairs_of_needs, scored
from matching.pairs.rules import Rulebook
from matching.pairs.spatial_index import SpatialIndex
from matching.solve.params import DEFAULTS, SolveParams
from matching.solve.problem import Positions

Row = dict[Hashable, Any]
"""One row of a table by its column names."""


@dataclass(frozen=True)
class Market:
    """Who could serve whom, and why not.

    A large round is allocated, and its reasons are written, without all of its pairs in memory: from
    `candidate_pairs`, through the spatial index, and block by block.

    Attributes
    ----------
    only : Pairs, optional
        The only pairs that may be chosen; every eligible pair unless given.
    keeps_all_pairs : bool
        Whether all pairs stay in memory even in a large round, for callers who use them again and again.
    """

    inputs: Inputs
    verdicts: Verdicts
    rulebook: Rulebook
    params: SolveParams = DEFAULTS
    only: Pairs | None = None
    keeps_all_pairs: bool = False

    @cached_property
    def pairs(self) -> Pairs:
        """Every pair that may be chosen; in a large round they take much memory."""
        return eligible_pairs(self.spatial_index) if self.only is None else self.only

    @cached_property
    def spatial_index(self) -> SpatialIndex:
        """Needs and supporters by location."""
        return SpatialIndex.of(self.rulebook, self.params.market)

    @cached_property
    def is_large(self) -> bool:
        """Whether the round is solved from candidate pairs."""
        return self.only is None and self.spatial_index.within_reach > self.params.market.large_above

    @cached_property
    def candidate_pairs(self) -> Pairs:
        """The pairs that an allocation begins with: all, or in a large round those that are likely to matter.

        These are each need's nearest supporters and its supporter in an earlier plan, as far as they are eligible.
        """
        if not self.is_large:
            return self.pairs
        need, supporter = self.spatial_index.nearest(self.params.market.nearest_supporters)
        n_people = len(self.inputs.supporters)
        earlier = np.divmod(self.rulebook.earlier, max(n_people, 1))
        kept = self.rulebook.earlier[self.rulebook.eligible(*earlier)]
        codes = np.sort(np.concatenate([need * n_people + supporter, kept]))
        need, supporter = np.divmod(codes[np.diff(codes, prepend=-1) > 0], max(n_people, 1))
        return scored(self.rulebook, need, supporter)

    def blocks(self) -> Iterator[tuple[slice, Pairs]]:
        """Yield consecutive needs with all of their pairs, in one block or as many as memory asks for."""
        if not self._is_in_blocks:
            yield slice(0, len(self.inputs.needs)), self.pairs
            return
        for needs in self.need_blocks():
            yield needs, pairs_of_needs(self.spatial_index, needs)

    def need_blocks(self) -> Iterator[slice]:
        """Yield all needs in consecutive blocks whose pairs fit well into memory."""
        n_needs = len(self.inputs.needs)
        height = max(1, n_needs * self.params.market.pairs_per_block // max(self.spatial_index.within_reach, 1))
        for first in range(0, n_needs, height):
            yield slice(first, min(first + height, n_needs))

    def pairs_of_need(self, need: int) -> Pairs:
        """Return pairs that include all those of one need."""
        return pairs_of_needs(self.spatial_index, slice(need, need + 1)) if self._is_in_blocks else self.pairs

    @cached_property
    def eligible_by_need(self) -> Positions:
        """The number of eligible supporters of each need."""
        if not self._is_in_blocks:
            return self.pairs.count_by_need()
        n_needs = len(self.inputs.needs)
        count = np.zeros(n_needs, dtype=np.intp)
        for needs in self.need_blocks():
            count += np.bincount(self.spatial_index.pairs_of(needs)[0], minlength=n_needs)
        return count

    @property
    def _is_in_blocks(self) -> bool:
        return self.is_large and not self.keeps_all_pairs

    @cached_property
    def needs(self) -> list[Row]:
        """The needs one by one: looking a row up in a frame takes far longer."""
        return _rows(self.inputs.needs)

    @cached_property
    def supporters(self) -> list[Row]:
        """The supporters one by one."""
        return _rows(self.inputs.supporters)

    def school_of(self, need: int) -> Row:
        """Return the school of a need: its name, phase, trust and federation."""
        return self._schools[int(self.rulebook.need_school[need])]

    @cached_property
    def _schools(self) -> dict[int, Row]:
        asking = np.unique(self.rulebook.need_school)
        rows = _rows(self.inputs.schools[["name", "phase", "trust", "trust_code", "federation"]].iloc[asking])
        return dict(zip(asking.tolist(), rows, strict=True))


def _rows(frame: pd.DataFrame) -> list[Row]:
    # Several times as fast as the library's to_dict("records").
    names = frame.columns.tolist()
    columns = [frame[name].tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def open_market(inputs: Inputs, params: SolveParams = DEFAULTS, *, keep_all_pairs: bool = False) -> Market:
    """Judge accreditation and lay down the rules.

    Parameters
    ----------
    keep_all_pairs : bool
        Whether all pairs are to stay in memory even in a large round.
    """
    verdicts = judge(inputs)
    return Market(inputs, verdicts, Rulebook(inputs, verdicts.accredited), params, keeps_all_pairs=keep_all_pairs)
