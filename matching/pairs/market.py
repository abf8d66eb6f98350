"""Everything about a run that is settled before anything is chosen: verdicts, rules and eligible pairs."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from matching.accreditation import Verdicts, judge
from matching.inputs.read import Inputs
from matching.pairs.eligible import Pairs, eligible_pairs, pairs_of_needs, scored
from matching.pairs.rules import Rulebook
from matching.pairs.spatial_index import SpatialIndex
from matching.solve.arrays import Positions

Row = dict[Hashable, Any]
"""One row of a table by its column names."""

# With more pairs in reach than these, only those that may matter are kept.
_MANY_PAIRS = 500_000
# Then a need begins with its nearest people of each designation, and all pairs are looked at so many at once.
_FIRST_PEOPLE = 12
_PAIRS_AT_ONCE = 250_000


@dataclass(frozen=True)
class Market:
    """Who could serve whom, and why not; the pairs are searched when they are first asked for.

    In a large round most pairs matter to nobody. It is allocated without ever holding all of them: from `candidate_pairs`,
    by asking for those that are worth more than some prices, and for the reasons block by block.
    """

    inputs: Inputs
    verdicts: Verdicts
    rulebook: Rulebook

    @cached_property
    def pairs(self) -> Pairs:
        """Every eligible pair."""
        return eligible_pairs(self.spatial_index)

    @cached_property
    def spatial_index(self) -> SpatialIndex:
        """Needs and people by place."""
        return SpatialIndex.of(self.rulebook)

    @cached_property
    def is_large(self) -> bool:
        """Whether only the pairs that may matter are kept."""
        return self.spatial_index.within_reach > _MANY_PAIRS

    @cached_property
    def candidate_pairs(self) -> Pairs:
        """The pairs that an allocation begins with: all, or in a large round those that are likely to matter.

        These are each need's nearest people, and whoever has it in an earlier plan, as far as they are eligible.
        """
        if not self.is_large:
            return self.pairs
        need, supporter = self.spatial_index.nearest(_FIRST_PEOPLE)
        n_people = len(self.inputs.supporters)
        earlier = np.divmod(self.rulebook.earlier, max(n_people, 1))
        kept = self.rulebook.earlier[self.rulebook.eligible(*earlier)]
        codes = np.sort(np.concatenate([need * n_people + supporter, kept]))
        need, supporter = np.divmod(codes[np.diff(codes, prepend=-1) > 0], max(n_people, 1))
        return scored(self.rulebook, need, supporter)

    def blocks(self) -> Iterator[tuple[slice, Pairs]]:
        """Some needs that follow each other, and all of their eligible pairs; then the next."""
        if not self._has_few:
            yield slice(0, len(self.inputs.needs)), self.pairs
            return
        for needs in self.slices():
            yield needs, pairs_of_needs(self.spatial_index, needs)

    def slices(self) -> Iterator[slice]:
        """All needs, so many after the others that their pairs fit well into memory."""
        n_needs = len(self.inputs.needs)
        height = max(1, n_needs * _PAIRS_AT_ONCE // max(self.spatial_index.within_reach, 1))
        for first in range(0, n_needs, height):
            yield slice(first, min(first + height, n_needs))

    def pairs_of_need(self, need: int) -> Pairs:
        """The eligible pairs of one need, perhaps with those of others."""
        if self._has_few:
            return pairs_of_needs(self.spatial_index, slice(need, need + 1))
        return self.pairs

    @cached_property
    def eligible_by_need(self) -> Positions:
        """How many eligible supporters each need has."""
        if not self._has_few:
            return self.pairs.count_by_need()
        n_needs = len(self.inputs.needs)
        count = np.zeros(n_needs, dtype=np.intp)
        for needs in self.slices():
            count += np.bincount(self.spatial_index.pairs_of(needs)[0], minlength=n_needs)
        return count

    @property
    def _has_few(self) -> bool:
        """Whether not all pairs are known yet, and they are too many to be found without cause."""
        return self.is_large and "pairs" not in vars(self)

    @cached_property
    def needs(self) -> list[Row]:
        """The needs one by one, for sentences about single ones: looking a row up in a frame takes far longer."""
        return _rows(self.inputs.needs)

    @cached_property
    def supporters(self) -> list[Row]:
        """The supporters one by one."""
        return _rows(self.inputs.supporters)

    def school_of(self, need: int) -> Row:
        """The school of a need."""
        return self._schools[int(self.rulebook.need_school[need])]

    @cached_property
    def _schools(self) -> dict[int, Row]:
        asking = np.unique(self.rulebook.need_school)
        rows = _rows(self.inputs.schools[["name", "phase", "trust"]].iloc[asking])
        return dict(zip(asking.tolist(), rows, strict=True))


def _rows(frame: pd.DataFrame) -> list[Row]:
    # Several times as fast as the library's to_dict("records").
    names = frame.columns.tolist()
    columns = [frame[name].tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def open_market(inputs: Inputs) -> Market:
    """Judge accreditation and lay down the rules."""
    verdicts = judge(inputs)
    return Market(inputs, verdicts, Rulebook.of(inputs, verdicts))
