"""Everything about a run that is settled before anything is chosen: verdicts, rules and eligible pairs."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from matching.accreditation import Verdicts, judge
from matching.inputs import Inputs
from matching.pairs import Pairs, eligible_pairs
from matching.rules import Rulebook

Row = dict[Hashable, Any]
"""One row of a table by its column names."""


@dataclass(frozen=True)
class Market:
    """Who could serve whom, and why not; the pairs are searched when they are first asked for."""

    inputs: Inputs
    verdicts: Verdicts
    rulebook: Rulebook

    @cached_property
    def pairs(self) -> Pairs:
        """Every eligible pair."""
        return eligible_pairs(self.rulebook)

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
