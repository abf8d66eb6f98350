"""Places only: the best assignment without days, and the prices that prove it over every eligible pair.

First the levels, as flows over every pair; then the scores, over few pairs. Prices say which other pairs are still
worth adding and how far that can be felt, and only so much is solved again, until no pair is worth adding. In a large
round not even the pairs at hand are all that there are: the rest is asked for what is worth more than the prices.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import (
    breadth_first_order,
    dijkstra,
    maximum_flow,
    min_weight_full_bipartite_matching,
)

from matching.solve.arrays import Flags, Integers, Positions
from matching.solve.auction import auction_prices, may_stay_out, tight_pairs
from matching.solve.budget import Budget
from matching.solve.duals import Duals, duals_near, least_duals
from matching.solve.pricing_oracle import PricingOracle
from matching.solve.problem import (
    NEVER,
    PRIORITY_LEVELS,
    UNMET,
    AssignmentProblem,
    chosen_pairs,
    components_of,
    places_left,
    rank_in_group,
    together,
)

# Pairs that a need which has to be met brings to the first solve.
_FIRST_PAIRS = 8
# Pairs that a scarce supporter brings to it, of needs that may be left out: so many for each place, and some more.
_FIRST_PAIRS_A_PLACE = 2
_FIRST_PAIRS_BESIDE = 4
# Where the first pairs are more than these, needs bid for places beforehand.
_MANY_PAIRS = 30_000
# Small parts of the graph are solved together, about so many pairs at once.
_PAIRS_AT_ONCE = 2_000
# Pairs that a need adds in each round.
_MORE_PAIRS = 16
# Sweeps that prices get to settle where not everything was solved again; those of an optimum mostly need 20 to 180.
_SWEEPS = 500


def best_without_days(
    problem: AssignmentProblem, budget: Budget, oracle: PricingOracle | None = None
) -> tuple[AssignmentProblem, Positions, Integers | None]:
    """The optimum without days, and the least prices that prove it over every pair, at hand or in the rest.

    Where somebody cancels before it is found: an assignment that is best at every level before the score, and None.
    The first to be returned is the task with the pairs that were at hand in the end.

    Notes
    -----
    Once the levels are known (`_levels`), pairs that are not tight for them are in no optimum; they only hold prices
    up. Over the pairs at hand the assignment is optimal, with prices v_j and surpluses u_i. A pair added because
    w_ij > u_i + v_j makes room for a change; what it brings is lost again along the way where u_i + v_j - w_ij
    adds up to more. So what is near in that measure is solved again, and the rest stays. Should that have been
    too little, prices do not settle, and the connected parts where they do not are solved whole; after that they do,
    since a longest path passes each supporter once.

    The least prices over few pairs promise much of the others that is not there. Where needs have bid, prices near the
    bids are looked at instead, and the least only in the end, when the assignment stands.
    """
    if not len(problem.need) and oracle is None:
        return problem, np.full(len(problem.level), UNMET, dtype=np.intp), np.zeros(len(problem.places), dtype=np.int64)
    sweeps = surely = len(problem.places) + 2
    budget.report(f"Solving places: how many needs can be met, over {len(problem.need):,} pairs")
    problem, supporter_of, tier = _levels(problem, oracle)
    active = _first_pairs(problem, supporter_of, tier)
    expected = None
    if len(active) > _MANY_PAIRS:
        budget.report(f"Solving places: which of {len(problem.need):,} pairs matter")
        problem, bids, near = auction_prices(problem, oracle, tier, active)
        expected, active = (
            problem.bonus_milli * tier + bids,
            together(problem, near, chosen_pairs(problem, supporter_of)),
        )
    if budget.cancelled():
        return problem, supporter_of, None
    weight = problem.weight
    budget.report(f"Solving places, round 1: {len(active):,} of {len(problem.need):,} pairs")
    supporter_of = _solved(problem, weight, active, supporter_of, np.ones(len(problem.level), dtype=bool))
    number = 1
    while True:
        prices = _duals(problem, weight, active, supporter_of, sweeps, expected)
        sweeps = surely
        if prices.unsettled.any():
            needs = _in_components(problem, active, prices.unsettled)
            supporter_of = _solved(problem, weight, active, supporter_of, needs)
            continue
        problem, active, gain = _gains(problem, oracle, prices, active)
        promising = np.flatnonzero(gain > 0)
        if not len(promising):
            break
        if budget.cancelled():
            return problem, supporter_of, None
        number += 1
        budget.report(f"Solving places, round {number}: {len(promising):,} more pairs are promising")
        weight, is_tight = problem.weight, tight_pairs(problem, tier)[0]
        # Those that only hold prices up come first: without them others promise more than there is.
        if not is_tight[promising].all():
            promising = promising[~is_tight[promising]]
        active = _with_best(problem, active, promising, gain)
        if is_tight[promising].all():
            needs, near = _within_reach(problem, weight, active, supporter_of, prices)
            supporter_of = _solved(problem, weight, near, supporter_of, needs)
            sweeps = min(_SWEEPS, surely)
    if expected is not None:
        problem, prices = _least_of_all(problem, oracle, active, supporter_of)
    return problem, supporter_of, prices.price


def _duals(
    problem: AssignmentProblem,
    weight: Integers,
    active: Positions,
    supporter_of: Positions,
    sweeps: int,
    expected: Integers | None,
) -> Duals:
    """Prices that prove the assignment over the active pairs: near those expected, or the least."""
    if expected is None:
        return least_duals(problem, weight, active, supporter_of, sweeps)
    return duals_near(problem, weight, active, supporter_of, sweeps, expected)


def _least_of_all(
    problem: AssignmentProblem, oracle: PricingOracle | None, active: Positions, supporter_of: Positions
) -> tuple[AssignmentProblem, Duals]:
    """The least prices that prove the optimum over all pairs, by adding pairs that still hold prices up."""
    while True:
        prices = least_duals(problem, problem.weight, active, supporter_of, len(problem.places) + 2)
        problem, active, gain = _gains(problem, oracle, prices, active)
        promising = np.flatnonzero(gain > 0)
        if not len(promising):
            return problem, prices
        active = _with_best(problem, active, promising, gain)


def _gains(
    problem: AssignmentProblem, oracle: PricingOracle | None, prices: Duals, active: Positions
) -> tuple[AssignmentProblem, Positions, Integers]:
    """By pair: what it is worth beyond its price and surplus.

    Where no pair at hand is worth more, the rest is asked: first come the task with what it has, and where the active
    pairs are in it.
    """
    gain = np.asarray(problem.weight - prices.price[problem.supporter] - prices.surplus[problem.need])
    if oracle is None or (gain > 0).any():
        return problem, active, gain
    problem, active = _with_oracle_pairs(problem, oracle, prices, active)
    return problem, active, np.asarray(problem.weight - prices.price[problem.supporter] - prices.surplus[problem.need])


def _with_oracle_pairs(
    problem: AssignmentProblem, oracle: PricingOracle, prices: Duals, active: Positions
) -> tuple[AssignmentProblem, Positions]:
    """The task with the most promising pairs of the rest, and where the active pairs are in it."""
    asked = prices.surplus - problem.bonus_milli * (3 - problem.level)
    need, supporter, value = oracle.pairs_above(asked, prices.price)
    best = rank_in_group(need, value - prices.price[supporter]) < _MORE_PAIRS
    whole, place = problem.with_pairs(need[best], supporter[best], value[best])
    return whole, place[active]


def _with_best(problem: AssignmentProblem, active: Positions, promising: Positions, gain: Integers) -> Positions:
    """The active pairs and the most promising of each need."""
    best = promising[rank_in_group(problem.need[promising], gain[promising]) < _MORE_PAIRS]
    return together(problem, active, best)


def _levels(problem: AssignmentProblem, oracle: PricingOracle | None) -> tuple[AssignmentProblem, Positions, Positions]:
    """An assignment that is best at every level before the score, and each supporter's price in levels.

    First comes the task with the pairs of the rest that it took to know.

    Notes
    -----
    The sets of needs that can be met together form a transversal matroid: a largest flow from critical needs is
    extended to high and then to normal ones, and no need that is met is ever given up. A supporter from whom no place
    that is left can be reached, by moving needs on, is full in every such plan: one more place there would meet
    one more need. Counted over the three flows, that is the least dual price of the levels: of 3, 2 or 1 a need is
    worth, what its cheapest supporter asks is lost. A pair of the rest could change that only if it leads from a need
    without such a place, or held by a supporter without one, to somebody from whom one can be reached.
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
            n_pairs, problem = len(problem.need), _with_ways_out(problem, oracle, supporter_of, level, has_way)
            if len(problem.need) > n_pairs:
                continue
        tier += ~has_way & (problem.places > 0)
        level += 1
    return problem, supporter_of, tier


