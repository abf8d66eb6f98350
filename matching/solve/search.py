"""Days and ties: the searches of one connected part, and what they prove."""

import numpy as np

from matching.solve.budget import Watch
from matching.solve.by_loads import by_loads
from matching.solve.fill import filled, filled_up
from matching.solve.large import best_of_large_part, bounds_around
from matching.solve.loads import Offers
from matching.solve.parts import Part
from matching.solve.pricing_oracle import Rest, with_all_of
from matching.solve.problem import (
    PRIORITY_LEVELS,
    UNMET,
    Flags,
    Positions,
    Reached,
    Task,
    Whole,
    as_reached,
    bounds_as_good,
    chosen_pairs,
    most_urgent_together,
    values_of,
)
from matching.solve.programme import Kept, Programme, best_choice, programme_of
from matching.solve.relaxation import by_relaxed_levels
from matching.solve.tied import best_of_tied_part

# A part of many pairs is first solved by other means, for a good plan whatever comes; one of even more is not searched
# as a whole.
_MANY_PAIRS = 50_000
_MOST_PAIRS_SEARCHED = 150_000
# Loads are blended where the time limit lets that get somewhere.
_SECONDS_A_PAIR = 0.0004
# Of its time, for the levels and then for the search of the whole; what is left is for bounds, where the search did not
# prove its plan.
_SHARE_OF_LEVELS = 0.9
_SHARE_OF_SEARCH = 0.8


def best_of_part(
    task: Task, rest: Rest | None, part: Part, without_days: Positions, price: Whole, watch: Watch
) -> tuple[Positions, Reached, Reached]:
    """The best assignment of one connected part with days and ties, what it reaches, and the bound of each level.

    `without_days` is the optimum with places only, with its prices.

    Notes
    -----
    One search with large bonuses finds a plan that is nearly always right in every level, and proves two things of it:
    among plans as good in the first two levels, none is better in the others. That the first two cannot be better is
    proved by the answer with places only, where the plan is as good; otherwise by a search for that level alone.

    A part of many pairs is solved by what each supporter could take together (`by_loads`), where there are no ties and
    there is time. Otherwise a plan is made beforehand, level by level (`relaxation`) or, where ties bind, over the
    pairs that promise most (`tied`): where that proves its plan there is nothing to search, and where the search comes
    to nothing better in time that plan stands, with its bounds. A part of even more pairs is not searched as a whole,
    and where a round is that large not all of its pairs are ever at hand (`large`).
    """
    if part.n_pairs > _MOST_PAIRS_SEARCHED:
        return best_of_large_part(task, rest, part, without_days, price, watch)
    task = with_all_of(task, rest, part.needs)
    outcome, bounds = _best_of_all(task, part, without_days, price, watch)
    return outcome[part.needs], values_of(task, outcome, part.needs), bounds


