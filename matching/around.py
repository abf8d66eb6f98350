"""Days that bind for a few people: the best plan from the pairs around them, and a proof over every pair.

Where places only are counted the answer comes with prices. What a pair falls short of its two prices is its loss, and a
plan falls short of that answer by the losses of its pairs and the prices of what it leaves. So days that do not fit are
mended near by, over pairs of small loss around the people whom they bind. Then worths of the needs there are found at
which nobody's best load gains more than the plan gives them: no other pair of the whole round makes it better.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from matching.errors import counted
from matching.highs import Model, relaxed
from matching.loads import Offers, best_loads, loads_beside
from matching.programme import best_choice, programme_of
from matching.search import best_of_part
from matching.task import (
    PRIORITY_LEVELS,
    UNMET,
    Flags,
    Positions,
    Rest,
    Task,
    Whole,
    as_reached,
    chosen_pairs,
    days_used,
    places_left,
    rank_in_order,
    together,
)
from matching.watch import Watch

Floats = NDArray[np.float64]

# How far around the people whose days do not fit is looked first, in thousandths of a point; less far where that is too
# much to be solved at once.
_REACHES_MILLI = (20, 10, 5)
_MOST_PAIRS_OF_PART = 30_000
# Pairs that fall so little short of the best are searched for a better plan, and then those that fall short by more.
_FIRST_SHORT_MILLI, _TIMES_SHORT = 5, 4
# Where that costs more needs than these, no way further out is looked for that costs none.
_MOST_LOST = 3
# Of the time that is left, for looking around.
_SHARE_OF_LOOK = 0.1
# What leaving somebody out costs in the relaxation, at most: more than a change around here could ever bring.
_DEAR_MILLI = 4000
# Prices come in floating point: so near to each other they are the same, and so little is nothing.
_CLOSE_MILLI, _NOTHING = 0.02, 1e-6
_MOST_ROUNDS = 60
_TIMES_BESIDE = 3


@dataclass(frozen=True)
class Around:
    """A plan that keeps everybody's days, and what is known of how good it is.

    Attributes
    ----------
    task : Task
        With the pairs that were at hand in the end.
    supporter_of : ndarray of intp
        By need.
    most_milli : int
        What no plan that meets as many needs of each level can exceed in the last level.
    surplus_milli : ndarray of float64
        By need: what meeting it is worth beyond whoever meets it, so that this is so.
    price_milli : ndarray of float64
        By supporter; nan of those who have no price because of the days around them.
    """

    task: Task
    supporter_of: Positions
    most_milli: int
    surplus_milli: Floats
    price_milli: Floats


@dataclass(frozen=True)
class _PlacesOnly:
    """The answer with places only: the plan, the prices of supporters, and what needs are worth beyond them."""

    supporter_of: Positions
    price: Whole
    surplus: Whole

    @classmethod
    def of(cls, task: Task, supporter_of: Positions, price: Whole) -> "_PlacesOnly":
        chosen = chosen_pairs(task, supporter_of)
        surplus = np.zeros(len(task.level), dtype=np.int64)
        surplus[task.need[chosen]] = task.weight[chosen] - price[task.supporter[chosen]]
        return cls(supporter_of, price, surplus)

    def loss(self, task: Task) -> Whole:
        """By pair, what it falls short of its two prices."""
        return np.asarray(self.surplus[task.need] + self.price[task.supporter] - task.weight)

    def missing(self, task: Task, supporter_of: Positions) -> int:
        """What a plan falls short of this one, in thousandths."""
        most, worth = (task.weight[chosen_pairs(task, one)].sum() for one in (self.supporter_of, supporter_of))
        return int(most - worth)


def best_around(task: Task, rest: Rest | None, supporter_of: Positions, price: Whole, watch: Watch) -> Around | None:
    """The best plan where days bind for few; None where they bind for more, or cost a need.

    `supporter_of` is the optimum with places only and `price` its prices.
    """
    places_only = _PlacesOnly.of(task, supporter_of, price)
    over = days_used(task, supporter_of) > task.days_offered
    for reach in _REACHES_MILLI:
        task = _with_losses_to(task, rest, places_only, 2 * reach)
        near, needs, people = _near(task, places_only, over, reach)
        few = _only(task, near)
        part = _parts(few)
        if np.bincount(part[few.need]).max(initial=0) <= _MOST_PAIRS_OF_PART:
            break
    else:
        return None
    watch.tell(f"Solving days, around {counted(int(over.sum()), 'person', 'people')}: {len(near):,} pairs")
    outcome = _mended(few, places_only, part, over, watch.share(_SHARE_OF_LOOK))
    if outcome is None:
        return None
    found = _proved(task, rest, places_only, outcome, _Region.of(task, places_only, needs, people, near), watch)
    return found if _counts(task, found.supporter_of) == _counts(task, supporter_of) else None


def _counts(task: Task, supporter_of: Positions) -> tuple[int, ...]:
    """How many needs of each level are met."""
    return tuple(np.bincount(task.level[supporter_of != UNMET], minlength=len(PRIORITY_LEVELS)).tolist())


def _with_losses_to(task: Task, rest: Rest | None, places_only: _PlacesOnly, most: int) -> Task:
    """The task with every pair of the rest that loses no more than that."""
    if rest is None:
        return task
    asked = places_only.surplus - task.bonus_milli * (3 - task.level) - most - 1
    return task.with_pairs(*rest.worth_more(asked, places_only.price))[0]


def _near(task: Task, places_only: _PlacesOnly, over: Flags, reach: int) -> tuple[Positions, Flags, Flags]:
    """The pairs, needs and people by which somebody's days could be mended at so small a loss.

    Notes
    -----
    A plan and the answer with places only differ along chains of pairs. Each of them begins at somebody whose days do
    not fit, or it could be undone; and it loses the sum of its pairs' losses at least.
    """
    loss = places_only.loss(task)
    some = np.flatnonzero(loss <= 2 * reach)
    begin = np.append(np.zeros(len(task.level), dtype=bool), over)
    away = _away(task, some, loss[some].astype(np.float64), begin, reach)
    of_need, of_person = np.split(away, [len(task.level)])
    is_near = np.floor(of_need[task.need[some]]) + loss[some] + np.floor(of_person[task.supporter[some]]) <= 2 * reach
    return some[is_near], np.isfinite(of_need), np.isfinite(of_person)


def _away(task: Task, pairs: Positions, length: Floats, begin: Flags, limit: float) -> Floats:
    """How far each need, then each supporter, is along pairs from the nearest to begin at; infinite beyond a limit."""
    n_needs, start = len(task.level), len(task.level) + len(task.places)
    first = np.flatnonzero(begin)
    # Stored zeros are no edges.
    lengths = np.concatenate([length, length, np.zeros(len(first))]) + 0.25 / (start + 1)
    need, person = task.need[pairs], n_needs + task.supporter[pairs]
    tail = np.concatenate([need, person, np.full(len(first), start)])
    head = np.concatenate([person, need, first])
    graph = csr_array((lengths, (tail, head)), shape=(start + 1, start + 1))
    away: Floats = dijkstra(graph, indices=[start], limit=limit + 0.5, min_only=True)[:start]
    return away


def _only(task: Task, pairs: Positions) -> Task:
    """The task with some of its pairs."""
    return replace(task, need=task.need[pairs], supporter=task.supporter[pairs], value_milli=task.value_milli[pairs])


def _parts(task: Task) -> Positions:
    """The connected part of each need, then of each supporter."""
    n_nodes = len(task.level) + len(task.places)
    ends = (task.need, len(task.level) + task.supporter)
    graph = coo_array((np.ones(len(task.need), dtype=np.int8), ends), shape=(n_nodes, n_nodes))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _mended(task: Task, places_only: _PlacesOnly, part: Positions, over: Flags, watch: Watch) -> Positions | None:
    """The answer with places only, changed over near pairs so that days fit; None where that costs many needs."""
    outcome = places_only.supporter_of.copy()
    of_need, of_supporter = np.split(part, [len(task.level)])
    pairs, unmet = np.bincount(of_need[task.need], minlength=len(part)), np.count_nonzero(outcome == UNMET)
    # The smallest first: where it costs many needs, that is soon known.
    for one in sorted(np.unique(of_supporter[over]).tolist(), key=lambda one: int(pairs[one])):
        needs, people = np.flatnonzero(of_need == one), np.flatnonzero(of_supporter == one)
        here = np.full(len(outcome), UNMET, dtype=np.intp)
        here[needs] = outcome[needs]
        before = as_reached([*_counts(task, here), task.value_milli[chosen_pairs(task, here)].sum()])
        outcome[needs], _ = best_of_part(
            task, needs, people, places_only.supporter_of, places_only.price, before, watch
        )
        if np.count_nonzero(outcome == UNMET) - unmet > _MOST_LOST:
            return None
    return outcome


# ---- the proof -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Region:
    """The needs and people whose prices may change (flags), and the pairs that are looked at beside loads."""

    needs: Flags
    people: Flags
    active: Positions

    @classmethod
    def of(cls, task: Task, places_only: _PlacesOnly, needs: Flags, people: Flags, pairs: Positions) -> "_Region":
        """The region with some pairs, and with what everybody there has with places only."""
        kept = chosen_pairs(task, places_only.supporter_of)
        kept = kept[needs[task.need[kept]] | people[task.supporter[kept]]]
        return cls(needs, people, together(task, pairs, kept))

    def limited(self, task: Task) -> Flags:
        """The people of the region whose days have a limit: what they take is a load."""
        return np.asarray(self.people & np.isfinite(task.days_offered))


@dataclass(frozen=True)
class _Limited:
    """The people of a region whose days have a limit, their pairs, and what they offer."""

    people: Positions
    pairs: Positions
    offers: Offers

    @classmethod
    def of(cls, task: Task, region: _Region) -> "_Limited":
        pairs = np.flatnonzero(region.limited(task)[task.supporter])
        people = np.unique(task.supporter[pairs])
        return cls(people, pairs, Offers.of(task, pairs, np.unique(task.need[pairs]), people))


@dataclass(frozen=True)
class _Gains:
    """What supporters gain where meeting a need is worth so much beyond them.

    Attributes
    ----------
    of_pair : ndarray of float64
        By pair: what the supporter gains by it.
    most : ndarray of float64
        By supporter: what no load gains more than.
    last : ndarray of float64
        By supporter: what a pair has to gain more than to change that.
    short : ndarray of float64
        By pair: a load with it gains at least so much less than the most.
    least_missing : float
        What every plan misses of the answer with places only, as far as the pairs at hand go.
    loads : ndarray of intp, shape (loads, most places)
        What people of the region with limited days would best take together, and what else where they want the same:
        pairs of the task, filled up in front with -1.
    """

    of_pair: Floats
    most: Floats
    last: Floats
    short: Floats
    least_missing: float
    loads: Positions


def _proved(
    task: Task, rest: Rest | None, places_only: _PlacesOnly, outcome: Positions, region: _Region, watch: Watch
) -> Around:
    """The plan with a bound over every pair, and a better plan where the bound leaves room for one.

    Notes
    -----
    Whatever meeting each need is worth beyond its supporter, no plan is worth more than all of that together and what
    each supporter's best load gains then (Lagrangean relaxation; Fisher, Management Science 27, 1981). Loads are
    blended to find the worths of which that is the least (Dantzig and Wolfe, Operations Research 8, 1960). A pair that
    is not at hand is asked for in the end, where it could change anything.
    """
    surplus, blended = places_only.surplus.astype(np.float64), np.inf
    loads = _loads_of(task, outcome)
    missing = places_only.missing(task, outcome)
    for number in range(1, _MOST_ROUNDS + 1):
        limited = _Limited.of(task, region)
        if not limited.offers.are_few:
            break
        gains = _gains(task, places_only, limited, surplus)
        spare = missing - gains.least_missing
        if spare < 1 - _NOTHING or blended - gains.least_missing < _CLOSE_MILLI:
            n_pairs = len(task.need)
            task, place = _with_more(task, rest, gains, surplus)
            if len(task.need) == n_pairs:
                return _best_at_prices(task, rest, places_only, outcome, region, surplus, watch)
            region = replace(region, active=place[region.active])
            loads = np.where(loads >= 0, place[loads], -1)
            gains = _gains(task, places_only, _Limited.of(task, region), surplus)
        watch.tell(f"Proving days, round {number}: {len(region.active):,} pairs")
        loads = np.unique(np.vstack([loads, gains.loads]), axis=0)
        answer = _blended(task, places_only, region, loads, watch)
        if answer is None:
            break
        blended, surplus, price = answer
        region = _with_wanted(task, places_only, region, surplus, price)
    return _told(task, places_only, outcome, False, None, places_only.surplus.astype(np.float64))


def _loads_of(task: Task, supporter_of: Positions) -> Positions:
    """What people with limited days take in a plan, as pairs of the task filled up in front with -1."""
    pairs = chosen_pairs(task, supporter_of)
    pairs = pairs[np.isfinite(task.days_offered)[task.supporter[pairs]]]
    pairs = pairs[np.argsort(task.supporter[pairs], kind="stable")]
    width = _most_places(task)
    people, load = np.unique(task.supporter[pairs], return_inverse=True)
    loads = np.full((len(people), width), -1, dtype=np.intp)
    loads[load, width - 1 - rank_in_order(load)] = pairs
    return np.sort(loads, axis=1)


def _most_places(task: Task) -> int:
    """How many places anybody has: the width of loads."""
    return max(int(task.places.max(initial=0)), 1)


def _gains(task: Task, places_only: _PlacesOnly, limited: _Limited, surplus: Floats) -> _Gains:
    """What supporters gain at these worths of needs; of the region's people with limited days, by loads."""
    gain = (task.weight - surplus[task.need]).astype(np.float64)
    n_people = len(task.places)
    order = np.lexsort((-gain, task.supporter))
    rank, who = rank_in_order(task.supporter[order]), task.supporter[order]
    worth = np.maximum(gain[order], 0)
    taken = rank < task.places[who]
    most: Floats = np.bincount(who[taken], weights=worth[taken], minlength=n_people).astype(np.float64)
    # Of whom no place is left, nobody is wanted; what one would be worth is told all the same.
    last = np.where(task.places > 0, 0.0, places_only.price)
    is_last = rank == task.places[who] - 1
    last[who[is_last]] = worth[is_last]
    short = np.where(task.places[task.supporter] > 0, np.maximum(last[task.supporter] - gain, 0), np.inf)
    loads = np.full((0, _most_places(task)), -1, dtype=np.intp)
    if len(limited.pairs):
        best = best_loads(limited.offers, gain[limited.pairs])
        most[limited.people], last[limited.people], short[limited.pairs] = best.gain, 0, np.maximum(best.loss, 0)
        found = loads_beside(limited.offers, gain[limited.pairs], best, _TIMES_BESIDE)
        loads = np.full((len(found), _most_places(task)), -1, dtype=np.intp)
        loads[:, loads.shape[1] - found.shape[1] :] = np.where(found >= 0, limited.pairs[found], -1)
    # Supporter by supporter, because all of it together is too large a number for thousandths.
    paid = (places_only.surplus - surplus).sum() + (task.places * places_only.price - most).sum()
    return _Gains(gain, most, last, short, float(paid), loads)


