"""Places only: the optimal assignment without days, and the dual prices that prove it over every eligible pair.

First the levels, as maximum flows over every pair; then the scores, over few pairs. Pairs whose weight exceeds their
dual prices are added (column generation), and only what they can affect is solved again, until there are none. In a
large round the pricing oracle finds such pairs among those that are not in memory.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.auction import auction_prices, may_stay_out, tight_pairs
from matching.solve.budget import Budget
from matching.solve.duals import Duals, duals_near, least_duals
from matching.solve.levels import solve_levels
from matching.solve.params import DEFAULTS, FlowParams, SolveParams
from matching.solve.pricing_oracle import PricingOracle
from matching.solve.problem import (
    UNMET,
    AssignmentProblem,
    chosen_pairs,
    components_of,
    places_left,
    rank_in_group,
    together,
)
from matching.solve.transport import transport


def best_with_places(
    problem: AssignmentProblem, budget: Budget, oracle: PricingOracle | None = None, params: SolveParams = DEFAULTS
) -> tuple[AssignmentProblem, Positions, Integers | None]:
    """Return the optimum without days, and the least dual prices that prove it over every pair.

    Parameters
    ----------
    budget : Budget
        Only a cancellation ends the search, not the time limit.
    oracle : PricingOracle, optional
        Where the problem does not hold all pairs.

    Returns
    -------
    problem : AssignmentProblem
        With the pairs that were added.
    supporter_of : ndarray of intp
        By need; after a cancellation an assignment that is optimal at every level before the score.
    price : ndarray of int64 or None
        By supporter; None after a cancellation.

    Notes
    -----
    Pairs that are not tight for the levels (`solve_levels`) are in no optimum; they only hold prices up. Over the
    active pairs the assignment is optimal, with prices v_j and surpluses u_i. A pair added because w_ij > u_i + v_j
    allows an improvement along a path of pairs, which loses u_i + v_j - w_ij at each of them. So only needs that are
    near in that measure are solved again. If that was too little, prices do not settle, and the connected components
    where they do not are solved as a whole; after that they settle, since a longest path passes each supporter once.

    At the least prices over few pairs, many others seem to improve the assignment and do not. After an auction, prices
    near its estimates are used instead, and the least only at the end.
    """
    if not len(problem.need) and oracle is None:
        return problem, np.full(len(problem.level), UNMET, dtype=np.intp), np.zeros(len(problem.places), dtype=np.int64)
    tuning = params.flow
    sweeps = enough = len(problem.places) + 2
    budget.report(f"Solving places: how many needs can be met, over {len(problem.need):,} pairs")
    problem, supporter_of, tier = solve_levels(problem, oracle, tuning)
    active = _first_pairs(problem, supporter_of, tier, tuning)
    expected = None
    if len(active) > tuning.auction_above:
        budget.report(f"Solving places: which of {len(problem.need):,} pairs matter")
        problem, estimate, near = auction_prices(problem, oracle, tier, active, params.auction)
        expected = problem.bonus_milli * tier + estimate
        active = together(problem, near, chosen_pairs(problem, supporter_of))
    if budget.cancelled():
        return problem, supporter_of, None
    weight = problem.weight
    budget.report(f"Solving places, round 1: {len(active):,} of {len(problem.need):,} pairs")
    every_need = np.ones(len(problem.level), dtype=bool)
    supporter_of = _solved(problem, weight, active, supporter_of, every_need, tuning)
    number = 1
    while True:
        duals = duals_near(problem, weight, active, supporter_of, sweeps, expected)
        sweeps = enough
        if duals.unsettled.any():
            needs = _in_components(problem, active, duals.unsettled)
            budget.report(f"Solving places, round {number} again: {int(needs.sum()):,} needs")
            supporter_of = _solved(problem, weight, active, supporter_of, needs, tuning)
            continue
        problem, active, gain = _reduced_costs(problem, oracle, duals, active, tuning)
        improving = np.flatnonzero(gain > 0)
        if not len(improving):
            break
        if budget.cancelled():
            return problem, supporter_of, None
        number += 1
        budget.report(f"Solving places, round {number}: {len(improving):,} more pairs could improve the plan")
        weight, is_tight = problem.weight, tight_pairs(problem, tier)[0]
        # First those that only hold prices up: without them, others seem to gain more than they do.
        if not is_tight[improving].all():
            improving = improving[~is_tight[improving]]
        active = _with_best(problem, active, improving, gain, tuning)
        if is_tight[improving].all():
            needs, near = _within_reach(problem, weight, active, supporter_of, duals, tuning)
            supporter_of = _solved(problem, weight, near, supporter_of, needs, tuning)
            sweeps = min(tuning.sweeps, enough)
    if expected is not None:
        problem, duals = _least_of_all(problem, oracle, active, supporter_of, tuning)
    return problem, supporter_of, duals.price


def _least_of_all(
    problem: AssignmentProblem,
    oracle: PricingOracle | None,
    active: Positions,
    supporter_of: Positions,
    tuning: FlowParams,
) -> tuple[AssignmentProblem, Duals]:
    """Return the least dual prices that prove the optimum over all pairs, adding pairs that still hold prices up."""
    while True:
        duals = least_duals(problem, problem.weight, active, supporter_of, len(problem.places) + 2)
        problem, active, gain = _reduced_costs(problem, oracle, duals, active, tuning)
        improving = np.flatnonzero(gain > 0)
        if not len(improving):
            return problem, duals
        active = _with_best(problem, active, improving, gain, tuning)


def _reduced_costs(
    problem: AssignmentProblem, oracle: PricingOracle | None, duals: Duals, active: Positions, tuning: FlowParams
) -> tuple[AssignmentProblem, Positions, Integers]:
    """Return the problem, its active pairs, and by pair its weight less its two dual prices.

    Where no pair of the problem exceeds them, the best pairs of the oracle that do are added first.
    """
    gain = duals.gain(problem)
    if oracle is None or (gain > 0).any():
        return problem, active, gain
    need_price = duals.surplus - problem.bonus_milli * (3 - problem.level)
    need, supporter, value = oracle.pairs_above(need_price, duals.price)
    best = rank_in_group(need, value - duals.price[supporter]) < tuning.more_pairs
    problem, place = problem.with_pairs(need[best], supporter[best], value[best])
    return problem, place[active], duals.gain(problem)


def _with_best(
    problem: AssignmentProblem, active: Positions, improving: Positions, gain: Integers, tuning: FlowParams
) -> Positions:
    """Return the active pairs and the most improving ones of each need."""
    best = improving[rank_in_group(problem.need[improving], gain[improving]) < tuning.more_pairs]
    return together(problem, active, best)


def _first_pairs(problem: AssignmentProblem, supporter_of: Positions, tier: Positions, tuning: FlowParams) -> Positions:
    """Return the tight pairs to begin with: the best of each need that must be met, and of each scarce supporter."""
    is_tight, cheapest = tight_pairs(problem, tier)
    tight = np.flatnonzero(is_tight)
    need, supporter, value = problem.need[tight], problem.supporter[tight], problem.value_milli[tight]
    must = ~may_stay_out(problem, cheapest)[need]
    kept = (supporter_of[need] == supporter) | (must & (rank_in_group(need, value) < tuning.first_pairs))
    may = np.flatnonzero(~must)
    wanted = tuning.first_pairs_per_place * problem.places[supporter[may]] + tuning.first_pairs_extra
    kept[may[rank_in_group(supporter[may], value[may]) < wanted]] = True
    first: Positions = tight[kept]
    return first


def _solved(
    problem: AssignmentProblem,
    weight: Integers,
    active: Positions,
    supporter_of: Positions,
    needs: Flags,
    tuning: FlowParams,
) -> Positions:
    """Return the assignment with some needs assigned optimally over the active pairs, component by component."""
    solved = np.where(needs, UNMET, supporter_of)
    left, _ = places_left(problem, solved)
    pairs = active[needs[problem.need[active]] & (left[problem.supporter[active]] > 0)]
    component = components_of(problem, pairs)[problem.need[pairs]]
    order = np.argsort(component, kind="stable")
    starts = np.flatnonzero(np.diff(component[order], prepend=-1))
    starts = starts[np.diff(starts // tuning.pairs_per_solve, prepend=-1) > 0]
    for one in np.split(pairs[order], starts[1:]):
        here, need = np.unique(problem.need[one], return_inverse=True)
        people, supporter = np.unique(problem.supporter[one], return_inverse=True)
        n_met = int((supporter_of[here] != UNMET).sum())
        chosen = transport(len(here), need, supporter, weight[one], left[people], n_met)
        solved[here] = np.where(chosen == UNMET, UNMET, people[chosen])
    return solved


def _in_components(problem: AssignmentProblem, pairs: Positions, nodes: Flags) -> Flags:
    """Return the needs in the connected components of any of these needs and supporters."""
    component = components_of(problem, pairs)
    return np.isin(component[: len(problem.level)], component[nodes])


def _within_reach(
    problem: AssignmentProblem,
    weight: Integers,
    active: Positions,
    supporter_of: Positions,
    duals: Duals,
    tuning: FlowParams,
) -> tuple[Flags, Positions]:
    """Return the needs that improving pairs can affect, and the active pairs that can matter there."""
    n_needs, n_people = len(problem.level), len(problem.places)
    loss = duals.surplus[problem.need[active]] + duals.price[problem.supporter[active]] - weight[active]
    gain = np.zeros(n_needs, dtype=np.int64)
    np.maximum.at(gain, problem.need[active], -loss)
    reach = int(tuning.reach * gain.max(initial=0))
    near = active[loss <= reach]
    need, person, start = problem.need[near], n_needs + problem.supporter[near], n_needs + n_people
    begin = np.flatnonzero(gain)
    length = np.maximum(loss[loss <= reach], 0)
    # Each need with an improving pair begins as far out as its gain falls short of the reach. A stored zero is no edge.
    lengths = np.concatenate([length, length, np.maximum(reach - gain[begin], 0)]) + 0.25 / (n_needs + n_people + 1)
    tail = np.concatenate([need, person, np.full(len(begin), start)])
    head = np.concatenate([person, need, begin])
    graph = csr_array((lengths, (tail, head)), shape=(start + 1, start + 1))
    affected = np.isfinite(dijkstra(graph, indices=[start], limit=reach + 0.5, min_only=True))
    theirs = (supporter_of != UNMET) & affected[n_needs + np.maximum(supporter_of, 0)]
    return affected[:n_needs] | theirs, near
