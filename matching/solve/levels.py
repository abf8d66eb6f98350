"""The levels: an assignment that meets the most critical, then high, then normal needs, by maximum flows."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from matching.solve.arrays import Flags, Positions
from matching.solve.params import FlowParams
from matching.solve.pricing_oracle import PricingOracle
from matching.solve.problem import NEVER, PRIORITY_LEVELS, UNMET, AssignmentProblem, places_left, rank_in_group


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
