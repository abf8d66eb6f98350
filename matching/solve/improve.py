"""Better plans from the restricted master: its loads in whole numbers, then large neighbourhood search.

First loads are taken by their shares, and supporters exchange what they hold for unmet needs. Then the loads that
column generation has found are chosen from in whole numbers (restricted master heuristic; Joncour et al., Electronic
Notes in Discrete Mathematics 36, 2010). Then neighbourhoods are searched (Shaw, CP 1998): supporters near to where the
plan loses most against the bound give up what they hold, and are assigned again from all loads that lose little at the
prices of the bound. What a plan loses is a sum over supporters (their best load's gain less that of their load) and
unmet needs (their price), so it is known where to look.

Guarantee: none but that every plan keeps the rules and is no worse than the one before.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from matching.solve.budget import Budget
from matching.solve.column_generation import Master
from matching.solve.components import keeps_rules
from matching.solve.knapsack import best_loads
from matching.solve.params import LoadsParams
from matching.solve.problem import (
    UNMET,
    AssignmentProblem,
    Flags,
    Floats,
    Integers,
    Positions,
    PricingOracle,
    Reached,
    best_of_each_need,
    chosen_pairs,
    days_used,
    places_left,
    values_of,
    visits_of,
    with_addable_pairs,
)
from matching.solve.programme import Choice, Limits, closed

_MILLI = 1000
_SPLIT = 1e-6


def better(problem: AssignmentProblem, one: Positions, other: Positions | None) -> Positions:
    """Return the better of two plans, the first if the other breaks a rule or is no better."""
    if other is None or not keeps_rules(problem, other):
        return one
    return other if values_of(problem, other) > values_of(problem, one) else one


def plan_weight(problem: AssignmentProblem, params: LoadsParams) -> Integers:
    """Return by pair what it counts in a search for plans, in thousandths: moderate bonuses for levels, and its value.

    Bonuses as large as would keep levels apart for certain make integer programmes slow. Moderate ones hardly ever
    prefer another plan, and `better` compares plans level by level.
    """
    bonus = np.array(params.level_factors) * params.plan_bonus_milli
    weight: Integers = bonus[problem.level[problem.need]] + problem.value_milli
    return weight


def from_restricted_master(master: Master, plan: Positions, budget: Budget, params: LoadsParams) -> Positions:
    """Return the best plan of the master's loads, or that plan if it is better.

    Loads that the master takes whole make up most of a plan. Whoever is far from all that it splits keeps them; for the
    others it is solved in whole numbers, first for fewer of them.
    """
    if not master.share.any():
        return plan
    problem, is_split = master.problem, (master.share > _SPLIT) & (master.share < 1 - _SPLIT)
    plan = better(problem, plan, exchanged(master, _by_share(master), budget, params))
    for size in params.master_people:
        losses = _losses(master, plan)
        seeds = np.append(losses.of_need, losses.of_supporter) * _MILLI > 1 / 2
        seeds[len(problem.level) + problem.supporter[master.loads[is_split, -1]]] = True
        if not seeds.any():
            break
        people, _ = _neighbourhood(problem, losses, plan, np.flatnonzero(seeds), size)
        people, free = _free(problem, master.rows.package, plan, people)
        loads = master.loads[people[problem.supporter[master.loads[:, -1]]]]
        loads = loads[np.where(loads >= 0, free[problem.need[loads]], True).all(axis=1)]
        plan = _assigned_again(master, plan, people, free, loads, params.master_nodes, budget.share(1 / 2), params)
        if size >= len(people):
            break
    return plan


def _by_share(master: Master) -> Positions:
    """Return the plan of the master's loads, most of each first, without what others have by then."""
    problem, package, share = master.problem, master.rows.package, master.share
    order = np.argsort(-share, kind="stable")
    loads = master.loads[order[share[order] > _SPLIT]]
    plan = np.full(len(problem.level), UNMET, dtype=np.intp)
    whole = master.loads[share >= 1 - _SPLIT]
    whole = whole[whole >= 0]
    plan[problem.need[whole]] = problem.supporter[whole]
    plan = _without_broken(plan, package)
    alone = plan.copy()
    places = places_left(problem, plan)[0].tolist()
    days = (problem.days_offered - days_used(problem, plan)).tolist()
    pairs = loads[loads >= 0]
    lists = (problem.need[pairs], problem.supporter[pairs], problem.days_asked[problem.need[pairs]])
    for need, supporter, asked in zip(*(one.tolist() for one in lists), strict=True):
        if plan[need] == UNMET and places[supporter] > 0 and days[supporter] >= asked:
            plan[need] = supporter
            places[supporter] -= 1
            days[supporter] -= asked
    plan = _without_broken(plan, package)
    return plan if keeps_rules(problem, plan) else filled_greedily(problem, alone, chosen_pairs(problem, plan))