def _with_more(
    task: Task, rest: Rest | None, gains: _Gains, surplus: Floats, short: float = 0.0
) -> tuple[Task, Positions]:
    """The task with the pairs of the rest that change what somebody gains, and where those that it had are then.

    Or, of pairs that would have to gain so much more for it, those that fall short of it by no more.
    """
    if rest is None:
        return task, np.arange(len(task.need))
    of_level = task.bonus_milli * (3 - task.level)
    asked = np.floor(surplus).astype(np.int64) - of_level
    offered = np.floor(gains.last - short).astype(np.int64)
    need, supporter, value = rest.worth_more(asked, offered)
    more = of_level[need] + value - surplus[need] > gains.last[supporter] - short + _NOTHING
    return task.with_pairs(need[more], supporter[more], value[more])


def _blended(
    task: Task, places_only: _PlacesOnly, region: _Region, loads: Positions, watch: Watch
) -> tuple[float, Floats, Floats] | None:
    """Pairs and loads blended so that the least is missing: how much, and what needs and places are worth then.

    None where there is no time for it.
    """
    limited = region.limited(task)
    pairs = region.active[~limited[task.supporter[region.active]]]
    loads = loads[limited[task.supporter[loads[:, -1]]]]
    load, slot = np.nonzero(loads >= 0)
    taken, holder = loads[load, slot], task.supporter[loads[:, -1]]
    needs, by_places, by_loads = (np.flatnonzero(one) for one in (region.needs, region.people & ~limited, limited))
    people = np.append(by_places, by_loads)
    of_need, of_person = np.full(len(task.level), -1), np.full(len(task.places), -1)
    of_need[needs], of_person[people] = np.arange(len(needs)), len(needs) + np.arange(len(people))
    loss = places_only.loss(task).astype(np.float64)
    dear = np.minimum(places_only.price, _DEAR_MILLI).astype(np.float64)
    unused = task.places[holder] - (loads >= 0).sum(axis=1)
    costs = (
        loss[pairs],
        np.minimum(places_only.surplus[needs], _DEAR_MILLI),
        dear[by_places],
        np.bincount(load, weights=loss[taken], minlength=len(loads)) + unused * dear[holder],
        task.places[by_loads] * dear[by_loads],
    )
    of_pair, left_out, unfilled, of_load, of_nothing = np.split(
        np.arange(sum(map(len, costs))), np.cumsum([len(one) for one in costs])[:-1]
    )
    row = np.concatenate(
        [
            of_need[task.need[pairs]],
            of_person[task.supporter[pairs]],
            of_need[needs],
            of_person[by_places],
            of_need[task.need[taken]],
            of_person[holder],
            of_person[by_loads],
        ]
    )
    column = np.concatenate([of_pair, of_pair, left_out, unfilled, of_load[load], of_load, of_nothing])
    inside = row >= 0
    rows = coo_array(
        (np.ones(inside.sum()), (row[inside], column[inside])),
        shape=(len(needs) + len(people), len(column_costs := np.concatenate(costs))),
    )
    most = np.concatenate([np.ones(len(needs)), task.places[by_places], np.ones(len(by_loads))]).astype(np.float64)
    answer = relaxed(Model(-column_costs, np.full(len(column_costs), np.inf), csc_array(rows), most, most), watch)
    if answer is None:
        return None
    surplus, price = places_only.surplus.astype(np.float64), places_only.price.astype(np.float64)
    # So many decimals leave the room, and what is left out of sight is far below a thousandth of a point in all.
    surplus[needs] = np.round(np.maximum(surplus[needs] + answer.price[: len(needs)], 0.0), 6) + 0.0
    price[people] += answer.price[len(needs) :]
    return -answer.worth, surplus, price


