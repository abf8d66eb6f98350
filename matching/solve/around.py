"""Local repair where days bind for a few supporters, with a proof over every pair (reduced cost fixing).

The optimum with places only has dual prices. The loss of a pair is what it falls short of its two prices, and a plan
falls short of that optimum by the losses of its pairs and the prices of unused places and unmet needs. So the plan is
repaired locally, over pairs of small loss around the supporters whose days do not fit. Then dual prices of the needs
are found at which no supporter's best load gains more than its load in the plan: no other pair can improve the plan.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, dijkstra

from matching.errors import counted
from matching.solve.arrays import Flags, Floats, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.components import Component
from matching.solve.pricing_oracle import PricingOracle
from matching.solve.problem import (
    UNMET,
    AssignmentProblem,
    chosen_pairs,
    components_of,
    days_used,
    places_left,
    values_of,
)
from matching.solve.programme import best_choice, programme_of
from matching.solve.search import best_of_part
from matching.solve.worths import (
    DEAR_MILLI,
    NOTHING,
    Gains,
    Limited,
    PlacesOnly,
    Region,
    blended,
    gains_of,
    loads_of,
    with_more,
    with_wanted,
)

# How far around the people whose days do not fit is looked first, in thousandths of a point; less far where that is too
# much to be solved at once.
_REACHES_MILLI = (20, 10, 5)
_MOST_PAIRS_OF_PART = 30_000
# Pairs that fall so little short of the best are searched for a better plan, and then those that fall short by more.
_FIRST_SHORT_MILLI, _TIMES_SHORT = 5, 4
# Where that costs more needs than these, no way further out is looked for that costs none.
_MOST_LOST = 10
# Of the time that is left, for looking around.
_SHARE_OF_LOOK = 0.1
# So near to each other bounds and prices are the same, and a pair is worth just its price.
_CLOSE_MILLI, _TIGHT_MILLI = 0.02, 1e-3
_MOST_ROUNDS = 60


@dataclass(frozen=True)
class Around:
    """A plan that keeps all supporters' days, and what is known of how good it is.

    Attributes
    ----------
    problem : AssignmentProblem
        With the pairs that were in the problem in the end.
    supporter_of : ndarray of intp
        By need.
    most_milli : int
        What no plan that meets as many needs of each level can exceed in the last level.
    surplus_milli : ndarray of float64
        By need: what meeting it is worth beyond the supporter who meets it, so that this is so.
    price_milli : ndarray of float64
        By supporter; nan of those who have no price because of the days around them.
    """

    problem: AssignmentProblem
    supporter_of: Positions
    most_milli: int
    surplus_milli: Floats
    price_milli: Floats


def best_around(
    problem: AssignmentProblem, oracle: PricingOracle | None, supporter_of: Positions, price: Integers, budget: Budget
) -> Around | None:
    """The best plan where days bind for few; None where they bind for more, or cost a need.

    `supporter_of` is the optimum with places only and `price` its prices.
    """
    places_only = PlacesOnly.of(problem, supporter_of, price)
    over = days_used(problem, supporter_of) > problem.days_offered
    for reach in _REACHES_MILLI:
        problem = _with_losses_to(problem, oracle, places_only, 2 * reach)
        near, needs, people = _near(problem, places_only, over, reach)
        few = problem.of(near)
        part = components_of(problem, near)
        if np.bincount(part[few.need]).max(initial=0) <= _MOST_PAIRS_OF_PART:
            break
    else:
        return None
    budget.report(f"Solving days, around {counted(int(over.sum()), 'person', 'people')}: {len(near):,} pairs")
    outcome = _repaired(few, places_only, part, over, budget.share(_SHARE_OF_LOOK))
    if outcome is None:
        return None
    found = _proved(problem, oracle, places_only, outcome, Region.of(problem, places_only, needs, people, near), budget)
    is_costly = values_of(problem, found.supporter_of)[:-1] != values_of(problem, supporter_of)[:-1]
    return None if is_costly else found


def _with_losses_to(
    problem: AssignmentProblem, oracle: PricingOracle | None, places_only: PlacesOnly, most: int
) -> AssignmentProblem:
    """Return the problem with every pair of the oracle that loses no more than that."""
    if oracle is None:
        return problem
    asked = places_only.surplus - problem.bonus_milli * (3 - problem.level) - most - 1
    return problem.with_pairs(*oracle.pairs_above(asked, places_only.price))[0]


def _near(
    problem: AssignmentProblem, places_only: PlacesOnly, over: Flags, reach: int
) -> tuple[Positions, Flags, Flags]:
    """The pairs, needs and people by which a supporter's days could be mended at so small a loss.

    A plan and the answer with places only differ along chains of pairs. Each of them begins at a supporter whose days
    do not fit, or it could be undone; and it loses the sum of its pairs' losses at least.
    """
    loss = places_only.loss(problem)
    some = np.flatnonzero(loss <= 2 * reach)
    begin = np.append(np.zeros(len(problem.level), dtype=bool), over)
    away = _away(problem, some, loss[some].astype(np.float64), begin, reach)
    of_need, of_person = np.split(away, [len(problem.level)])
    is_near = (
        np.floor(of_need[problem.need[some]]) + loss[some] + np.floor(of_person[problem.supporter[some]]) <= 2 * reach
    )
    return some[is_near], np.isfinite(of_need), np.isfinite(of_person)


def _away(problem: AssignmentProblem, pairs: Positions, length: Floats, begin: Flags, limit: float) -> Floats:
    """How far each need, then each supporter, is along pairs from the nearest to begin at; infinite beyond a limit."""
    n_needs, start = len(problem.level), len(problem.level) + len(problem.places)
    first = np.flatnonzero(begin)
    # Stored zeros are no edges.
    lengths = np.concatenate([length, length, np.zeros(len(first))]) + 0.25 / (start + 1)
    need, person = problem.need[pairs], n_needs + problem.supporter[pairs]
    tail = np.concatenate([need, person, np.full(len(first), start)])
    head = np.concatenate([person, need, first])
    graph = csr_array((lengths, (tail, head)), shape=(start + 1, start + 1))
    away: Floats = dijkstra(graph, indices=[start], limit=limit + 0.5, min_only=True)[:start]
    return away


def _repaired(
    problem: AssignmentProblem, places_only: PlacesOnly, part: Positions, over: Flags, budget: Budget
) -> Positions | None:
    """The answer with places only, changed over near pairs so that days fit; None where that costs many needs."""
    outcome = places_only.supporter_of.copy()
    of_need, of_supporter = np.split(part, [len(problem.level)])
    pairs, unmet = np.bincount(problem.need, minlength=len(problem.level)), np.count_nonzero(outcome == UNMET)
    pairs_of_part = np.bincount(of_need, weights=pairs, minlength=len(part))
    # The smallest first: where it costs many needs, that is soon known.
    for one in sorted(np.unique(of_supporter[over]).tolist(), key=lambda one: float(pairs_of_part[one])):
        needs, people = np.flatnonzero(of_need == one), np.flatnonzero(of_supporter == one)
        here = Component(needs, people, pairs[needs])
        outcome[needs], _, _ = best_of_part(problem, None, here, places_only.supporter_of, places_only.price, budget)
        if np.count_nonzero(outcome == UNMET) - unmet > _MOST_LOST:
            return None
    return outcome


# ---- the proof -----------------------------------------------------------------------------------------------------


def _proved(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    places_only: PlacesOnly,
    outcome: Positions,
    region: Region,
    budget: Budget,
) -> Around:
    """The plan with a bound over every pair, and a better plan where the bound leaves room for one.

    Whatever meeting each need is worth beyond its supporter, no plan is worth more than all of that together and what
    each supporter's best load gains then (Lagrangean relaxation; Fisher, Management Science 27, 1981). Loads are
    blended to find the worths of which that is the least (Dantzig and Wolfe, Operations Research 8, 1960). A pair that
    is not in the problem is asked for in the end, where it could change anything.
    """
    surplus, least = places_only.surplus.astype(np.float64), np.inf
    loads = loads_of(problem, outcome)
    missing = places_only.missing(problem, outcome)
    for number in range(1, _MOST_ROUNDS + 1):
        limited = Limited.of(problem, region)
        if not limited.offers.are_few:
            break
        gains = gains_of(problem, places_only, limited, surplus)
        spare = missing - gains.least_missing
        if spare < 1 - NOTHING or least - gains.least_missing < _CLOSE_MILLI:
            n_pairs = len(problem.need)
            problem, place = with_more(problem, oracle, gains, surplus)
            if len(problem.need) == n_pairs:
                return _best_at_prices(problem, oracle, places_only, outcome, region, surplus, budget)
            region = replace(region, active=place[region.active])
            loads = np.where(loads >= 0, place[loads], -1)
            gains = gains_of(problem, places_only, Limited.of(problem, region), surplus)
        budget.report(f"Proving days, round {number}: {len(region.active):,} pairs")
        loads = np.unique(np.vstack([loads, gains.loads]), axis=0)
        answer = blended(problem, places_only, region, loads, budget)
        if answer is None:
            break
        least, surplus, price = answer
        region = with_wanted(problem, places_only, region, surplus, price)
    return _reported(problem, places_only, outcome, False, None, places_only.surplus.astype(np.float64))


def _best_at_prices(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    places_only: PlacesOnly,
    outcome: Positions,
    region: Region,
    surplus: Floats,
    budget: Budget,
) -> Around:
    """The plan, or a better one, at the worths of needs that bound it closest.

    What a plan misses beyond the bound it misses somewhere: a supporter's load gains less than the most, or a need goes
    unmet that is worth something. A better plan differs from it along chains that lead from there, whose pairs fall
    short of the best by less than that together.
    """
    most_short, missing = float(_FIRST_SHORT_MILLI), places_only.missing(problem, outcome)
    while True:
        gains = gains_of(problem, places_only, Limited.of(problem, region), surplus)
        spare = missing - gains.least_missing
        if spare < 1 - NOTHING:
            return _reported(problem, places_only, outcome, True, gains, surplus)
        short = min(spare, most_short)
        problem, place = with_more(problem, oracle, gains, surplus, short + 1)
        region = replace(region, active=place[region.active])
        gains = gains_of(problem, places_only, Limited.of(problem, region), surplus)
        near, begin = _near_misses(problem, gains, surplus, outcome, short)
        budget.report(f"Solving days again: {len(near):,} pairs")
        outcome, is_searched = _searched(problem.of(near), begin, outcome, budget)
        before, missing = missing, places_only.missing(problem, outcome)
        if missing == before:
            if short >= min(spare, DEAR_MILLI) or budget.remaining_s() <= 0:
                return _reported(problem, places_only, outcome, is_searched and short >= spare, gains, surplus)
            most_short *= _TIMES_SHORT


def _near_misses(
    problem: AssignmentProblem, gains: Gains, surplus: Floats, outcome: Positions, most_short: float
) -> tuple[Positions, Flags]:
    """The pairs around needs and supporters where a plan misses something, and these, needs first."""
    chosen = chosen_pairs(problem, outcome)
    gained = np.bincount(problem.supporter[chosen], weights=gains.of_pair[chosen], minlength=len(problem.places))
    missed = np.append(np.where(outcome == UNMET, surplus, 0), gains.most - gained)
    # What comes from prices in floating point alone does not add up to a thousandth.
    order = np.argsort(missed, kind="stable")
    begin = np.zeros(len(missed), dtype=bool)
    begin[order[np.cumsum(missed[order]) > 1 / 2]] = True
    short = gains.short.copy()
    short[chosen] = 0
    some = np.flatnonzero(short <= most_short + NOTHING)
    away = _away(problem, some, short[some], begin, most_short)
    return some[np.isfinite(away[problem.need[some]] + away[len(problem.level) + problem.supporter[some]])], begin


def _searched(few: AssignmentProblem, begin: Flags, outcome: Positions, budget: Budget) -> tuple[Positions, bool]:
    """The best plan over few pairs in the components that are to be looked at, and whether all of that was searched."""
    part, chosen = components_of(few, np.arange(len(few.need))), chosen_pairs(few, outcome)
    of_need, of_supporter = np.split(part, [len(few.level)])
    size = np.bincount(of_need[few.need], minlength=len(part))
    better, is_best = outcome.copy(), True
    for one in np.unique(part[begin]).tolist():
        if size[one] > _MOST_PAIRS_OF_PART:
            is_best = False
        elif size[one]:
            needs, people = np.flatnonzero(of_need == one), np.flatnonzero(of_supporter == one)
            programme = programme_of(few, needs, people)
            held = np.isin(programme.pair, chosen)
            found, most = best_choice(programme, programme.worth, (), held, budget)
            is_best = is_best and int(programme.worth[found].sum()) == most
            better[needs] = UNMET
            better[few.need[programme.pair[found]]] = few.supporter[programme.pair[found]]
    return better, is_best


def _reported(
    problem: AssignmentProblem,
    places_only: PlacesOnly,
    outcome: Positions,
    is_best: bool,
    gains: Gains | None,
    surplus: Floats,
) -> Around:
    """The plan with what is known of it; without gains no more than the answer with places only says."""
    most = int(problem.value_milli[chosen_pairs(problem, places_only.supporter_of)].sum())
    price = np.full(len(problem.places), np.nan)
    if gains is not None:
        most -= int(np.ceil(gains.least_missing - NOTHING))
        if places_only.missing(problem, outcome) - gains.least_missing < 1 - NOTHING:
            price = _prices_that_stand(problem, places_only, outcome, gains, surplus)
    if is_best:
        most = int(problem.value_milli[chosen_pairs(problem, outcome)].sum())
    return Around(problem, outcome, most, surplus, price)


def _prices_that_stand(
    problem: AssignmentProblem, places_only: PlacesOnly, outcome: Positions, gains: Gains, surplus: Floats
) -> Floats:
    """By supporter: what one more place would be worth, where that is known; nan elsewhere.

    No more than the price with places only, where no supporter's best load gains more by it. And no less, where moving
    needs on, each pair of them worth just its price, leads from there to a need that goes unmet or to a supporter whose
    places cost nothing, past no one whose days have a limit.
    """
    asked, root = places_only.price.astype(np.float64), len(problem.places)
    highest = np.zeros(root)
    np.maximum.at(highest, problem.supporter, gains.of_pair)
    exact = (np.abs(problem.places * asked - gains.most) < _CLOSE_MILLI) & (highest <= asked + _CLOSE_MILLI)
    exact &= (asked == 0) | (places_left(problem, outcome)[0] == 0)
    tight = exact & np.isinf(problem.days_offered)
    pairs = np.flatnonzero(tight[problem.supporter] & (np.abs(gains.of_pair - asked[problem.supporter]) < _TIGHT_MILLI))
    holder = outcome[problem.need[pairs]]
    is_end = (holder == UNMET) & (surplus[problem.need[pairs]] < _TIGHT_MILLI) | (holder != UNMET) & exact[holder] & (
        asked[holder] == 0
    )
    leads = is_end | (holder != UNMET) & exact[holder]
    tail = np.where(is_end, root, holder)[leads]
    chains = csr_array((np.ones(len(tail)), (tail, problem.supporter[pairs[leads]])), shape=(root + 1, root + 1))
    explained = np.zeros(root + 1, dtype=bool)
    explained[breadth_first_order(chains, root, return_predecessors=False)] = True
    return np.where(exact & ((asked == 0) | explained[:root]), asked, np.nan)
