"""What places and days are worth where the score alone counts, and the score that no plan of a part can exceed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # loads `scipy.optimize` when it is first asked for: most plans need none of it
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from matching.parts import Part
from matching.programme import programme_of
from matching.relaxation import most_by_people
from matching.rest import Rest, least_of_best
from matching.task import NEVER, Positions, Task, Whole, best_of_each_need, rank_in_order
from matching.watch import Watch

Floats = NDArray[np.float64]

# Pairs that a need brings to the first solve, and adds in each round after it.
FIRST_PAIRS = 6
_MORE_PAIRS = 8
# The bound holds at any prices; after a few rounds better ones change it little.
_MOST_ROUNDS = 3
# Pairs that are not at hand are asked for what somebody could gain by them, out of so many at once.
_PAIRS_AT_ONCE = 250_000
# Prices come in floating point: less than this is nothing.
_NOTHING = 1e-6


@dataclass(frozen=True)
class Prices:
    """Prices of places and of days.

    Attributes
    ----------
    of_place, of_day : ndarray of float64
        By supporter of the task, in thousandths; the latter of a hundredth of a day, nothing without a limit of days.
    """

    of_place: Floats
    of_day: Floats

    def beyond(self, need: Positions, supporter: Positions, value_milli: Whole, days_asked: Whole) -> Floats:
        """By pair: what it is worth beyond the price of its place and its days; `days_asked` is by need."""
        beyond: Floats = value_milli - self.of_place[supporter] - self.of_day[supporter] * days_asked[need]
        return beyond


@dataclass(frozen=True)
class DayPrices(Prices):
    """Prices of one part.

    Attributes
    ----------
    most_score : int
        The score, in thousandths, that no plan of the part can exceed.
    """

    most_score: int


def day_prices(task: Task, rest: Rest | None, part: Part, price: Whole, watch: Watch) -> tuple[Task, DayPrices | None]:
    """Price the places and days of a part; None where there is no time for it.

    First comes the task with the pairs of the rest that were asked for. The prices of places only say which pairs are
    promising to begin with: the best `FIRST_PAIRS` of each need are at hand.

    Notes
    -----
    Whatever the prices v of places and d of days, no plan is worth more than the sum of what each need's best pair is
    worth beyond its price, u_i = max(0, max_j w_ij - v_j - days_i d_j), and of all places and days at their price. The
    best such prices are the duals of the linear relaxation, solved over the pairs that matter and priced over all.

    Going from the needs' side, no plan is worth more than the sum of u_i and of what each supporter could gain at most
    by taking whole needs at w_ij - u_i, as far as places and days go: that is the tighter one, since a supporter with
    eight days cannot take a day and a half of a need. (Lagrangean relaxation; Fisher, Management Science 27, 1981.)
    """
    pairs = np.flatnonzero(np.isin(task.need, part.needs))
    active = pairs[best_of_each_need(task.need[pairs], (task.weight - price[task.supporter])[pairs], FIRST_PAIRS)]
    prices, surplus = Prices(np.zeros(0), np.zeros(0)), np.zeros(len(task.level))
    for _ in range(_MOST_ROUNDS):
        found = _relaxed(task, part, active, watch)
        if found is None:
            return task, None
        prices = found
        reached = _most_by_need(task, active, prices)
        task, place = _with_beyond(task, rest, part, prices, reached, _MORE_PAIRS)
        active, pairs = place[active], np.flatnonzero(np.isin(task.need, part.needs))
        surplus = _most_by_need(task, pairs, prices)
        beyond = prices.beyond(task.need, task.supporter, task.value_milli, task.days_asked)
        promising = pairs[beyond[pairs] > reached[task.need[pairs]] + _NOTHING]
        if not len(promising):
            break
        more = promising[best_of_each_need(task.need[promising], beyond[promising], _MORE_PAIRS)]
        active = np.union1d(active, more)
    days = np.where(np.isfinite(task.days_offered), task.days_offered, 0.0)
    most = float(surplus[part.needs].sum() + prices.of_place @ task.places + prices.of_day @ days)
    few = _could_gain(task, rest, part, surplus)
    programme = programme_of(few, part.needs, part.supporters)
    by_people = most_by_people(programme, len(part.needs), (few.value_milli - surplus[few.need])[programme.pair], watch)
    if by_people is not None:
        most = min(most, float(surplus[part.needs].sum()) + by_people)
    return task, DayPrices(prices.of_place, prices.of_day, int(np.floor(most + 1e-3)))


def with_best_by_days(task: Task, rest: Rest | None, part: Part, prices: Prices, count: int) -> Task:
    """The task with so many of the pairs that are worth most beyond these prices, of each need of a part."""
    pairs = np.flatnonzero(np.isin(task.need, part.needs))
    beyond = prices.beyond(task.need, task.supporter, task.value_milli, task.days_asked)[pairs]
    least = least_of_best(task.need[pairs], beyond, count, len(task.level))
    return _with_beyond(task, rest, part, prices, least, count)[0]


def _with_beyond(
    task: Task, rest: Rest | None, part: Part, prices: Prices, least: Floats, count: int
) -> tuple[Task, Positions]:
    """The task with the pairs of the rest that are worth more than so much beyond these prices.

    Of each need there are so many at most, those that are worth most. Beside it, where the pairs are that it had.
    """
    if rest is None:
        return task, np.arange(len(task.need))
    asked = np.full(len(task.level), NEVER, dtype=np.int64)
    asked[part.needs] = np.floor(np.maximum(least[part.needs], -NEVER))
    fewest_days = task.days_asked[part.needs].min(initial=0)
    need, supporter, value = rest.worth_more(asked, np.floor(prices.of_place + prices.of_day * fewest_days).astype(int))
    beyond = prices.beyond(need, supporter, value, task.days_asked)
    more = np.flatnonzero(beyond > least[need] + _NOTHING)
    more = more[np.argsort(need[more], kind="stable")]
    more = more[best_of_each_need(need[more], beyond[more], count)]
    return task.with_pairs(need[more], supporter[more], value[more])


def _most_by_need(task: Task, pairs: Positions, prices: Prices) -> Floats:
    """By need: the most that any of these pairs is worth beyond these prices, or nothing."""
    beyond = prices.beyond(task.need[pairs], task.supporter[pairs], task.value_milli[pairs], task.days_asked)
    most = np.zeros(len(task.level))
    np.maximum.at(most, task.need[pairs], beyond)
    return most


def _could_gain(task: Task, rest: Rest | None, part: Part, surplus: Floats) -> Task:
    """The task with only those pairs of a part by which somebody could gain, where each need asks its surplus.

    Of the pairs of one supporter that ask equally many days, only as many as there are places can be in a best load.
    """
    few = _gaining(task.of(np.flatnonzero(np.isin(task.need, part.needs))), surplus)
    if rest is None:
        return few
    of_supporter = np.zeros(len(task.places), dtype=np.int64)
    for needs in np.split(part.needs, np.flatnonzero(np.diff(np.cumsum(part.pairs_of_need) // _PAIRS_AT_ONCE)) + 1):
        asked = np.full(len(task.level), NEVER, dtype=np.int64)
        asked[needs] = np.floor(surplus[needs])
        few = _gaining(few.with_pairs(*rest.worth_more(asked, of_supporter))[0], surplus)
    return few


def _gaining(task: Task, surplus: Floats) -> Task:
    """The task with only those of its pairs that could be in a best load."""
    gain = task.value_milli - surplus[task.need]
    pairs = np.flatnonzero(gain > 0)
    supporter, days = task.supporter[pairs], task.days_asked[task.need[pairs]]
    order = np.lexsort((-gain[pairs], days, supporter))
    kind = supporter[order] * (int(days.max(initial=0)) + 1) + days[order]
    return task.of(np.sort(pairs[order[rank_in_order(kind) < task.places[supporter[order]]]]))


def _relaxed(task: Task, part: Part, active: Positions, watch: Watch) -> Prices | None:
    """The prices of the linear relaxation over some pairs; None where there is no time for it."""
    n_needs, n_people, columns = len(part.needs), len(part.supporters), np.arange(len(active))
    need = np.searchsorted(part.needs, task.need[active])
    supporter = np.searchsorted(part.supporters, task.supporter[active])
    limited = np.isfinite(task.days_offered[part.supporters])
    days = np.where(limited[supporter], task.days_asked[task.need[active]], 0).astype(np.float64)
    ones, shape = np.ones(len(active)), (n_people, len(active))
    # The library takes sparse rows, though its annotations know of dense ones only.
    rows: Any = vstack(
        [
            csr_array((ones, (need, columns)), shape=(n_needs, len(active))),
            csr_array((ones, (supporter, columns)), shape=shape),
            csr_array((days, (supporter, columns)), shape=shape),
        ]
    )
    limits = np.concatenate(
        [
            np.ones(n_needs),
            task.places[part.supporters],
            np.where(limited, task.days_offered[part.supporters], 0.0),
        ]
    )
    answer = watch.within(
        lambda: scipy.optimize.linprog(
            -task.value_milli[active].astype(np.float64),
            A_ub=rows,
            b_ub=limits,
            bounds=(0.0, np.inf),
            method="highs-ipm",
        )
    )
    if answer is None or answer.status != 0:
        return None
    prices = Prices(np.zeros(len(task.places)), np.zeros(len(task.places)))
    dual = np.maximum(-answer.ineqlin.marginals[n_needs:], 0)
    prices.of_place[part.supporters], prices.of_day[part.supporters] = np.split(dual, 2)
    return prices