def _ways_out(problem: AssignmentProblem, supporter_of: Positions, level: int) -> tuple[Flags, Flags]:
    """Needs up to a level, and supporters, from whom a place that is left can be reached by moving needs on."""
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
    """As many of the asking needs met as can be, by moving others on; nobody else is let down."""
    n_needs, n_people = len(problem.level), len(problem.places)
    source, sink = n_needs + n_people, n_needs + n_people + 1
    # What leads nowhere would only be searched in vain.
    pairs = np.flatnonzero(need_has_way[problem.need] & has_way[problem.supporter])
    need, person = problem.need[pairs], n_needs + problem.supporter[pairs]
    left, offering = places_left(problem, supporter_of)
    chosen = n_needs + supporter_of[need] == person
    tail = np.concatenate([np.where(chosen, person, need), np.full(len(asking), source), n_needs + offering])
    head = np.concatenate([np.where(chosen, need, person), asking, np.full(len(offering), sink)])
    # More places than needs are as good as that many, and fit the flow's small integers.
    most = np.concatenate([np.ones(len(pairs) + len(asking)), np.minimum(left[offering], n_needs)])
    graph = csr_array((most.astype(np.int32), (tail, head)), shape=(sink + 1, sink + 1))
    flow = maximum_flow(graph, source, sink).flow
    moved = flow[:n_needs, n_needs:source].tocoo()
    moved_to = supporter_of.copy()
    moved_to[moved.row[moved.data > 0]] = moved.col[moved.data > 0]
    return moved_to


