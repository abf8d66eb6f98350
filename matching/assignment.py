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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.around import Around, best_around
from matching.fill import filled
from matching.search import best_of_part
from matching.task import (
    UNMET,
    Assignment,
    Flags,
    Positions,
    Reached,
    Rest,
    Task,
    as_reached,
    chosen_pairs,
    days_used,
    rank_in_group,
    values_of,
    visits_of,
)
from matching.transport import best_without_days
from matching.watch import Watch

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
        Where the task holds only pairs that are likely to matter: what finds the others. Where days bind, all are
        looked at.
    """
    watch = Watch.of(time_limit_s, progress, cancel)
    task, supporter_of, price = best_without_days(task, watch, rest)
    days_fit = not _over_days(task, supporter_of).any()
    # The time limit is for the search alone.
    watch = replace(watch, deadline=Watch.of(time_limit_s).deadline)
    if price is not None and not days_fit and task.ties is None and len(task.need) > _MANY_PAIRS:
        around = best_around(task, rest, supporter_of, price, watch.share(_SHARE_OF_AROUND))
        if around is not None:
            return _mended(around, watch)
    if rest is not None and (price is None or not days_fit):
        task = rest.whole()
    if price is None:
        return _cancelled(task, supporter_of, watch)
    part = _parts(task)
    # The smallest first, so that one large part does not use up the time of all.
    entangled = part.entangled(task, supporter_of)
    bounds = np.array(values_of(task, supporter_of))
    price_milli = price.astype(np.float64)
    pairs_in_part = np.bincount(part.of_need[task.need], minlength=part.count)
    without_days = supporter_of.copy()

    def solved(number: int) -> tuple[Positions, Reached, Reached]:
        one = entangled[number]
        progress(f"Solving days and ties, part {number + 1} of {len(entangled)}: {pairs_in_part[one]:,} pairs")
        needs, supporters = np.flatnonzero(part.of_need == one), np.flatnonzero(part.of_supporter == one)
        # Half of what is left, or more where the rest is smaller; what a part does not use goes to those after it.
        share = min(1.0, max(0.5, _PARTS_AT_ONCE * pairs_in_part[one] / pairs_in_part[entangled[number:]].sum()))
        relaxed = values_of(task, without_days, needs)
        found = best_of_part(task, needs, supporters, without_days, price, relaxed, watch.share(share))
        return *found, relaxed

    # What is decided in one part has no bearing on another, and the solver lets others work meanwhile.
    with ThreadPoolExecutor(_PARTS_AT_ONCE) as pool:
        for one, (chosen, most, relaxed) in zip(entangled, pool.map(solved, range(len(entangled))), strict=True):
            supporter_of[part.of_need == one] = chosen
            price_milli[part.of_supporter == one] = np.nan
            bounds += np.array(most) - np.array(relaxed)
    values = values_of(task, supporter_of)
    return Assignment(
        supporter_of,
        price_milli,
        values,
        as_reached(bounds),
        task.bonus_milli,
        searched=bool(len(entangled)),
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


def _cancelled(task: Task, supporter_of: Positions, watch: Watch) -> Assignment:
    """The best that is known where nobody waited for the places: as many needs as can be met, within days and ties."""
    most_met = values_of(task, supporter_of)[:-1]
    nobody = np.full(len(task.level), UNMET, dtype=np.intp)
    outcome = filled(task, filled(task, nobody, chosen_pairs(task, supporter_of)), np.arange(len(task.need)))
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


@dataclass(frozen=True)
class _Parts:
    """Connected parts, as numbers from 0: whatever is decided in one has no bearing on another."""

    of_need: Positions
    of_supporter: Positions
    count: int

    def entangled(self, task: Task, supporter_of: Positions) -> Positions:
        """The parts in which an outcome breaks days or a tie, by how many needs they have."""
        parts = [self.of_supporter[_over_days(task, supporter_of)]]
        if task.ties is not None:
            parts += [self.of_need[needs] for needs in _broken_ties(task, supporter_of)]
        found = np.unique(np.concatenate(parts))
        sizes = np.bincount(self.of_need, minlength=self.count)[found]
        return found[np.argsort(sizes, kind="stable")].astype(np.intp)


def _over_days(task: Task, supporter_of: Positions) -> Flags:
    """By supporter: whether an outcome takes more days than there are."""
    return days_used(task, supporter_of) > task.days_offered


def _broken_ties(task: Task, supporter_of: Positions) -> Iterator[Positions]:
    """Needs by which an outcome breaks a tie: of packages, of schools with too many supporters, of home schools."""
    assert task.ties is not None
    ties, met = task.ties, supporter_of != UNMET
    packed = ties.package >= 0
    asked = np.bincount(ties.package[packed])
    given = np.bincount(ties.package[packed & met], minlength=len(asked))
    yield np.flatnonzero(packed)[(given > 0)[ties.package[packed]] & (given < asked)[ties.package[packed]]]
    come = np.bincount(visits_of(task, supporter_of)[0], minlength=len(ties.supporters_left))
    yield np.flatnonzero(met & (come > ties.supporters_left)[ties.school])
    home = ties.home[np.where(met, supporter_of, 0)]
    held = np.bincount(home[met], minlength=len(ties.deployments_left))
    yield np.flatnonzero(met & (held > ties.deployments_left)[home])


def _parts(task: Task) -> _Parts:
    n_needs, n_people = len(task.level), len(task.places)
    one, other, size = task.need, n_needs + task.supporter, n_needs + n_people
    if task.ties is not None:
        # Each tie that could bind is a node of its own, joined to everything that it ties together.
        ties, needs, people = task.ties, np.arange(n_needs), n_needs + np.arange(n_people)
        asking = np.bincount(ties.school[np.unique(task.need)], minlength=len(ties.supporters_left))
        offering = np.bincount(ties.home, weights=task.places, minlength=len(ties.deployments_left))
        for members, group, binds in (
            (needs, ties.package, np.ones(int(ties.package.max(initial=-1)) + 1, dtype=bool)),
            (needs, ties.school, asking > ties.supporters_left),
            (people, ties.home, offering > ties.deployments_left),
        ):
            tied = (group >= 0) & np.append(binds, False)[group]
            one, other = np.append(one, members[tied]), np.append(other, size + group[tied])
            size += len(binds)
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), (size, size))
    part = connected_components(graph, directed=False)[1].astype(np.intp)
    return _Parts(part[:n_needs], part[n_needs : n_needs + n_people], int(part.max(initial=-1)) + 1)
