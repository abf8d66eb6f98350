"""Lagrangian bound: dual prices of places, days and side constraints for the score alone, and its upper bound."""

from dataclasses import dataclass, replace

import numpy as np

from matching.solve.arrays import Floats, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.components import Component
from matching.solve.highs import Model, relaxed
from matching.solve.pricing_oracle import PricingOracle, least_of_best, with_best_pairs
from matching.solve.problem import NEVER, AssignmentProblem, best_of_each_need, rank_in_order
from matching.solve.programme import programme_of
from matching.solve.relaxation import most_by_people

# Pairs that a need brings to the first solve, and adds in each round after it.
FIRST_PAIRS = 6
_MORE_PAIRS = 8
# The bound holds at any prices; after a few rounds better ones change it little.
_MOST_ROUNDS = 3
# Pairs that are not in the problem are asked for what a supporter could gain by them, out of so many at once.
_PAIRS_AT_ONCE = 250_000
# No relaxation takes more of the time that is left than this.
_SHARE_OF_RELAXATION = 0.7
# With more pairs than these by which a supporter could gain, what they gain together is not known in time.
_MOST_GAINING = 150_000
# Prices come in floating point: less than this is nothing.
_NOTHING = 1e-6


@dataclass(frozen=True)
class PartPrices:
    """Prices of one component where the score alone counts, in thousandths.

    Attributes
    ----------
    of_place, of_day : ndarray of float64
        By supporter of the problem: of a place, with that of a deployment from the home school, and of a hundredth of a
        day; nothing without a limit.
    of_need : ndarray of float64
        By need of the problem: what meeting it is worth beyond all that it takes.
    of_package : ndarray of float64
        By need of the problem: what it gives to the other needs of its package, or takes from them.
    of_visit : ndarray of float64
        By need of the problem: its share of what one more person at its school takes, where several needs there could
        share the visit.
    """

    of_place: Floats
    of_day: Floats
    of_need: Floats
    of_package: Floats
    of_visit: Floats

    def beyond(self, need: Positions, supporter: Positions, value_milli: Integers, days_asked: Integers) -> Floats:
        """By pair: what it is worth beyond all that it takes but the need itself; `days_asked` is by need."""
        asked = (self.of_package + self.of_visit)[need] + self.of_day[supporter] * days_asked[need]
        beyond: Floats = value_milli - asked - self.of_place[supporter]
        return beyond


def part_prices(
    problem: AssignmentProblem, oracle: PricingOracle | None, part: Component, price: Integers, budget: Budget
) -> tuple[AssignmentProblem, PartPrices | None]:
    """Price the places, days and side constraints of a component; None where there is no time for it.

    First comes the problem with the pairs of the oracle that were asked for. The prices of places only say which pairs
    are promising to begin with: the best `FIRST_PAIRS` of each need are in the problem.

    Notes
    -----
    The prices are those of the linear relaxation, solved over the pairs that matter: those of the oracle that are worth
    more than their prices come in.
    """
    pairs = np.flatnonzero(np.isin(problem.need, part.needs))
    active = pairs[
        best_of_each_need(problem.need[pairs], (problem.weight - price[problem.supporter])[pairs], FIRST_PAIRS)
    ]
    prices: PartPrices | None = None
    for _ in range(_MOST_ROUNDS):
        closer = _relaxed(problem, part, active, budget.share(_SHARE_OF_RELAXATION))
        if closer is None:
            break
        prices = closer
        problem, place = _with_beyond(problem, oracle, part, prices, prices.of_need, _MORE_PAIRS)
        active, pairs = place[active], np.flatnonzero(np.isin(problem.need, part.needs))
        promising = np.setdiff1d(pairs, active)
        need = problem.need[promising]
        beyond = prices.beyond(need, problem.supporter[promising], problem.value_milli[promising], problem.days_asked)
        more = beyond > prices.of_need[need] + _NOTHING
        if not more.any():
            break
        of_need = prices.of_need.copy()
        np.maximum.at(of_need, need, beyond)
        prices = replace(prices, of_need=of_need)
        best = best_of_each_need(need[more], beyond[more], _MORE_PAIRS)
        active = np.union1d(active, promising[more][best])
    return problem, prices


def most_score(
    problem: AssignmentProblem, oracle: PricingOracle | None, part: Component, prices: PartPrices | None, budget: Budget
) -> int:
    """The score that no plan of a component can exceed: by these prices, or with the best pair of every need.

    Notes
    -----
    Whatever the prices u of needs and m of packages, no plan is worth more than the sum of u, of what is left of m
    where a package is met, and of what supporters could gain at most by taking whole needs at w_ij - u_i - m_i, as far
    as places, days and limits on schools go. That is closer than the relaxation, since a supporter with eight days
    cannot take a day and a half of a need. (Lagrangean relaxation; Fisher, Management Science 27, 1981.) Pairs by which
    no one gains have no bearing on it.
    """
    problem = with_best_pairs(problem, oracle, part.needs, np.zeros(len(problem.places), dtype=np.int64), 1)
    best = np.zeros(len(problem.level), dtype=np.int64)
    np.maximum.at(best, problem.need, problem.value_milli)
    ceiling = int(best[part.needs].sum())
    if prices is None:
        return ceiling
    few = _could_gain(problem, oracle, part, prices.of_need + prices.of_package)
    if len(few.need) > _MOST_GAINING:
        return ceiling
    packages = 0.0
    if few.side_constraints is not None:
        package = few.side_constraints.package[part.needs]
        packed = package >= 0
        of_each = np.bincount(package[packed], weights=prices.of_package[part.needs[packed]])
        packages = float(np.maximum(of_each, 0).sum())
        few = replace(
            few, side_constraints=replace(few.side_constraints, package=np.full(len(few.level), -1, dtype=np.intp))
        )
    programme = programme_of(few, part.needs, part.supporters)
    gain = few.value_milli - (prices.of_need + prices.of_package)[few.need]
    by_people = most_by_people(programme, len(part.needs), gain[programme.pair], budget)
    if by_people is None:
        return ceiling
    return min(ceiling, int(np.floor(prices.of_need[part.needs].sum() + packages + by_people + 1e-3)))


