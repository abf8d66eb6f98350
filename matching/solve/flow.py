"""Places only: the optimal assignment without days, and the dual prices that prove it over every eligible pair.

This is a transportation problem, solved by the primal-dual method with column generation (Ahuja, Magnanti and Orlin,
Network Flows, 1993, chapters 9 and 12). First the levels, as maximum flows over every pair; then the scores, over few
pairs, as bipartite matchings of most weight. Pairs whose weight exceeds their dual prices are added, and only what they
can affect is solved again, until there are none. In a large round the pricing oracle finds such pairs among those that
are not in memory.

Guarantee: the optimum, and the least dual prices that prove it; only a cancellation ends the search before that.
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, dijkstra, maximum_flow, min_weight_full_bipartite_matching

from matching.solve.budget import Budget
from matching.solve.duals import Duals, auction_prices, duals_near, least_duals, may_stay_out, tight_pairs
from matching.solve.params import DEFAULTS, FlowParams, SolveParams
from matching.solve.problem import (
    NEVER,
    PRIORITY_LEVELS,
    UNMET,
    AssignmentProblem,
    Flags,
    Integers,
    Positions,
    PricingOracle,
    chosen_pairs,
    components_of,
    places_left,
    rank_in_group,
    together,
)


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


def solve_levels(
    problem: AssignmentProblem, oracle: PricingOracle | None, tuning: FlowParams
) -> tuple[AssignmentProblem, Positions, Positions]:
    """Return an assignment that is optimal at every level before the score, and each supporter's price in levels.

    Before them comes the problem, with the pairs of the oracle that were needed.

    Notes
    -----
    The sets of needs that can be met together form a transversal matroid: a maximum flow from critical needs is
    extended to high and then to normal ones, and no need that is met is ever given up. A supporter from whom no free
    place can be reached by moving needs on is full in every such plan: one more place there would meet one more need.
    Counted over the three flows, that is the least dual price of the levels: of the 3, 2 or 1 of a need, the price of
    its cheapest supporter is lost. A pair of the oracle could change that only if it leads from a need without such a
    way, or held by a supporter without one, to a supporter from whom a free place can be reached.
    """
    supporter_of = np.full(len(problem.level), UNMET, dtype=np.intp)
    tier = np.zeros(len(problem.places), dtype=np.intp)
    level = 0
    while level < len(PRIORITY_LEVELS):
        need_has_way, has_way = _ways_out(problem, supporter_of, level)
        asking = np.flatnonzero((problem.level == level) & (supporter_of == UNMET) & need_has_way)
        if len(asking):
            supporter_of = _flowed(problem, supporter_of, asking, need_has_way, has_way)
            continue
        if oracle is not None:
            n_pairs, problem = len(problem.need), _with_ways_out(problem, oracle, supporter_of, level, has_way, tuning)
            if len(problem.need) > n_pairs:
                continue
        tier += ~has_way & (problem.places > 0)
        level += 1
    return problem, supporter_of, tier


def _ways_out(problem: AssignmentProblem, supporter_of: Positions, level: int) -> tuple[Flags, Flags]:
    """Return the needs up to a level, and the supporters, from whom moving needs on leads to a free place."""
    n_needs, sink = len(problem.level), len(problem.level) + len(problem.places)
    pairs = np.flatnonzero(problem.level[problem.need] <= level)
    need, person = problem.need[pairs], n_needs + problem.supporter[pairs]
    _, offering = places_left(problem, supporter_of)
    chosen = n_needs + supporter_of[need] == person
    tail = np.concatenate([np.where(chosen, need, person), np.full(len(offering), sink)])
    head = np.concatenate([np.where(chosen, person, need), n_needs + offering])
    backwards = csr_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(sink + 1, sink + 1))
    has_way = np.zeros(sink + 1, dtype=bool)
    has_way[breadth_first_order(backwards, sink, return_predecessors=False)] = True
    return has_way[:n_needs], has_way[n_needs:sink]


def _flowed(
    problem: AssignmentProblem, supporter_of: Positions, asking: Positions, need_has_way: Flags, has_way: Flags
) -> Positions:
    """Return the assignment with as many of the asking needs met as can be; met needs may move but stay met."""
    n_needs, n_people = len(problem.level), len(problem.places)
    source, sink = n_needs + n_people, n_needs + n_people + 1
    # Without the pairs that lead to no free place, the flow is found sooner.
    pairs = np.flatnonzero(need_has_way[problem.need] & has_way[problem.supporter])
    need, person = problem.need[pairs], n_needs + problem.supporter[pairs]
    left, offering = places_left(problem, supporter_of)
    chosen = n_needs + supporter_of[need] == person
    tail = np.concatenate([np.where(chosen, person, need), np.full(len(asking), source), n_needs + offering])
    head = np.concatenate([np.where(chosen, need, person), asking, np.full(len(offering), sink)])
    # The flow takes 32-bit integers; no supporter can use more places than there are needs.
    most = np.concatenate([np.ones(len(pairs) + len(asking)), np.minimum(left[offering], n_needs)])
    graph = csr_array((most.astype(np.int32), (tail, head)), shape=(sink + 1, sink + 1))
    flow = maximum_flow(graph, source, sink).flow
    moved = flow[:n_needs, n_needs:source].tocoo()
    moved_to = supporter_of.copy()
    moved_to[moved.row[moved.data > 0]] = moved.col[moved.data > 0]
    return moved_to


def _with_ways_out(
    problem: AssignmentProblem,
    oracle: PricingOracle,
    supporter_of: Positions,
    level: int,
    has_way: Flags,
    tuning: FlowParams,
) -> AssignmentProblem:
    """Return the problem with pairs of the oracle that lead needs without a way out to supporters who have one."""
    stuck = (problem.level <= level) & np.append(~has_way, True)[supporter_of]
    need_price, price = np.where(stuck, -1, NEVER), np.where(has_way & (problem.places > 0), 0, NEVER)
    need, supporter, value = oracle.pairs_above(need_price, price)
    best = rank_in_group(need, value) < tuning.first_pairs
    return problem.with_pairs(need[best], supporter[best], value[best])[0]


def transport(
    n_needs: int, need: Positions, supporter: Positions, weight: Integers, places: Integers, n_met: int
) -> Positions:
    """Return by need the supporter in an optimal assignment to places, or `UNMET`.

    Parameters
    ----------
    need, supporter, weight : ndarray
        By pair.
    places : ndarray of int64
        By supporter.
    n_met : int
        The number of needs that can be met at the same time.
    """
    # Each supporter is repeated once a place, but no more often than they have pairs.
    useful = np.minimum(places, np.bincount(supporter, minlength=len(places)))
    owner, repeats = np.repeat(np.arange(len(places)), useful), useful[supporter]
    edge = np.repeat(np.arange(len(supporter)), repeats)
    copy = np.arange(len(edge)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    place = (np.cumsum(useful) - useful)[supporter[edge]] + copy
    edge_need, edge_weight = need[edge], weight[edge]
    supporter_of = np.full(n_needs, UNMET, dtype=np.intp)
    # The matching augments row by row: it is several times faster with the shorter side as its rows.
    if n_needs <= len(owner):
        place_of = _best_matching(edge_need, place, edge_weight, n_needs, len(owner), n_met)
        met = np.flatnonzero(place_of >= 0)
        supporter_of[met] = owner[place_of[met]]
    else:
        need_of = _best_matching(place, edge_need, edge_weight, len(owner), n_needs, n_met)
        used = np.flatnonzero(need_of >= 0)
        supporter_of[need_of[used]] = owner[used]
    return supporter_of


def _best_matching(
    row: Positions, column: Positions, weight: Integers, n_rows: int, n_columns: int, n_matched: int
) -> Positions:
    """Return the column of each row, or -1. Where some row cannot be matched, each has an extra column of weight 0."""
    # A stored zero is no edge: costs are shifted to be at least 1.
    most = int(weight.max(initial=0))
    costs = most - weight + 1
    width = n_columns
    if n_matched < n_rows:
        rows = np.arange(n_rows)
        row, column = np.concatenate([row, rows]), np.concatenate([column, n_columns + rows])
        costs, width = np.concatenate([costs, np.full(n_rows, most + 1)]), n_columns + n_rows
    graph = csr_array((costs.astype(np.float64), (row, column)), shape=(n_rows, width))
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    column_of = np.full(n_rows, -1, dtype=np.intp)
    column_of[matched_row] = np.where(matched_column < n_columns, matched_column, -1)
    return column_of
