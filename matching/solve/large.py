"""A connected part too large to be searched whole: a plan from its promising pairs, and bounds from all of them."""

import numpy as np

from matching.solve.bettered import bettered
from matching.solve.budget import Watch
from matching.solve.fill import filled
from matching.solve.neighbourhoods import most_met
from matching.solve.part_prices import FIRST_PAIRS, most_score, part_prices, with_best_beyond
from matching.solve.parts import Part
from matching.solve.pricing_oracle import Rest, with_best_of_each, with_room
from matching.solve.problem import (
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
    most_urgent_together,
    values_of,
)
from matching.solve.programme import Kept, Programme, best_choice, merit, programme_of
from matching.solve.tied import most_promising

# Pairs of each need that the plan is made from: by what they are worth beyond the prices of places and days, and
# beyond those of places with the needs' levels.
_BEST_BY_DAYS = 5
_BEST_BY_PLACES = 3
# Where ties bind: pairs of each critical and of each high need.
_BEST_OF_URGENT = (60, 20)
# Of the time that is left: for the prices, and then for the plan; what remains is for the proof.
_SHARE_OF_PRICES = 0.4
_SHARE_OF_PLAN = 0.85
# Where ties bind: for the plan, for how many needs can be met, and for what is bettered; what remains is for prices.
_SHARE_OF_PROMISING = 0.6
_SHARE_OF_COUNTS = 0.2
_SHARE_OF_PLACES = 0.6


def best_of_large_part(
    task: Task, rest: Rest | None, part: Part, without_days: Positions, price: Whole, watch: Watch
) -> tuple[Positions, Reached, Reached]:
    """A good assignment of a part, by need of the part, what it reaches, and the bound of each level.

    `without_days` is the optimum with places only, with its prices. Pairs of the rest are asked for where the plan
    could be made from them or they could change a bound.
    """
    needs, relaxed = part.needs, values_of(task, without_days, part.needs)
    nobody = np.full(len(task.level), UNMET, dtype=np.intp)
    theirs = nobody.copy()
    theirs[needs] = without_days[needs]
    task, outcome = _filled_up(task, rest, needs, filled(task, nobody, chosen_pairs(task, theirs)))
    task = with_best_of_each(task, rest, needs, price, FIRST_PAIRS)
    search = _by_price if task.ties is None else _by_promise
    task, outcome, most = search(task, rest, part, price, outcome, relaxed, watch)
    return outcome[needs], values_of(task, outcome, needs), most


def _by_price(
    task: Task, rest: Rest | None, part: Part, price: Whole, outcome: Positions, relaxed: Reached, watch: Watch
) -> tuple[Task, Positions, Reached]:
    """A plan of a part without ties, at least as good as an outcome, and its bounds; first the task with what it took.

    It is made from the pairs that are worth most beyond the prices of places and days.
    """
    watch.tell(f"Pricing days: {part.n_pairs:,} pairs")
    pricing = watch.share(_SHARE_OF_PRICES)
    task, prices = part_prices(task, rest, part, price, pricing)
    score = most_score(task, rest, part, prices, pricing)
    if prices is not None:
        task = with_best_beyond(task, rest, part, prices, _BEST_BY_DAYS)
    programme = programme_of(task, part.needs, part.supporters)
    beyond = (task.weight - price[task.supporter])[programme.pair]
    best = best_of_each_need(programme.need, beyond, _BEST_BY_PLACES)
    if prices is not None:
        by_days = prices.beyond(task.need, task.supporter, task.value_milli, task.days_asked)[programme.pair]
        best = np.union1d(best, best_of_each_need(programme.need, by_days, _BEST_BY_DAYS))
    fallback = np.isin(programme.pair, chosen_pairs(task, outcome))
    chosen = by_levels(programme, best, fallback, part.n_pairs, watch.share(_SHARE_OF_PLAN))
    task, outcome = _filled_up(task, rest, part.needs, _outcome(task, part, programme, chosen))
    counts = _most_met(task, rest, part, outcome, relaxed, watch)
    return task, outcome, _most(values_of(task, outcome, part.needs), counts, score, relaxed)


