"""Days and ties: the searches of one connected part, and what they prove."""

from collections.abc import Sequence

import numpy as np

from matching.programme import Kept, Programme, best_choice, programme_of
from matching.task import (
    PRIORITY_LEVELS,
    UNMET,
    Flags,
    Positions,
    Reached,
    Task,
    Whole,
    as_reached,
    best_of_each_need,
    chosen_pairs,
    days_used,
    visits_of,
)
from matching.watch import Watch

# A part of many pairs is first searched level by level over each need's best few, for a good plan whatever comes; one
# of even more is then not searched as a whole, and so not proved.
_MANY_PAIRS = 50_000
_MOST_PAIRS_SEARCHED = 150_000
_BEST_PAIRS_SEARCHED = 6


def best_of_part(
    task: Task,
    needs: Positions,
    supporters: Positions,
    supporter_of: Positions,
    price: Whole,
    relaxed: Reached,
    watch: Watch,
) -> tuple[Positions, Reached]:
    """The best assignment of one connected part with days and ties, and the bound of each level.

    `supporter_of` is the optimum with places only, with its prices, and `relaxed` its levels in this part.

    Notes
    -----
    One search with large bonuses finds a plan that is nearly always right in every level, and proves two things of it:
    among plans as good in the first two levels, none is better in the others. That the first two cannot be better is
    proved by the answer with places only, where the plan is as good; otherwise by a search for that level alone.
    """
    programme = programme_of(task, needs, supporters)
    nobody = np.full(len(task.level), UNMET, dtype=np.intp)
    as_far_as_it_goes = _filled(task, nobody, np.intersect1d(chosen_pairs(task, supporter_of), programme.pair))
    fallback = np.isin(programme.pair, chosen_pairs(task, _filled(task, as_far_as_it_goes, programme.pair)))
    if len(programme.pair) > _MANY_PAIRS:
        beyond = (task.weight - price[task.supporter])[programme.pair]
        too_many = len(programme.pair) > _MOST_PAIRS_SEARCHED
        fallback = _by_levels(programme, beyond, fallback, watch.share(1 if too_many else 2 / 3))
        if too_many:
            return _filled_up(task, programme, fallback)[needs], _bounds_of_places(programme, relaxed)
    chosen, most_worth = best_choice(programme, programme.worth, (), fallback, watch)
    kept: tuple[Kept, ...] = ()
    bounds: list[int] = []
    for level in range(len(PRIORITY_LEVELS) - 1):
        counted = programme.count(level)
        value, bound = int(counted[chosen].sum()), relaxed[level]
        # As long as the levels before it are as good as with places only, that answer bounds this one.
        if bounds != list(relaxed[:level]) or value < bound:
            found, bound = best_choice(programme, counted, kept, chosen, watch)
            if counted[found].sum() > value:
                value = int(counted[found].sum())
                chosen, most_worth = best_choice(
                    programme, programme.worth, (*kept, Kept(counted, value)), found, watch
                )
        kept = (*kept, Kept(counted, value))
        bounds.append(max(bound, value))
    outcome = _filled_up(task, programme, chosen)
    chosen = np.isin(programme.pair, chosen_pairs(task, outcome))
    rest = _last_bounds(programme, chosen, most_worth, relaxed)
    return outcome[needs], as_reached([*bounds, *rest])


def _filled_up(task: Task, programme: Programme, chosen: Flags) -> Positions:
    """By need: the supporter; only a search that ran out of time leaves anything to fill."""
    outcome = np.full(len(task.level), UNMET, dtype=np.intp)
    outcome[task.need[programme.pair[chosen]]] = task.supporter[programme.pair[chosen]]
    return _filled(task, outcome, programme.pair)


