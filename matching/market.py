"""Everything about a run that is settled before anything is chosen: verdicts, rules and eligible pairs."""

from dataclasses import dataclass
from functools import cached_property

from matching.accreditation import Verdicts, judge
from matching.inputs import Inputs
from matching.pairs import Pairs, eligible_pairs
from matching.rules import Rulebook


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


def open_market(inputs: Inputs) -> Market:
    """Judge accreditation and lay down the rules."""
    verdicts = judge(inputs)
    return Market(inputs, verdicts, Rulebook.of(inputs, verdicts))