def with_best_beyond(
    problem: AssignmentProblem, oracle: PricingOracle | None, part: Component, prices: PartPrices, count: int
) -> AssignmentProblem:
    """Return the problem with each need's `count` pairs of most value beyond these prices."""
    pairs = np.flatnonzero(np.isin(problem.need, part.needs))
    beyond = prices.beyond(problem.need, problem.supporter, problem.value_milli, problem.days_asked)[pairs]
    least = least_of_best(problem.need[pairs], beyond, count, len(problem.level))
    return _with_beyond(problem, oracle, part, prices, least, count)[0]


def _with_beyond(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    part: Component,
    prices: PartPrices,
    least: Floats,
    count: int,
) -> tuple[AssignmentProblem, Positions]:
    """Return the problem with the pairs of the oracle that are worth more than so much beyond these prices.

    Of each need there are so many at most, those that are worth most. With it, where the pairs are that it had.
    """
    if oracle is None:
        return problem, np.arange(len(problem.need))
    asked = np.full(len(problem.level), NEVER, dtype=np.int64)
    beside = least + prices.of_package + prices.of_visit
    asked[part.needs] = np.floor(np.maximum(beside[part.needs], -NEVER))
    fewest_days = problem.days_asked[part.needs].min(initial=0)
    need, supporter, value = oracle.pairs_above(
        asked, np.floor(prices.of_place + prices.of_day * fewest_days).astype(int)
    )
    beyond = prices.beyond(need, supporter, value, problem.days_asked)
    more = np.flatnonzero(beyond > least[need] + _NOTHING)
    more = more[np.argsort(need[more], kind="stable")]
    more = more[best_of_each_need(need[more], beyond[more], count)]
    return problem.with_pairs(need[more], supporter[more], value[more])


def _could_gain(
    problem: AssignmentProblem, oracle: PricingOracle | None, part: Component, asked: Floats
) -> AssignmentProblem:
    """Return the problem with only the pairs of a component that exceed these prices."""
    few = _gaining(problem.of(np.flatnonzero(np.isin(problem.need, part.needs))), asked)
    if oracle is None:
        return few
    of_supporter = np.zeros(len(problem.places), dtype=np.int64)
    for needs in np.split(part.needs, np.flatnonzero(np.diff(np.cumsum(part.pairs_of_need) // _PAIRS_AT_ONCE)) + 1):
        of_need = np.full(len(problem.level), NEVER, dtype=np.int64)
        of_need[needs] = np.floor(asked[needs])
        few = _gaining(few.with_pairs(*oracle.pairs_above(of_need, of_supporter))[0], asked)
    return few


def _gaining(problem: AssignmentProblem, asked: Floats) -> AssignmentProblem:
    """Return the problem with only those of its pairs that could be in a best load.

    Of the pairs of one supporter that ask equally many days, only as many as there are places can be in one, unless a
    school lets no more people come.
    """
    gain = problem.value_milli - asked[problem.need]
    pairs = np.flatnonzero(gain > 0)
    if problem.side_constraints is not None:
        return problem.of(pairs)
    supporter, days = problem.supporter[pairs], problem.days_asked[problem.need[pairs]]
    order = np.lexsort((-gain[pairs], days, supporter))
    kind = supporter[order] * (int(days.max(initial=0)) + 1) + days[order]
    return problem.of(np.sort(pairs[order[rank_in_order(kind) < problem.places[supporter[order]]]]))


def _relaxed(problem: AssignmentProblem, part: Component, active: Positions, budget: Budget) -> PartPrices | None:
    """The prices of the linear relaxation over some pairs; None where there is no time for it."""
    programme = programme_of(problem.of(active), part.needs, part.supporters)
    n_columns = programme.rows.shape[1]
    worth = np.concatenate([programme.value_milli, np.zeros(n_columns - len(active))])
    # Rows let no column exceed 1: a bound of its own would only hide a part of its price.
    answer = relaxed(Model(worth, np.full(n_columns, np.inf), programme.rows, programme.least, programme.most), budget)
    if answer is None:
        return None

    def of(kind: str, count: int) -> Floats:
        found, rows = np.zeros(count), programme.row_kind == kind
        found[programme.row_of[rows]] = answer.price[rows]
        return found

    n_needs, n_people = len(problem.level), len(problem.places)
    unit = int(np.gcd.reduce(problem.days_asked[part.needs])) or 1
    of_place, of_visit = of("places", n_people), np.zeros(n_needs)
    if problem.side_constraints is not None:
        of_place += of("home", len(problem.side_constraints.deployments_left))[problem.side_constraints.home]
        asking = np.bincount(
            problem.side_constraints.school[part.needs], minlength=len(problem.side_constraints.supporters_left)
        )
        of_school = of("school", len(asking)) / np.maximum(asking, 1)
        of_visit[part.needs] = of_school[problem.side_constraints.school[part.needs]]
    of_day = np.where(np.isfinite(problem.days_offered), of("days", n_people) / unit, 0.0)
    return PartPrices(of_place, of_day, of("need", n_needs), of("package", n_needs), of_visit)