def _with_wanted(task: Task, places_only: _PlacesOnly, region: _Region, surplus: Floats, price: Floats) -> _Region:
    """The region with the pairs that gain more than these prices ask, and with whom they are between."""
    gain = task.weight - surplus[task.need] - price[task.supporter]
    wanted = np.flatnonzero((gain > _NOTHING) & ~region.limited(task)[task.supporter])
    needs, people = region.needs.copy(), region.people.copy()
    needs[task.need[wanted]] = True
    people[task.supporter[wanted]] = True
    return _Region.of(task, places_only, needs, people, together(task, region.active, wanted))


def _best_at_prices(
    task: Task,
    rest: Rest | None,
    places_only: _PlacesOnly,
    outcome: Positions,
    region: _Region,
    surplus: Floats,
    watch: Watch,
) -> Around:
    """The plan, or a better one, at the worths of needs that bound it closest.

    Notes
    -----
    What a plan misses beyond the bound it misses somewhere: a supporter's load gains less than the most, or a need goes
    unmet that is worth something. A better plan differs from it along chains that lead from there, whose pairs fall
    short of the best by less than that together.
    """
    most_short, missing = float(_FIRST_SHORT_MILLI), places_only.missing(task, outcome)
    while True:
        gains = _gains(task, places_only, _Limited.of(task, region), surplus)
        spare = missing - gains.least_missing
        if spare < 1 - _NOTHING:
            return _told(task, places_only, outcome, True, gains, surplus)
        short = min(spare, most_short)
        task, place = _with_more(task, rest, gains, surplus, short + 1)
        region = replace(region, active=place[region.active])
        gains = _gains(task, places_only, _Limited.of(task, region), surplus)
        near, begin = _near_misses(task, gains, surplus, outcome, short)
        watch.tell(f"Solving days again: {len(near):,} pairs")
        outcome, is_searched = _searched(_only(task, near), begin, outcome, watch)
        before, missing = missing, places_only.missing(task, outcome)
        if missing == before:
            if short >= min(spare, _DEAR_MILLI) or watch.left_s() <= 0:
                return _told(task, places_only, outcome, is_searched and short >= spare, gains, surplus)
            most_short *= _TIMES_SHORT