def _without_broken(plan: Positions, package: Positions) -> Positions:
    """Return a plan without the packages that it meets in part."""
    broken = np.unique(package[(package >= 0) & (plan == UNMET)])
    return np.where((package >= 0) & np.isin(package, broken), UNMET, plan)


def exchanged(master: Master, plan: Positions, budget: Budget, params: LoadsParams) -> Positions:
    """Return the plan after every supporter has exchanged what they hold for unmet needs, as long as that is better.

    Each chooses their best load from what they hold and what nobody does; of those who want the same need, or come to
    the same limited school, the one who gains most is served, until nobody gains.
    """
    problem, rows, side = master.problem, master.rows, master.problem.side_constraints
    weight = plan_weight(problem, params) / _MILLI
    packed, no_toll = rows.package[problem.need] >= 0, np.zeros(rows.home_at - rows.school_at)
    while budget.remaining_s() > 0:
        own, free = plan[problem.need] == problem.supporter, (plan[problem.need] == UNMET) & ~packed
        offers = master.offers
        if side is not None:
            free[free] = _within_side_constraints(problem, plan, np.flatnonzero(free))
            held = np.bincount(problem.supporter[own], minlength=len(problem.places))
            held_at = np.bincount(side.home, weights=held, minlength=len(side.deployments_left))
            room = (side.deployments_left - held_at)[side.home].astype(np.int64)
            offers = replace(offers, places=np.minimum(offers.places, np.maximum(held + room, 0)))
        gain = np.where(own | free, weight + np.where(own & packed, weight.sum(), 0.0), 0.0)
        before = np.bincount(problem.supporter[own], weights=gain[own], minlength=len(problem.places))
        best = best_loads(offers, gain, no_toll)
        loads = master.within_days(best.loads)
        rises = master.sums(gain, loads) - before[problem.supporter[loads[:, -1]]]
        loads = loads[np.argsort(-rises, kind="stable")][: np.count_nonzero(rises * _MILLI > 1 / 2)]
        if not len(loads):
            return plan
        plan, taken = plan.copy(), np.zeros(len(rows.most), dtype=bool)
        for load in loads:
            pairs = load[load >= 0]
            holder, new = problem.supporter[pairs[0]], pairs[~own[pairs]]
            of_school = master.visited[new]
            touched = np.concatenate([problem.need[new], of_school[of_school >= 0], rows.home[[holder]]])
            touched = touched[touched >= 0]
            if not taken[touched].any():
                taken[touched] = True
                plan[plan == holder] = UNMET
                plan[problem.need[pairs]] = holder
    return filled_greedily(problem, plan, np.arange(len(problem.need)))


@dataclass(frozen=True)
class _Losses:
    """Where a plan loses against the bound, in points: by need and by supporter; and by pair, its own loss."""

    of_need: Floats
    of_supporter: Floats
    of_pair: Floats


def _losses(master: Master, plan: Positions) -> _Losses:
    bound, rows = master.bound, master.rows
    loads = master.loads_of(plan)
    gained = np.zeros(len(master.problem.places))
    toll = np.zeros(len(bound.price))
    toll[rows.school_at : rows.home_at] = bound.price[rows.school_at : rows.home_at]
    paid = rows.cells(master.problem, master.visited, loads).T @ toll
    gained[master.problem.supporter[loads[:, -1]]] = master.sums(bound.gain, loads) - paid
    of_need = np.where(plan == UNMET, np.maximum(bound.price[: len(plan)], 0.0), 0.0)
    of_pair = bound.best.loss(master.offers, bound.gain, master.toll)
    return _Losses(of_need, np.maximum(bound.best.gain - gained, 0.0), of_pair)