def _by_promise(
    task: Task, rest: Rest | None, part: Part, price: Whole, outcome: Positions, relaxed: Reached, watch: Watch
) -> tuple[Task, Positions, Reached]:
    """The same of a part where ties bind: made from the pairs that promise most, and then bettered need by need."""
    assert task.ties is not None
    urgent = most_urgent_together(task.level, task.ties.package)[part.needs]
    for level, count in enumerate(_BEST_OF_URGENT):
        task = with_best_of_each(task, rest, part.needs[urgent == level], price, count)
    programme = programme_of(task, part.needs, part.supporters)
    beyond = (task.weight - price[task.supporter])[programme.pair]
    fallback = np.isin(programme.pair, chosen_pairs(task, outcome))
    chosen, _ = most_promising(programme, beyond, fallback, watch.share(_SHARE_OF_PROMISING))
    task, outcome = _filled_up(task, rest, part.needs, _outcome(task, part, programme, chosen))
    counts = _most_met(task, rest, part, outcome, relaxed, watch.share(_SHARE_OF_COUNTS))
    watch.tell(f"Solving days and ties, need by need: {len(programme.pair):,} of {part.n_pairs:,} pairs")
    most = as_reached([*counts, programme.ceiling(programme.value_milli)])
    chosen = bettered(task, programme, part.needs, chosen, most, watch.share(_SHARE_OF_PLACES))
    task, better = _filled_up(task, rest, part.needs, _outcome(task, part, programme, chosen))
    before, now = values_of(task, outcome, part.needs), values_of(task, better, part.needs)
    if now > before:
        outcome = better
    if now[:-1] > before[:-1]:
        counts = _most_met(task, rest, part, outcome, relaxed, watch.share(_SHARE_OF_COUNTS))
    watch.tell(f"Pricing days and ties: {part.n_pairs:,} pairs")
    task, prices = part_prices(task, rest, part, price, watch)
    score = most_score(task, rest, part, prices, watch)
    return task, outcome, _most(max(before, now), counts, score, relaxed)


def _outcome(task: Task, part: Part, programme: Programme, chosen: Flags) -> Positions:
    """By need of the task: who serves it by this choice of pairs of the part."""
    outcome = np.full(len(task.level), UNMET, dtype=np.intp)
    outcome[part.needs[programme.need[chosen]]] = part.supporters[programme.supporter[chosen]]
    return outcome


def _most_met(
    task: Task, rest: Rest | None, part: Part, outcome: Positions, relaxed: Reached, watch: Watch
) -> tuple[int, int, int]:
    watch.tell("Proving how many needs can be met")
    return most_met(task, rest, part, outcome, relaxed[:-1], watch)


def _most(reached: Reached, counts: tuple[int, int, int], score: int, relaxed: Reached) -> Reached:
    """The bound of each level for a plan that reaches so much, where the most of each is known."""
    if reached[:-1] == relaxed[:-1]:
        score = min(score, relaxed[-1])
    return as_reached([*counts, max(reached[-1], score)])


def bounds_around(task: Task, part: Part, price: Whole, outcome: Positions, relaxed: Reached, watch: Watch) -> Reached:
    """The bound of each level for a plan of a part that some other search has found, with every pair at hand.

    `relaxed` are the levels with places only, with their prices.
    """
    watch.tell("Proving how many needs can be met")
    met = most_met(task, None, part, outcome, relaxed[:-1], watch.share(_SHARE_OF_PRICES))
    watch.tell(f"Pricing days: {part.n_pairs:,} pairs")
    _, prices = part_prices(task, None, part, price, watch)
    return as_reached([*met, most_score(task, None, part, prices, watch)])


def _filled_up(task: Task, rest: Rest | None, needs: Positions, outcome: Positions) -> tuple[Task, Positions]:
    """An outcome of these needs with every pair that still fits, and the task with those of the rest."""
    task = with_room(task, rest, needs, outcome)
    return task, filled(task, outcome, np.flatnonzero(np.isin(task.need, needs)))


def by_levels(whole: Programme, best: Positions, fallback: Flags, n_pairs: int, watch: Watch) -> Flags:
    """A good choice of pairs of a part that is large for a search as a whole; it has `n_pairs`, at hand or not.

    The most urgent needs are placed first; then those of the next level join in, over the pairs that are `best`. Each
    level gets its share of the time that is left.
    """
    promising = np.isin(np.arange(len(whole.pair)), best)
    chosen = np.zeros(len(whole.pair), dtype=bool)
    met: list[int] = []
    urgent = most_urgent_together(whole.level, whole.package)
    for level in range(len(PRIORITY_LEVELS)):
        columns = np.flatnonzero((promising & (urgent <= level)) | chosen | fallback)
        part = whole.of(columns)
        kept = tuple(Kept(part.count(earlier), count) for earlier, count in enumerate(met))
        watch.tell(f"Solving days, {PRIORITY_LEVELS[level]} needs: {len(columns):,} of {n_pairs:,} pairs")
        start = max((chosen[columns], fallback[columns]), key=lambda one: merit(part, one, kept))
        found, _ = best_choice(part, part.worth, kept, start, watch.share(1 / (len(PRIORITY_LEVELS) - level)))
        chosen = np.zeros(len(whole.pair), dtype=bool)
        chosen[columns[found]] = True
        met.append(int(whole.count(level)[chosen].sum()))
    return chosen
