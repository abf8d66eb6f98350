"""Who serves which need, and what each supporter has left."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.pairs.market import Market
from matching.pairs.side_constraints import OutcomeCounts
from matching.solve.problem import UNMET, Flags, Positions


@dataclass(frozen=True)
class Outcome:
    """Who serves which need.

    Attributes
    ----------
    supporter_of : ndarray of intp
        By need: the supporter, or `UNMET`.
    origin : ndarray of object
        By need: `optimised`, `pinned` or `kept`; empty for an unmet need.
    """

    supporter_of: Positions
    origin: NDArray[np.object_]

    @classmethod
    def of(cls, market: Market, supporter_of: Positions) -> "Outcome":
        """Return the outcome with each deployment's origin: pinned, kept from the earlier plan, or else optimised."""
        pair = np.arange(len(supporter_of)) * len(market.inputs.supporters) + supporter_of
        met = supporter_of != UNMET
        origin = np.full(len(supporter_of), "", dtype=object)
        origin[met] = "optimised"
        origin[met & np.isin(pair, market.rulebook.earlier)] = "kept"
        origin[met & np.isin(pair, market.rulebook.decided["pin"])] = "pinned"
        return cls(supporter_of, origin)

    def used(self, market: Market) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the number of deployments, and the days in hundredths, of each supporter."""
        met = self.supporter_of != UNMET
        count = len(market.inputs.supporters)
        deployments = np.bincount(self.supporter_of[met], minlength=count)
        days = np.bincount(self.supporter_of[met], weights=market.rulebook.days_asked[met], minlength=count)
        return deployments.astype(np.int64), np.rint(days).astype(np.int64)


@dataclass(frozen=True)
class Remaining:
    """What an outcome leaves free.

    Attributes
    ----------
    met : ndarray of bool
        By need.
    level : ndarray of intp
        By need: 0 critical, 1 high, 2 normal.
    places_left : ndarray of int64
        By supporter; negative where pins take more than the supporter has.
    days_left : ndarray of float64
        By supporter, in hundredths; infinite without a limit, negative where pins take more than the supporter has.
    counts : OutcomeCounts
        What packages and the limits on schools make of the outcome.
    """

    met: Flags
    level: Positions
    places_left: NDArray[np.int64]
    days_left: NDArray[np.float64]
    counts: OutcomeCounts

    @classmethod
    def of(cls, market: Market, outcome: Outcome) -> "Remaining":
        """Return what this outcome leaves free."""
        rulebook, supporter_of = market.rulebook, outcome.supporter_of
        deployments, days = outcome.used(market)
        return cls(
            supporter_of != UNMET,
            rulebook.priority_level,
            rulebook.places - deployments,
            rulebook.days_offered - days,
            OutcomeCounts(rulebook, supporter_of),
        )

    @cached_property
    def is_full(self) -> Flags:
        """By supporter: whether every place is used."""
        return np.asarray(self.places_left <= 0)

    def has_days(self, market: Market, need: Positions, supporter: Positions) -> Flags:
        """Return whether the supporter of each pair has the days left that its need takes."""
        return np.asarray(market.rulebook.days_asked[need] <= np.maximum(self.days_left, 0)[supporter])