def _by_levels(whole: Programme, beyond: Whole, fallback: Flags, watch: Watch) -> Flags:
    """A good choice of columns of a part that is too large to be searched as a whole.

    The most urgent needs are placed first; then those of the next level join in, over each need's best few pairs at
    the prices of the answer without days (`beyond` is what each pair is worth beyond its price). Each level gets its
    share of the time that is left.
    """
    best = np.zeros(len(whole.pair), dtype=bool)
    best[best_of_each_need(whole.need, beyond, _BEST_PAIRS_SEARCHED)] = True
    chosen = np.zeros(len(whole.pair), dtype=bool)
    met: list[int] = []
    urgent = _most_urgent_together(whole)
    for level in range(len(PRIORITY_LEVELS)):
        columns = np.flatnonzero((best & (urgent <= level)) | chosen | fallback)
        part = whole.of(columns)
        kept = tuple(Kept(part.count(earlier), count) for earlier, count in enumerate(met))
        start = max((chosen[columns], fallback[columns]), key=lambda one: _merit(part, one, met))
        found, _ = best_choice(part, part.worth, kept, start, watch.share(1 / (len(PRIORITY_LEVELS) - level)))
        chosen = np.zeros(len(whole.pair), dtype=bool)
        chosen[columns[found]] = True
        met.append(int(whole.count(level)[chosen].sum()))
    return chosen


def _most_urgent_together(whole: Programme) -> Positions:
    """By pair: the most urgent level among the needs of its package, since they are met together or not at all."""
    together = np.full(whole.n_packages, len(PRIORITY_LEVELS), dtype=np.intp)
    packed = whole.package >= 0
    np.minimum.at(together, whole.package[packed], whole.level[packed])
    levels = whole.level.copy()
    levels[packed] = together[whole.package[packed]]
    return levels


def _merit(part: Programme, chosen: Flags, met: Sequence[int]) -> tuple[bool, int]:
    """How good a start is: whether it meets as many needs of the earlier levels, and what it is worth."""
    counts = np.bincount(part.level[chosen], minlength=len(PRIORITY_LEVELS))
    enough = all(counts[level] >= count for level, count in enumerate(met))
    return enough, int(part.worth[chosen].sum())


def _bounds_of_places(whole: Programme, relaxed: Reached) -> Reached:
    """What is known of a part whose search was not over all its pairs."""
    *met, _ = relaxed
    return as_reached([*met, whole.ceiling(whole.value_milli)])


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
    return most_met, programme.ceiling(programme.value_milli)


def _filled(task: Task, supporter_of: Positions, allowed: Positions) -> Positions:
    """Add allowed pairs while they fit: unmet needs ask their best supporter, who takes the best that asks.

    Packages are left as they are: one of their needs alone may not be added.
    """
    filled = supporter_of.copy()
    if task.ties is not None:
        allowed = allowed[task.ties.package[task.need[allowed]] < 0]
    while True:
        met = filled != UNMET
        places_left = task.places - np.bincount(filled[met], minlength=len(task.places))
        days_left = task.days_offered - days_used(task, filled)
        need, supporter = task.need[allowed], task.supporter[allowed]
        fits = (places_left[supporter] > 0) & (task.days_asked[need] <= days_left[supporter])
        fits &= _within_ties(task, filled, allowed)
        allowed = allowed[~met[need] & fits]
        if not len(allowed):
            return filled
        weight = task.weight[allowed]
        asking = allowed[best_of_each_need(task.need[allowed], weight, 1)]
        taken = _first_of_each(asking[np.lexsort((asking, -task.weight[asking]))], task.supporter)
        if task.ties is not None:
            taken = _first_of_each(taken, task.ties.home[task.supporter])
            taken = _first_of_each(taken, task.ties.school[task.need])
        filled[task.need[taken]] = task.supporter[taken]


def _first_of_each(pairs: Positions, group_of: Positions) -> Positions:
    """The first pair of each group, in the order in which they come."""
    return pairs[np.sort(np.unique(group_of[pairs], return_index=True)[1])]


def _within_ties(task: Task, supporter_of: Positions, pairs: Positions) -> Flags:
    """Whether each pair may be added to an outcome as far as ties go."""
    if task.ties is None:
        return np.ones(len(pairs), dtype=bool)
    school, home = task.ties.school[task.need[pairs]], task.ties.home[task.supporter[pairs]]
    visits = visits_of(task, supporter_of)
    come = np.bincount(visits[0], minlength=len(task.ties.supporters_left))
    comes = np.isin(_together(task, school, task.supporter[pairs]), _together(task, *visits))
    held = np.bincount(task.ties.home[supporter_of[supporter_of != UNMET]], minlength=len(task.ties.deployments_left))
    may_come = task.ties.is_there[pairs] | comes | (come < task.ties.supporters_left)[school]
    return np.asarray(may_come & (held < task.ties.deployments_left)[home])


def _together(task: Task, school: Positions, supporter: Positions) -> Positions:
    """One number for a school and a supporter."""
    return school * len(task.places) + supporter