def _with_ways_out(
    problem: AssignmentProblem, oracle: PricingOracle, supporter_of: Positions, level: int, has_way: Flags
) -> AssignmentProblem:
    """The task with pairs of the rest that lead needs up to a level, which cannot be moved, to people with room."""
    stuck = (problem.level <= level) & np.append(~has_way, True)[supporter_of]
    asked, offered = np.where(stuck, -1, NEVER), np.where(has_way & (problem.places > 0), 0, NEVER)
    need, supporter, value = oracle.pairs_above(asked, offered)
    best = rank_in_group(need, value) < _FIRST_PAIRS
    return problem.with_pairs(need[best], supporter[best], value[best])[0]


def _first_pairs(problem: AssignmentProblem, supporter_of: Positions, tier: Positions) -> Positions:
    """The tight pairs to begin with.

    A need that has to be met looks for its best supporters. One that may be left out does not; scarce supporters look
    for the best of those instead.
    """
    is_tight, cheapest = tight_pairs(problem, tier)
    tight = np.flatnonzero(is_tight)
    need, supporter, value = problem.need[tight], problem.supporter[tight], problem.value_milli[tight]
    must = ~may_stay_out(problem, cheapest)[need]
    kept = (supporter_of[need] == supporter) | (must & (rank_in_group(need, value) < _FIRST_PAIRS))
    may = np.flatnonzero(~must)
    wanted = _FIRST_PAIRS_A_PLACE * problem.places[supporter[may]] + _FIRST_PAIRS_BESIDE
    kept[may[rank_in_group(supporter[may], value[may]) < wanted]] = True
    first: Positions = tight[kept]
    return first


