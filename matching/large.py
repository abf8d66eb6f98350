"""A connected part too large to be searched whole: a plan from its promising pairs, and bounds from all of them."""

import numpy as np

from matching.day_prices import day_prices
from matching.fill import filled_up
from matching.neighbourhoods import most_met
from matching.programme import Kept, Programme, best_choice, merit
from matching.task import (
    PRIORITY_LEVELS,
    Flags,
    Positions,
    Reached,
    Task,
    Whole,
    as_reached,
    best_of_each_need,
    chosen_pairs,
)
from matching.watch import Watch

# Pairs of each need that the plan is made from: by what they are worth beyond the prices of places and days, and
# beyond those of places with the needs' levels.
_BEST_BY_DAYS = 5
_BEST_BY_PLACES = 3
# Of the time that is left: for the prices, and then for the plan; what remains is for the proof.
_SHARE_OF_PRICES = 0.4
_SHARE_OF_PLAN = 0.85


def best_of_large_part(
    task: Task,
    part: Programme,
    needs: Positions,
    supporters: Positions,
    beyond: Whole,
    fallback: Flags,
    relaxed: Reached,
    watch: Watch,
) -> tuple[Positions, Reached]:
    """A good assignment of a part, by need of the task, and the bound of each level.

    `beyond` is what each pair is worth beyond the price of its place, `fallback` a choice that keeps the rules, and
    `relaxed` the levels with places only.
    """
    watch.tell(f"Pricing days: {len(part.pair):,} pairs")
    prices = day_prices(task, part, needs, supporters, beyond.astype(np.float64), watch.share(_SHARE_OF_PRICES))
    best = best_of_each_need(part.need, beyond, _BEST_BY_PLACES)
    most_score = part.ceiling(part.value_milli)
    if prices is not None:
        best = np.union1d(best, best_of_each_need(part.need, prices.beyond, _BEST_BY_DAYS))
        most_score = min(most_score, prices.most_score)
    outcome = filled_up(task, part, by_levels(part, best, fallback, watch.share(_SHARE_OF_PLAN)))
    watch.tell("Proving how many needs can be met")
    met = most_met(task, needs, outcome, relaxed[:-1], watch)
    reached = part.reached(np.isin(part.pair, chosen_pairs(task, outcome)))
    if reached[:-1] == relaxed[:-1]:
        most_score = min(most_score, relaxed[-1])
    return outcome, as_reached([*met, max(reached[-1], most_score)])


def bounds_around(
    task: Task,
    part: Programme,
    needs: Positions,
    supporters: Positions,
    beyond: Whole,
    outcome: Positions,
    relaxed: Reached,
    watch: Watch,
) -> Reached:
    """The bound of each level for a plan of a part that some other search has found."""
    watch.tell("Proving how many needs can be met")
    met = most_met(task, needs, outcome, relaxed[:-1], watch.share(_SHARE_OF_PRICES))
    watch.tell(f"Pricing days: {len(part.pair):,} pairs")
    prices = day_prices(task, part, needs, supporters, beyond.astype(np.float64), watch)
    most_score = part.ceiling(part.value_milli)
    return as_reached([*met, most_score if prices is None else min(most_score, prices.most_score)])


def by_levels(whole: Programme, best: Positions, fallback: Flags, watch: Watch) -> Flags:
    """A good choice of pairs of a part that is large for a search as a whole.

    The most urgent needs are placed first; then those of the next level join in, over the pairs that are `best`. Each
    level gets its share of the time that is left.
    """
    promising = np.isin(np.arange(len(whole.pair)), best)
    chosen = np.zeros(len(whole.pair), dtype=bool)
    met: list[int] = []
    urgent = most_urgent_together(whole)
    for level in range(len(PRIORITY_LEVELS)):
        columns = np.flatnonzero((promising & (urgent <= level)) | chosen | fallback)
        part = whole.of(columns)
        kept = tuple(Kept(part.count(earlier), count) for earlier, count in enumerate(met))
        watch.tell(f"Solving days, {PRIORITY_LEVELS[level]} needs: {len(columns):,} of {len(whole.pair):,} pairs")
        start = max((chosen[columns], fallback[columns]), key=lambda one: merit(part, one, kept))
        found, _ = best_choice(part, part.worth, kept, start, watch.share(1 / (len(PRIORITY_LEVELS) - level)))
        chosen = np.zeros(len(whole.pair), dtype=bool)
        chosen[columns[found]] = True
        met.append(int(whole.count(level)[chosen].sum()))
    return chosen


def most_urgent_together(whole: Programme) -> Positions:
    """By pair: the most urgent level among the needs of its package, since they are met together or not at all."""
    together = np.full(whole.n_packages, len(PRIORITY_LEVELS), dtype=np.intp)
    packed = whole.package >= 0
    np.minimum.at(together, whole.package[packed], whole.level[packed])
    levels = whole.level.copy()
    levels[packed] = together[whole.package[packed]]
    return levels
