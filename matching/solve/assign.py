r"""Pairs and capacities to chosen pairs, prices and proof, with scipy.

The model, for needs *i*, supporters *j* and eligible pairs *E*, with :math:`x_{ij} \in \{0, 1\}`::

    sum_j x_ij <= 1                    each need at most one supporter
    sum_i x_ij <= places_j             places
    sum_i days_i x_ij <= days_j        days

and, where somebody asked for them, ties: the needs of a package are all met or none, no more than so many supporters
come to one school, and no more than so many deployments leave one home school.

Maximised, each level kept before the next is looked at: critical needs met, high needs met, normal needs met, total
score (in a rerun, plus the change cost for each deployment kept). Pins are settled before anything else.

With places only this is a transportation problem (`transport`), solved to the optimum with the prices that prove it.
Where that answer breaks somebody's days or a tie, the connected parts of the graph that they are in are searched again
as integer programmes (`search`, `programme`); everywhere else it is the answer.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from matching.solve.around import Around, best_around
from matching.solve.budget import Watch
from matching.solve.fill import filled
from matching.solve.flow import best_without_days
from matching.solve.parts import Parts, over_days
from matching.solve.pricing_oracle import Rest, with_best_of_each, with_room
from matching.solve.problem import (
    UNMET,
    Assignment,
    Positions,
    Reached,
    Task,
    Whole,
    as_reached,
    chosen_pairs,
    rank_in_group,
    values_of,
)
from matching.solve.search import best_of_part

# Parts that are searched at the same time: as many as keep the solver busy on few cores, and memory small.
_PARTS_AT_ONCE = 2
# Where days bind among more pairs than these, it is looked whether they bind for few people only; the rest of the time
# limit is for all other searches.
_MANY_PAIRS = 50_000
_SHARE_OF_AROUND = 0.5


def assign(
    task: Task,
    *,
    time_limit_s: float = 60.0,
    progress: Callable[[str], None] = lambda step: None,
    cancel: threading.Event | None = None,
    rest: Rest | None = None,
) -> Assignment:
    """Choose the best pairs.

    Parameters
    ----------
    task : Task
        With every eligible pair, or with some and the `rest`.
    time_limit_s : float
        How long the parts where days or ties bind may be searched, in seconds.
    progress : callable
        Told in words what is being done.
    cancel : threading.Event, optional
        Set by whoever wants the search to end with the best that it has.
    rest : Rest, optional
        Where the task holds only pairs that are likely to matter: what finds the others.
    """
    watch = Watch.of(time_limit_s, progress, cancel)
    task, supporter_of, price = best_without_days(task, watch, rest)
    # The time limit is for the search alone.
    watch = replace(watch, deadline=Watch.of(time_limit_s).deadline)
    if price is None:
        return _cancelled(task, rest, supporter_of, watch)
    days_fit = not over_days(task, supporter_of).any()
    if not days_fit and task.ties is None and len(task.need) > _MANY_PAIRS:
        around = best_around(task, rest, supporter_of, price, watch.share(_SHARE_OF_AROUND))
        if around is not None:
            return _mended(around, watch)
    values = values_of(task, supporter_of)
    if days_fit and task.ties is None:
        return Assignment(supporter_of, price.astype(np.float64), values, values, task.bonus_milli, searched=False)
    return _searched(task, rest, supporter_of, price, watch)


def _searched(task: Task, rest: Rest | None, without_days: Positions, price: Whole, watch: Watch) -> Assignment:
    """The answer with places only, and the best that is found in each part where it breaks days or a tie."""
    # The smallest first, so that one large part does not use up the time of all.
    entangled = Parts.of(task, rest).entangled(task, without_days)

    def solved(number: int) -> tuple[Positions, Reached, Reached]:
        part = entangled[number]
        watch.tell(f"Solving days and ties, part {number + 1} of {len(entangled)}: {part.n_pairs:,} pairs")
        # Half of what is left, or more where the rest is smaller; what a part does not use goes to those after it.
        share = max(0.5, _PARTS_AT_ONCE * part.n_pairs / sum(one.n_pairs for one in entangled[number:]))
        return best_of_part(task, rest, part, without_days, price, watch.share(min(1.0, share)))

    supporter_of, price_milli = without_days.copy(), price.astype(np.float64)
    values = bounds = np.array(values_of(task, without_days))
    # What is decided in one part has no bearing on another, and the solver lets others work meanwhile.
    with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
        for part, (chosen, reached, most) in zip(entangled, pool.map(solved, range(len(entangled))), strict=True):
            relaxed = values_of(task, without_days, part.needs)
            supporter_of[part.needs] = chosen
            price_milli[part.supporters] = np.nan
            values = values + np.subtract(reached, relaxed)
            bounds = bounds + np.subtract(most, relaxed)
    return Assignment(
        supporter_of,
        price_milli,
        as_reached(values),
        as_reached(bounds),
        task.bonus_milli,
        searched=bool(entangled),
        ended=watch.ended,
    )


def _mended(around: Around, watch: Watch) -> Assignment:
    """The answer where days were mended around the people whom they bind: no need was lost by it."""
    values = values_of(around.task, around.supporter_of)
    return Assignment(
        around.supporter_of,
        around.price_milli,
        values,
        as_reached([*values[:-1], around.most_milli]),
        around.task.bonus_milli,
        searched=True,
        surplus_milli=around.surplus_milli,
        ended=watch.ended,
    )


def _cancelled(task: Task, rest: Rest | None, supporter_of: Positions, watch: Watch) -> Assignment:
    """The best that is known where nobody waited for the places: as many needs as can be met, within days and ties."""
    most_met = values_of(task, supporter_of)[:-1]
    needs, nobody = np.arange(len(task.level)), np.full(len(task.level), UNMET, dtype=np.intp)
    outcome = filled(task, nobody, chosen_pairs(task, supporter_of))
    task = with_room(task, rest, needs, outcome)
    outcome = filled(task, outcome, np.arange(len(task.need)))
    task = with_best_of_each(task, rest, needs, np.zeros(len(task.places), dtype=np.int64), 1)
    values = values_of(task, outcome)
    best = np.zeros(len(task.level), dtype=np.int64)
    np.maximum.at(best, task.need, task.value_milli)
    if values[:-1] == most_met:
        # Then the best plan meets just as many needs of each level, and only those add to its score.
        best = best[rank_in_group(task.level, best) < np.array(most_met)[task.level]]
    return Assignment(
        outcome,
        np.full(len(task.places), np.nan),
        values,
        as_reached([*most_met, best.sum()]),
        task.bonus_milli,
        searched=True,
        ended=watch.ended,
    )