def searched_around(master: Master, plan: Positions, most: Reached, budget: Budget, params: LoadsParams) -> Positions:
    """Return a plan that is at least as good, after searching neighbourhoods of where it loses most."""
    tried = np.zeros(len(master.problem.level) + len(master.problem.places), dtype=bool)
    in_vain = 0
    while in_vain < params.neighbourhoods and values_of(master.problem, plan) != most and budget.remaining_s() > 0:
        losses = _losses(master, plan)
        lost = np.where(tried, 0.0, np.append(losses.of_need, losses.of_supporter))
        seed = int(np.argmax(lost))
        if lost[seed] * _MILLI < 1 / 2:
            break
        people, near = _neighbourhood(master.problem, losses, plan, np.array([seed]), params.neighbourhood_people)
        tried |= near & (np.append(losses.of_need, losses.of_supporter) <= lost[seed])
        tried[seed] = True
        found = _searched(master, plan, people, losses, budget, params)
        if found is plan:
            in_vain += 1
        else:
            plan, in_vain = found, 0
            tried[:] = False
    return plan


def _neighbourhood(
    problem: AssignmentProblem, losses: _Losses, plan: Positions, seeds: Positions, size: int
) -> tuple[Flags, Flags]:
    """Return the supporters nearest to seeds, needs or supporters, and all nodes at most half as far as those.

    A step along a pair is as long as the pair's loss: a better plan differs from this one along such paths.
    """
    n_needs, n_nodes = len(problem.level), len(problem.level) + len(problem.places)
    some = np.flatnonzero(np.isfinite(losses.of_pair))
    chosen = plan[problem.need[some]] == problem.supporter[some]
    # A stored zero is no edge.
    length = np.where(chosen, 0.0, losses.of_pair[some]) + 1e-6
    ends = (problem.need[some], n_needs + problem.supporter[some])
    graph = csr_array((length, ends), shape=(n_nodes, n_nodes))
    away = dijkstra(graph, directed=False, indices=seeds, min_only=True)
    order = np.argsort(away[n_needs:], kind="stable")[:size]
    order = order[np.isfinite(away[n_needs:][order])]
    people = np.zeros(len(problem.places), dtype=bool)
    people[order] = True
    near = away <= (away[n_needs:][order[-1]] if len(order) else 0.0) / 2
    return people, near


def _searched(
    master: Master, plan: Positions, people: Flags, losses: _Losses, budget: Budget, params: LoadsParams
) -> Positions:
    """Return the best plan in which only these people are assigned again, from loads that lose little."""
    problem, rows = master.problem, master.rows
    people, free = _free(problem, rows.package, plan, people)
    if not people.any():
        return plan
    is_free_pair = free[problem.need] & people[problem.supporter]
    # What the others lose stays as it is.
    needs = np.unique(problem.need[is_free_pair])
    within = float(losses.of_need[needs].sum() + losses.of_supporter[people].sum())
    most = params.neighbourhood_loads, params.most_loads_each
    while True:
        loads, is_listed = master.loads_within(within, *most, people, is_free_pair)
        if is_listed[people].all() or within < 1 / _MILLI:
            break
        within /= 2
    return _assigned_again(master, plan, people, free, loads, params.neighbourhood_nodes, budget, params)


def _assigned_again(
    master: Master,
    plan: Positions,
    people: Flags,
    free: Flags,
    loads: Positions,
    nodes: int,
    budget: Budget,
    params: LoadsParams,
) -> Positions:
    """Return the best plan in which some people take one of these loads or what they have, or the plan itself."""
    problem = master.problem
    own = master.loads_of(plan)
    own = own[people[problem.supporter[own[:, -1]]]]
    found = closed(
        problem,
        master.rows,
        _left(master, np.where(free, UNMET, plan)),
        Choice(np.unique(np.vstack([loads, own]), axis=0), np.zeros(0, dtype=np.intp)),
        plan_weight(problem, params),
        budget,
        params,
        start=np.where(free, plan, UNMET),
        nodes=nodes,
    )
    if found.supporter_of is None:
        return plan
    return better(problem, plan, np.where(free, found.supporter_of, plan))


