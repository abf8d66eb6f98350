"""What places and days are worth where the score alone counts, and the score that no plan of a part can exceed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # loads `scipy.optimize` when it is first asked for: most plans need none of it
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from matching.programme import Programme
from matching.relaxation import most_by_people
from matching.task import Positions, Task, best_of_each_need
from matching.watch import Watch

Floats = NDArray[np.float64]

# Pairs that a need brings to the first solve, and adds in each round after it.
_FIRST_PAIRS = 6
_MORE_PAIRS = 8
# The bound holds at any prices; after a few rounds better ones change it little.
_MOST_ROUNDS = 3
# Prices come in floating point: less than this is nothing.
_NOTHING = 1e-6


@dataclass(frozen=True)
class DayPrices:
    """Prices of one part.

    Attributes
    ----------
    beyond : ndarray of float64
        By pair: what it is worth beyond the price of its place and its days, in thousandths.
    most_score : int
        The score, in thousandths, that no plan of the part can exceed.
    """

    beyond: Floats
    most_score: int


@dataclass(frozen=True)
class _Offer:
    """What the supporters of a part offer, in whole and in hundredths of days, and what each pair asks."""

    places: Floats
    days: Floats
    days_asked: Floats


def day_prices(
    task: Task, part: Programme, needs: Positions, supporters: Positions, beyond: Floats, watch: Watch
) -> DayPrices | None:
    """Price the places and days of a part; None where there is no time for it.

    `beyond` says which pairs are promising to begin with.

    Notes
    -----
    Whatever the prices v of places and d of days, no plan is worth more than the sum of what each need's best pair is
    worth beyond its price, u_i = max(0, max_j w_ij - v_j - days_i d_j), and of all places and days at their price. The
    best such prices are the duals of the linear relaxation, solved over the pairs that matter and priced over all.

    Going from the needs' side, no plan is worth more than the sum of u_i and of what each supporter could gain at most
    by taking whole needs at w_ij - u_i, as far as places and days go: that is the tighter one, since a supporter with
    eight days cannot take a day and a half of a need. (Lagrangean relaxation; Fisher, Management Science 27, 1981.)
    """
    limited = np.isfinite(task.days_offered[supporters])
    offer = _Offer(
        task.places[supporters].astype(np.float64),
        np.where(limited, task.days_offered[supporters], 0.0),
        np.where(limited[part.supporter], task.days_asked[needs][part.need], 0).astype(np.float64),
    )
    active = best_of_each_need(part.need, beyond, _FIRST_PAIRS)
    worth = part.value_milli.astype(np.float64)
    surplus = np.zeros(len(needs))
    for _ in range(_MOST_ROUNDS):
        answer = _relaxed(part, offer, active, len(needs), watch)
        if answer is None or answer.status != 0:
            return None
        v, d = np.split(np.maximum(-answer.ineqlin.marginals[len(needs) :], 0), 2)
        beyond = worth - v[part.supporter] - d[part.supporter] * offer.days_asked
        surplus = np.zeros(len(needs))
        np.maximum.at(surplus, part.need, beyond)
        reached = np.zeros(len(needs))
        np.maximum.at(reached, part.need[active], beyond[active])
        promising = np.flatnonzero(beyond > reached[part.need] + _NOTHING)
        if not len(promising):
            break
        more = promising[best_of_each_need(part.need[promising], beyond[promising], _MORE_PAIRS)]
        active = np.union1d(active, more)
    dual = float(surplus.sum() + (v * offer.places).sum() + (d * offer.days).sum())
    by_people = most_by_people(part, len(needs), worth - surplus[part.need], watch)
    most = dual if by_people is None else min(dual, float(surplus.sum()) + by_people)
    return DayPrices(beyond, int(np.floor(most + 1e-3)))


def _relaxed(
    part: Programme, offer: _Offer, active: Positions, n_needs: int, watch: Watch
) -> "scipy.optimize.OptimizeResult | None":
    """The linear relaxation over some pairs."""
    columns = np.arange(len(active))
    by_need = csr_array((np.ones(len(active)), (part.need[active], columns)), shape=(n_needs, len(active)))
    # The library takes sparse rows, though its annotations know of dense ones only.
    rows: Any = vstack([by_need, *_by_supporter(part, offer, active)])
    limits = np.concatenate([np.ones(n_needs), offer.places, offer.days])
    return watch.within(
        lambda: scipy.optimize.linprog(
            -part.value_milli[active].astype(np.float64),
            A_ub=rows,
            b_ub=limits,
            bounds=(0.0, np.inf),
            method="highs-ipm",
        )
    )


def _by_supporter(part: Programme, offer: _Offer, pairs: Positions) -> tuple[csr_array, csr_array]:
    """Rows of places and of days over some pairs."""
    columns, shape = np.arange(len(pairs)), (len(offer.places), len(pairs))
    supporter = part.supporter[pairs]
    places = csr_array((np.ones(len(pairs)), (supporter, columns)), shape=shape)
    return places, csr_array((offer.days_asked[pairs], (supporter, columns)), shape=shape)
