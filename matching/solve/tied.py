"""Kernel search in a large component where side constraints bind: urgent needs, promising pairs, then need by need.

Side constraints leave much of a relaxation split, so that little of it can be kept as it is. But pairs that it would
have to give up much for are in hardly any good plan, and over the others a search of the whole component comes to an
end.
"""

from collections.abc import Sequence

import numpy as np

from matching.solve.arrays import Flags, Floats, Integers, Positions
from matching.solve.bettered import bettered
from matching.solve.budget import Budget
from matching.solve.highs import Model, relaxed
from matching.solve.problem import (
    LEVELS,
    PRIORITY_LEVELS,
    AssignmentProblem,
    Reached,
    as_reached,
    best_of_each_need,
    bounds_as_good,
    most_urgent_together,
)
from matching.solve.programme import LEVEL_FACTORS, Kept, Programme, best_choice, kept_at, worth_at
from matching.solve.relaxation import most_by_levels

# What a need of the last level counts besides the score, in thousandths: enough to come before it, and little enough
# for the solver to see both.
_BONUS_MILLI = 2_000
# Pairs that are relaxed, at most, and those that are then searched, first few and then more: so many in all, or so many
# for each need where that is more.
_MOST_PAIRS_RELAXED = 85_000
_PAIRS_SEARCHED = ((5_500, 1.5), (20_000, 2.0))
# Of the time that is left: for each level before the last, for the relaxation and each search of promising pairs, for
# bounds, and for what is bettered place by place.
_SHARE_OF_URGENT = 0.1
_SHARE_OF_RELAXATION = 0.35
_SHARE_OF_PROMISING = 0.25
_SHARE_OF_BOUNDS = 0.6
_SHARE_OF_PLACES = 0.5


def best_of_tied_part(
    problem: AssignmentProblem, part: Programme, needs: Positions, beyond: Integers, fallback: Flags, budget: Budget
) -> tuple[Flags, Reached]:
    """A good choice of pairs of a component, and the bound of each level among choices as good in the levels before.

    Parameters
    ----------
    problem : AssignmentProblem
        With side constraints.
    part : Programme
        Of all its pairs with the needs.
    needs : ndarray of intp
        Those of the component, as positions in the problem.
    beyond : ndarray of int64
        By pair: what it is worth beyond the price of its place.
    fallback : ndarray of bool
        A choice that keeps every row.
    """
    chosen, proved = most_promising(part, beyond, fallback, budget)
    urgent = most_urgent_together(part.level, part.package)
    most = most_by_levels(part, len(needs), urgent, chosen, proved, budget.share(_SHARE_OF_BOUNDS))
    budget.report(f"Solving days, packages and limits, need by need: {len(part.pair):,} pairs")
    best = bettered(problem, part, needs, chosen, most, budget.share(_SHARE_OF_PLACES))
    # Around a need a more urgent one may be met for others, whose bounds were of plans that meet those.
    ceilings = as_reached(part.ceiling(worth_at(part, level)) for level in range(len(LEVELS)))
    return best, bounds_as_good(part.reached(best), part.reached(chosen), most, ceilings)


def most_promising(part: Programme, beyond: Integers, fallback: Flags, budget: Budget) -> tuple[Flags, list[int]]:
    """A good choice of pairs of a component, and the bounds of the levels before the last.

    Parameters are those of `best_of_tied_part`.
    """
    chosen, proved = _urgent_first(part, most_urgent_together(part.level, part.package), fallback, budget)
    return _best_of_promising(part, beyond, chosen, budget), proved


def _urgent_first(part: Programme, urgent: Positions, chosen: Flags, budget: Budget) -> tuple[Flags, list[int]]:
    """A choice that is best in the levels before the last, and the bounds of these, as far as there is time for it."""
    factors, proved = np.asarray(LEVEL_FACTORS), list[int]()
    for level in range(len(PRIORITY_LEVELS) - 1):
        columns = np.flatnonzero((urgent <= level) | chosen)
        budget.report(f"Solving days, packages and limits, {PRIORITY_LEVELS[level]} needs: {len(columns):,} pairs")
        few, found = part.of(columns).pruned(), np.zeros(len(part.pair), dtype=bool)
        worth = np.where(few.level <= level, factors[few.level] // factors[level], 0)
        best, bound = best_choice(few, worth, (), chosen[columns], budget.share(_SHARE_OF_URGENT))
        found[columns[best]] = True
        chosen = max(chosen, found, key=part.reached)
        reached = part.reached(chosen)
        before = sum(int(factors[one] // factors[level]) * reached[one] for one in range(level))
        proved.append(max(bound - before, reached[level]))
    return chosen, proved


def _best_of_promising(whole: Programme, beyond: Integers, chosen: Flags, budget: Budget) -> Flags:
    """A choice at least as good as another, of all levels together."""
    n_needs, before = len(np.unique(whole.need)), len(PRIORITY_LEVELS) - 1
    of_each = max(1, _MOST_PAIRS_RELAXED // n_needs)
    relaxed_pairs = np.union1d(best_of_each_need(whole.need, beyond, of_each), np.flatnonzero(chosen))
    part = whole.of(relaxed_pairs).pruned()
    worth = _BONUS_MILLI * np.asarray(LEVEL_FACTORS)[part.level] + part.value_milli
    budget.report(f"Solving days, packages and limits: which of {len(whole.pair):,} pairs promise most")
    loss = _losses(part, worth.astype(np.float64), budget.share(_SHARE_OF_RELAXATION))
    if loss is None:
        return chosen
    order, best = np.argsort(loss, kind="stable"), chosen[relaxed_pairs]
    for pairs, pairs_a_need in _PAIRS_SEARCHED:
        columns = np.union1d(order[: max(pairs, round(pairs_a_need * n_needs))], np.flatnonzero(best))
        budget.report(f"Solving days, packages and limits: {len(columns):,} of {len(whole.pair):,} pairs")
        reached = part.reached(best)
        found = _searched(part, columns, worth, (), best, budget)
        if part.reached(found)[:before] < reached[:before]:
            # Several needs together counted for more than one that is more urgent.
            found = _searched(part, columns, worth, kept_at(part, reached[:before]), best, budget)
        best = max(best, found, key=part.reached)
    outcome = np.zeros(len(whole.pair), dtype=bool)
    outcome[relaxed_pairs[best]] = True
    return outcome


def _searched(
    part: Programme, columns: Positions, worth: Integers, kept: Sequence[Kept], chosen: Flags, budget: Budget
) -> Flags:
    """The choice of some pairs that is worth most and keeps what is kept, which `chosen` does."""
    found, few = np.zeros(len(part.pair), dtype=bool), part.of(columns).pruned()
    held = [Kept(one.worth[columns], one.at_least) for one in kept]
    best, _ = best_choice(few, worth[columns], held, chosen[columns], budget.share(_SHARE_OF_PROMISING))
    found[columns[best]] = True
    return found


def _losses(part: Programme, worth: Floats, budget: Budget) -> Floats | None:
    """By pair: how much worth the relaxation loses where it has to take it; None where there is no time for that."""
    n_columns = part.rows.shape[1]
    of_columns = np.concatenate([worth, np.zeros(n_columns - len(worth))])
    # Rows let no column exceed 1: a bound of its own would only hide a part of its price.
    answer = relaxed(Model(of_columns, np.full(n_columns, np.inf), part.rows, part.least, part.most), budget)
    if answer is None:
        return None
    loss: Floats = part.rows.T @ answer.price - of_columns
    return loss[: len(worth)]