def _solved(
    problem: AssignmentProblem, weight: Integers, active: Positions, supporter_of: Positions, needs: Flags
) -> Positions:
    """The best assignment of some needs over the active pairs, each large connected part alone; the others stay."""
    solved = np.where(needs, UNMET, supporter_of)
    left, _ = places_left(problem, solved)
    pairs = active[needs[problem.need[active]] & (left[problem.supporter[active]] > 0)]
    component = components_of(problem, pairs)[problem.need[pairs]]
    order = np.argsort(component, kind="stable")
    starts = np.flatnonzero(np.diff(component[order], prepend=-1))
    starts = starts[np.diff(starts // _PAIRS_AT_ONCE, prepend=-1) > 0]
    for one in np.split(pairs[order], starts[1:]):
        here, need = np.unique(problem.need[one], return_inverse=True)
        people, supporter = np.unique(problem.supporter[one], return_inverse=True)
        n_met = int((supporter_of[here] != UNMET).sum())
        chosen = _transport(len(here), need, supporter, weight[one], left[people], n_met)
        solved[here] = np.where(chosen == UNMET, UNMET, people[chosen])
    return solved


def _in_components(problem: AssignmentProblem, pairs: Positions, nodes: Flags) -> Flags:
    """Needs in the connected parts that any of these needs and supporters are in."""
    component = components_of(problem, pairs)
    return np.isin(component[: len(problem.level)], component[nodes])


@dataclass(frozen=True)
class _Places:
    """Pairs with each supporter repeated once a place: the pair of each edge, its place, and who each place is with."""

    edge: Positions
    place: Positions
    owner: Positions


def _repeated(supporter: Positions, places: Integers) -> _Places:
    """Repeat each supporter once a place, as far as there are pairs to fill them."""
    useful = np.minimum(places, np.bincount(supporter, minlength=len(places)))
    first_place = np.cumsum(useful) - useful
    repeats = useful[supporter]
    edge = np.repeat(np.arange(len(supporter)), repeats)
    copy = np.arange(len(edge)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return _Places(edge, first_place[supporter[edge]] + copy, np.repeat(np.arange(len(places)), useful))


def _transport(
    n_needs: int, need: Positions, supporter: Positions, weight: Integers, places: Integers, n_met: int
) -> Positions:
    """The best assignment of needs to places, where `n_met` needs can be met at once."""
    repeated = _repeated(supporter, places)
    edge_need, edge_weight, n_places = need[repeated.edge], weight[repeated.edge], len(repeated.owner)
    supporter_of = np.full(n_needs, UNMET, dtype=np.intp)
    # The solver augments row by row: it is several times faster with the shorter side as its rows.
    if n_needs <= n_places:
        place_of = _best_matching(edge_need, repeated.place, edge_weight, n_needs, n_places, n_met)
        met = np.flatnonzero(place_of >= 0)
        supporter_of[met] = repeated.owner[place_of[met]]
    else:
        need_of = _best_matching(repeated.place, edge_need, edge_weight, n_places, n_needs, n_met)
        used = np.flatnonzero(need_of >= 0)
        supporter_of[need_of[used]] = repeated.owner[used]
    return supporter_of


def _best_matching(
    row: Positions, column: Positions, weight: Integers, n_rows: int, n_columns: int, n_matched: int
) -> Positions:
    """The column of each row, or -1. Where not all rows can be matched, each gets a private column of no worth."""
    # Stored zeros would be no edges: costs are shifted so that every one of them is at least 1.
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


def _within_reach(
    problem: AssignmentProblem, weight: Integers, active: Positions, supporter_of: Positions, prices: Duals
) -> tuple[Flags, Positions]:
    """The needs that pairs worth more than their prices can be felt by, and the active pairs that can matter there."""
    n_needs, n_people = len(problem.level), len(problem.places)
    short = prices.surplus[problem.need[active]] + prices.price[problem.supporter[active]] - weight[active]
    gain = np.zeros(n_needs, dtype=np.int64)
    np.maximum.at(gain, problem.need[active], -short)
    reach = int(gain.max(initial=0))
    near = active[short <= reach]
    need, person, start = problem.need[near], n_needs + problem.supporter[near], n_needs + n_people
    begin = np.flatnonzero(gain)
    length = np.maximum(short[short <= reach], 0)
    # Each need with such a pair begins as far out as its gain falls short of the largest. Stored zeros are no edges.
    lengths = np.concatenate([length, length, reach - gain[begin]]) + 0.25 / (n_needs + n_people + 1)
    tail = np.concatenate([need, person, np.full(len(begin), start)])
    head = np.concatenate([person, need, begin])
    graph = csr_array((lengths, (tail, head)), shape=(start + 1, start + 1))
    felt = np.isfinite(dijkstra(graph, indices=[start], limit=reach + 0.5, min_only=True))
    theirs = (supporter_of != UNMET) & felt[n_needs + np.maximum(supporter_of, 0)]
    return felt[:n_needs] | theirs, near