def _free(problem: AssignmentProblem, package: Positions, plan: Positions, people: Flags) -> tuple[Flags, Flags]:
    """Return the people and needs of a neighbourhood: packages are inside as a whole, or not at all."""
    while True:
        free = (plan == UNMET) | people[plan]
        bound_packages = np.unique(package[(package >= 0) & ~free])
        fixed = (package >= 0) & np.isin(package, bound_packages)
        holders = np.unique(plan[fixed & (plan != UNMET)])
        if not people[holders].any():
            return people, free & ~fixed
        people = people.copy()
        people[holders] = False


def _left(master: Master, held: Positions) -> Limits:
    """Return the limits that remain beside the deployments that are held."""
    rows, problem = master.rows, master.problem
    used = np.asarray(rows.cells(problem, master.visited, master.loads_of(held)).sum(axis=1)).ravel()
    is_met = np.zeros(rows.n_packages)
    is_met[rows.package[(rows.package >= 0) & (held != UNMET)]] = 1
    used += rows.packages() @ is_met
    most = rows.most.copy()
    most[rows.school_at :] -= used[rows.school_at :]
    return Limits(rows.least.copy(), most)


def first_plan(
    problem: AssignmentProblem, oracle: PricingOracle | None, places_only: Positions
) -> tuple[AssignmentProblem, Positions]:
    """Return the problem with further pairs, and a plan within every rule, made from the optimum with places only."""
    no_one = np.full(len(problem.level), UNMET, dtype=np.intp)
    plan = filled_greedily(problem, no_one, chosen_pairs(problem, places_only))
    problem = with_addable_pairs(problem, oracle, plan)
    return problem, filled_greedily(problem, plan, np.arange(len(problem.need)))


def filled_greedily(problem: AssignmentProblem, supporter_of: Positions, allowed: Positions) -> Positions:
    """Return the outcome with allowed pairs added while they fit.

    In each turn every unmet need proposes to its best supporter, who takes the best proposal. Packages are left as they
    are, since one of their needs alone may not be added.
    """
    outcome, side = supporter_of.copy(), problem.side_constraints
    if side is not None:
        allowed = allowed[side.package[problem.need[allowed]] < 0]
    while True:
        met, left = outcome != UNMET, places_left(problem, outcome)[0]
        days_left = problem.days_offered - days_used(problem, outcome)
        need, supporter = problem.need[allowed], problem.supporter[allowed]
        fits = (left[supporter] > 0) & (problem.days_asked[need] <= days_left[supporter])
        fits &= _within_side_constraints(problem, outcome, allowed)
        allowed = allowed[~met[need] & fits]
        if not len(allowed):
            return outcome
        weight = problem.weight[allowed]
        asking = allowed[best_of_each_need(problem.need[allowed], weight, 1)]
        taken = _first_of_each(asking[np.lexsort((asking, -problem.weight[asking]))], problem.supporter)
        if side is not None:
            taken = _first_of_each(taken, side.home[problem.supporter])
            taken = _first_of_each(taken, side.school[problem.need])
        outcome[problem.need[taken]] = problem.supporter[taken]


def _first_of_each(pairs: Positions, group_of: Positions) -> Positions:
    """Return the first pair of each group, in the order given."""
    return pairs[np.sort(np.unique(group_of[pairs], return_index=True)[1])]


def _within_side_constraints(problem: AssignmentProblem, supporter_of: Positions, pairs: Positions) -> Flags:
    """Return whether the limits on schools let each pair be added to an outcome."""
    side = problem.side_constraints
    if side is None:
        return np.ones(len(pairs), dtype=bool)
    school, home = side.school[problem.need[pairs]], side.home[problem.supporter[pairs]]
    visits, n_people = visits_of(problem, supporter_of), len(problem.places)
    come = np.bincount(visits[0], minlength=len(side.supporters_left))
    comes = np.isin(school * n_people + problem.supporter[pairs], visits[0] * n_people + visits[1])
    held = np.bincount(side.home[supporter_of[supporter_of != UNMET]], minlength=len(side.deployments_left))
    may_come = problem.already_visits(pairs) | comes | (come < side.supporters_left)[school]
    return np.asarray(may_come & (held < side.deployments_left)[home])