def _best_of_all(
    task: Task, part: Part, supporter_of: Positions, price: Whole, watch: Watch
) -> tuple[Positions, Reached]:
    """The best assignment of a part of which every pair is at hand, by need of the task, and the bounds."""
    needs, supporters, relaxed = part.needs, part.supporters, values_of(task, supporter_of, part.needs)
    programme = programme_of(task, needs, supporters)
    nobody = np.full(len(task.level), UNMET, dtype=np.intp)
    as_far_as_it_goes = filled(task, nobody, np.intersect1d(chosen_pairs(task, supporter_of), programme.pair))
    fallback = np.isin(programme.pair, chosen_pairs(task, filled(task, as_far_as_it_goes, programme.pair)))
    beyond = (task.weight - price[task.supporter])[programme.pair]
    whole_watch, is_large, most = watch, len(programme.pair) > _MANY_PAIRS, relaxed
    has_time = watch.limit_s >= _SECONDS_A_PAIR * len(programme.pair)
    can_blend = is_large and has_time and task.ties is None
    if can_blend and (offers := Offers.of(task, programme.pair, needs, supporters)).are_few:
        chosen, bounds = by_loads(programme, offers, fallback, relaxed, whole_watch)
        outcome = filled_up(task, programme, chosen)
        reached = programme.reached(np.isin(programme.pair, chosen_pairs(task, outcome)))
        return outcome, as_reached(max(one, other) for one, other in zip(bounds, reached, strict=True))
    if is_large:
        watch = whole_watch.share(_SHARE_OF_SEARCH)
        if task.ties is None:
            urgent = most_urgent_together(programme.level, programme.package)
            levels_watch = whole_watch.share(_SHARE_OF_LEVELS)
            fallback, most = by_relaxed_levels(programme, len(needs), urgent, fallback, levels_watch)
        else:
            watch = whole_watch
            fallback, most = best_of_tied_part(task, programme, needs, beyond, fallback, watch)
            relaxed = _closer(relaxed, most)
        if programme.reached(fallback) == most:
            return filled_up(task, programme, fallback), most
    chosen, most_worth = best_choice(programme, programme.worth, (), fallback, watch)
    if programme.reached(chosen) < programme.reached(fallback):
        chosen = fallback
    kept: tuple[Kept, ...] = ()
    proved: list[int] = []
    for level in range(len(PRIORITY_LEVELS) - 1):
        counted = programme.count(level)
        value, bound = int(counted[chosen].sum()), relaxed[level]
        # As long as the levels before it are as good as with places only, that answer bounds this one.
        if proved != list(relaxed[:level]) or value < bound:
            more, bound = best_choice(programme, counted, kept, chosen, watch)
            if counted[more].sum() > value:
                value = int(counted[more].sum())
                chosen, most_worth = best_choice(programme, programme.worth, (*kept, Kept(counted, value)), more, watch)
        kept = (*kept, Kept(counted, value))
        proved.append(max(bound, value))
    outcome = filled_up(task, programme, chosen)
    chosen = np.isin(programme.pair, chosen_pairs(task, outcome))
    bounds = as_reached([*proved, *_last_bounds(programme, chosen, most_worth, relaxed)])
    if is_large and bounds != programme.reached(chosen):
        if task.ties is None:
            closer = bounds_around(task, part, price, outcome, relaxed, whole_watch)
            bounds = as_reached(min(one, other) for one, other in zip(bounds, closer, strict=True))
        reached = programme.reached(chosen)
        closer = bounds_as_good(reached, programme.reached(fallback), most, bounds)
        bounds = as_reached(max(one[0], min(one[1:])) for one in zip(reached, bounds, closer, strict=True))
    return outcome, bounds


def _closer(relaxed: Reached, most: Reached) -> Reached:
    """Bounds with ties, and those with places only as far as ties leave as much in each level before."""
    closer: list[int] = []
    for level, bound in enumerate(most):
        closer.append(min(bound, relaxed[level]) if closer == list(relaxed[:level]) else bound)
    return as_reached(closer)


def _last_bounds(programme: Programme, chosen: Flags, most_worth: int, relaxed: Reached) -> tuple[int, int]:
    """The bounds of the last level of needs met and of the score, among plans as good in the levels before."""
    counts = np.bincount(programme.level[chosen], minlength=len(PRIORITY_LEVELS)).tolist()
    score, missing = int(programme.value_milli[chosen].sum()), most_worth - int(programme.worth[chosen].sum())
    if missing <= 0:
        return counts[-1], score
    if counts == list(relaxed[:-1]):
        return counts[-1], min(relaxed[-1], score + missing)
    asking = len(np.unique(programme.need[programme.level == len(counts) - 1]))
    most_met = relaxed[-2] if counts[:-1] == list(relaxed[:-2]) else asking
    # A plan that meets more may have any score, and one that meets as many may exceed this one by what is missing.
    most_met = min(most_met, counts[-1] + (score + missing) // programme.bonus_milli)
    return most_met, min(programme.ceiling(programme.value_milli), score + missing)