def _near_misses(
    task: Task, gains: _Gains, surplus: Floats, outcome: Positions, most_short: float
) -> tuple[Positions, Flags]:
    """The pairs around needs and supporters where a plan misses something, and these, needs first."""
    chosen = chosen_pairs(task, outcome)
    gained = np.bincount(task.supporter[chosen], weights=gains.of_pair[chosen], minlength=len(task.places))
    missed = np.append(np.where(outcome == UNMET, surplus, 0), gains.most - gained)
    # What comes from prices in floating point alone does not add up to a thousandth.
    order = np.argsort(missed, kind="stable")
    begin = np.zeros(len(missed), dtype=bool)
    begin[order[np.cumsum(missed[order]) > 1 / 2]] = True
    short = gains.short.copy()
    short[chosen] = 0
    some = np.flatnonzero(short <= most_short + _NOTHING)
    away = _away(task, some, short[some], begin, most_short)
    return some[np.isfinite(away[task.need[some]] + away[len(task.level) + task.supporter[some]])], begin


def _searched(few: Task, begin: Flags, outcome: Positions, watch: Watch) -> tuple[Positions, bool]:
    """The best plan over few pairs in the parts that are to be looked at, and whether all of that was searched."""
    part, chosen = _parts(few), chosen_pairs(few, outcome)
    of_need, of_supporter = np.split(part, [len(few.level)])
    size = np.bincount(of_need[few.need], minlength=len(part))
    better, is_best = outcome.copy(), True
    for one in np.unique(part[begin]).tolist():
        if size[one] > _MOST_PAIRS_OF_PART:
            is_best = False
        elif size[one]:
            needs, people = np.flatnonzero(of_need == one), np.flatnonzero(of_supporter == one)
            programme = programme_of(few, needs, people)
            held = np.isin(programme.pair, chosen)
            found, most = best_choice(programme, programme.worth, (), held, watch)
            is_best = is_best and int(programme.worth[found].sum()) == most
            better[needs] = UNMET
            better[few.need[programme.pair[found]]] = few.supporter[programme.pair[found]]
    return better, is_best


def _told(
    task: Task, places_only: _PlacesOnly, outcome: Positions, is_best: bool, gains: _Gains | None, surplus: Floats
) -> Around:
    """The plan with what is known of it; without gains no more than the answer with places only says."""
    most = int(task.value_milli[chosen_pairs(task, places_only.supporter_of)].sum())
    price = np.full(len(task.places), np.nan)
    if gains is not None:
        most -= int(np.ceil(gains.least_missing - _NOTHING))
        # Prices of places only stand where nobody near would rather have another need, or leaves a place that costs.
        asked = places_only.price.astype(np.float64)
        highest = np.zeros(len(asked))
        np.maximum.at(highest, task.supporter, gains.of_pair)
        stands = (np.abs(task.places * asked - gains.most) < _CLOSE_MILLI) & (highest <= asked + _CLOSE_MILLI)
        stands &= (asked == 0) | (places_left(task, outcome)[0] == 0)
        price[stands] = asked[stands]
    if is_best:
        most = int(task.value_milli[chosen_pairs(task, outcome)].sum())
    return Around(task, outcome, most, surplus, price)
