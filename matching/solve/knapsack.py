"""Pricing: the load of most gain for every supporter, a knapsack over places and days.

A load is a set of needs for one supporter, within places and days. Where it visits a school whose limit has a dual
price, it pays that price once, whichever of the school's needs it holds: those needs form a group. The knapsack is
solved by dynamic programming over places and days (Kellerer, Pferschy and Pisinger, Knapsack Problems, 2004, chapter
2), for many supporters at a time. It is exact as long as the table is small enough for days in whole units; otherwise
days are counted in coarser units, rounded down for what needs ask, which can only raise the gain: a bound stays valid.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from matching.solve.problem import AssignmentProblem, Flags, Floats, Integers, Positions, rank_in_order

_NOTHING = 1e-9


@dataclass(frozen=True)
class Offers:
    """The pairs of a problem, and what its supporters can take.

    Attributes
    ----------
    need, supporter : ndarray of intp
        By pair.
    asked : ndarray of int64
        By pair: days in units; 0 where the supporter's days have no limit.
    places, days : ndarray of int64
        By supporter: no more than the pairs could use; days in units.
    school : ndarray of intp
        By pair: the school of which its load is a visit, or -1 where no limit counts it.
    """

    need: Positions
    supporter: Positions
    asked: Integers
    places: Integers
    days: Integers
    school: Positions

    @classmethod
    def all_of(cls, problem: AssignmentProblem, visited: Positions, most_units: int) -> "Offers":
        """Return what the supporters of a problem can take; `visited` is by pair, like `school`."""
        need, supporter = problem.need, problem.supporter
        held = np.bincount(supporter, minlength=len(problem.places))
        places = np.minimum(problem.places, held)
        limited = np.isfinite(problem.days_offered)
        asked = np.where(limited[supporter], problem.days_asked[need], 0)
        most = np.zeros(len(places), dtype=np.int64)
        np.maximum.at(most, supporter, asked)
        offered = np.where(limited, problem.days_offered, 0)
        # More days than all places together could use are never missed.
        days = np.floor(np.minimum(offered, places * most)).astype(np.int64)
        unit = int(np.gcd.reduce(asked, initial=0)) or 1
        coarse = max(unit, -(-int(days.max(initial=0)) // most_units))
        return cls(need, supporter, asked // coarse, places, days // coarse, visited)

    def of(self, pairs: Positions) -> "Offers":
        """Return some of the pairs, with new positions."""
        by_pair = {name: getattr(self, name)[pairs] for name in ("need", "supporter", "asked", "school")}
        return replace(self, **by_pair)


@dataclass(frozen=True)
class BestLoads:
    """The load of most gain for every supporter.

    Attributes
    ----------
    gain : ndarray of float64
        By supporter; 0 for the empty load.
    loads : ndarray of intp, shape (loads, most places)
        The pairs of each load that is not empty, in order, filled up in front with -1.
    most : list of tuple
        Per block of supporters: their positions, and the table by supporter, places and days of the most gain.
    """

    gain: Floats
    loads: Positions
    most: list[tuple[Positions, Floats]]

    def loss(self, offers: Offers, gain: Floats, toll: Floats) -> Floats:
        """Return by pair how much less than its supporter's best any load with it gains, at least."""
        who, rest = offers.supporter, np.zeros(len(gain))
        gain = gain - _due_alone(offers, gain, toll)
        places, days = offers.places[who] - 1, offers.days[who] - offers.asked
        could, row = (places >= 0) & (days >= 0), np.full(len(offers.places), -1)
        for people, table in self.most:
            row[:] = -1
            row[people] = np.arange(len(people))
            pair = np.flatnonzero((row[who] >= 0) & could)
            rest[pair] = table[row[who[pair]], np.minimum(places[pair], table.shape[1] - 1), days[pair]]
        loss: Floats = np.where(could, np.maximum(self.gain[who] - gain - rest, 0.0), np.inf)
        return loss


def best_loads(
    offers: Offers, gain: Floats, toll: Floats, cells: int = 4_000_000, people: Flags | None = None
) -> BestLoads:
    """Return the best load of every supporter, or of some people only.

    Parameters
    ----------
    gain : ndarray of float64
        By pair.
    toll : ndarray of float64
        By school: the price of a visit.
    cells : int
        The size of the tables in memory at a time.
    """
    if people is not None:
        gain = np.where(people[offers.supporter], gain, 0.0)
    steps = _Steps.of(offers, gain, toll)
    best = np.zeros(len(offers.places))
    loads, tables = [], []
    width = max(int(offers.places.max(initial=0)), 1)
    for block in steps.blocks(offers, cells):
        table, found = _tabled(offers, gain, steps, block)
        places = np.minimum(offers.places[block], table.shape[1] - 1)
        best[block] = table[np.arange(len(block)), places, offers.days[block]]
        loads.append(widened(found, width))
        tables.append((block, table))
    together = np.vstack(loads) if loads else np.empty((0, width), dtype=np.intp)
    return BestLoads(best, together, tables)


def widened(loads: Positions, width: int) -> Positions:
    """Return loads filled up in front with -1 to a width."""
    wide = np.full((len(loads), width), -1, dtype=np.intp)
    wide[:, width - loads.shape[1] :] = loads
    return wide


def loads_apart(offers: Offers, gain: Floats, toll: Floats, best: BestLoads, times: int) -> Positions:
    """Return the best loads, and those that the same supporters would take where others had the needs they want.

    A need that several want goes to the one who gains most by it, and the others choose again, so many times: loads
    that go together are what a plan is made of.
    """
    loads = [best.loads]
    for _ in range(times):
        wanted = np.unique(loads[-1][loads[-1] >= 0])
        order = wanted[np.lexsort((wanted, -gain[wanted], offers.need[wanted]))]
        need, first = np.unique(offers.need[order], return_index=True)
        if len(need) == len(order):
            break
        taken = np.zeros(int(offers.need.max()) + 1, dtype=bool)
        taken[need] = True
        stays = np.zeros(len(gain), dtype=bool)
        stays[order[first]] = True
        loses = np.zeros(len(offers.places), dtype=bool)
        loses[offers.supporter[np.setdiff1d(order, order[first])]] = True
        gain = np.where(taken[offers.need] & ~stays, 0.0, gain)
        loads.append(best_loads(offers, gain, toll, people=loses).loads)
    return np.unique(np.vstack(loads), axis=0)


def loads_within(
    offers: Offers, gain: Floats, toll: Floats, best: BestLoads, within: Floats, most: int, most_each: int
) -> tuple[Positions, Flags]:
    """Return every load that gains at most so much less than its supporter's best.

    Parameters
    ----------
    within : ndarray of float64
        By supporter; negative for whom no load is wanted.
    most, most_each : int
        The most loads in all, and of one supporter, that are listed.

    Returns
    -------
    loads : ndarray of intp
    is_listed : ndarray of bool
        By supporter: whether there were few enough. Of the others there are no loads.
    """
    n_people, width = len(offers.places), max(int(offers.places.max(initial=0)), 1)
    least, is_listed = best.gain - within - _NOTHING, np.ones(n_people, dtype=bool)
    pair = np.flatnonzero(best.loss(offers, gain, toll) <= within[offers.supporter])
    # The needs of a visit come one after another: only the last school of a load can be visited again for nothing.
    pair = pair[np.lexsort((pair, offers.school[pair], offers.supporter[pair]))]
    end = np.searchsorted(offers.supporter[pair], np.arange(n_people), side="right")
    table = _joined(offers, best)
    of_pair = _tolls(offers, toll)
    again = _saved_later(offers, pair, gain, of_pair)
    last, load = np.arange(len(pair)), pair[:, np.newaxis]
    value = gain[pair] - of_pair[pair]
    places, days = offers.places[offers.supporter[pair]] - 1, offers.days[offers.supporter[pair]] - offers.asked[pair]
    found, count = [], np.zeros(n_people, dtype=np.int64)
    while len(last):
        who = offers.supporter[pair[last]]
        count += np.bincount(who[value >= least[who]], minlength=n_people)
        is_listed &= count <= most_each
        keep = is_listed[who]
        found.append(load[keep & (value >= least[who])])
        # Each load is followed by those with one later pair more.
        more = np.where(keep & (places > 0), end[who] - last - 1, 0)
        if more.sum() > 4 * most or count[is_listed].sum() > most:
            return np.empty((0, width), dtype=np.intp), np.zeros(n_people, dtype=bool)
        at = np.repeat(np.arange(len(last)), more)
        following = last[at] + 1 + np.arange(len(at)) - np.repeat(np.cumsum(more) - more, more)
        one = pair[following]
        fits = days[at] >= offers.asked[one]
        at, following, one = at[fits], following[fits], one[fits]
        due = np.where(offers.school[load[at, -1]] == offers.school[one], 0.0, of_pair[one])
        value_after, places_after, days_after = (
            value[at] + gain[one] - due,
            places[at] - 1,
            days[at] - offers.asked[one],
        )
        # What else could be gained at most.
        whose = offers.supporter[one]
        rest = table[whose, np.minimum(places_after, table.shape[1] - 1), np.minimum(days_after, table.shape[2] - 1)]
        could = value_after + rest + again[following] >= least[whose]
        last, load = following[could], np.hstack([load[at[could]], one[could][:, np.newaxis]])
        value, places, days = value_after[could], places_after[could], days_after[could]
    listed = [widened(some[is_listed[offers.supporter[some[:, -1]]]], width) for some in found]
    loads = np.sort(np.vstack(listed), axis=1) if listed else np.empty((0, width), dtype=np.intp)
    return loads, is_listed


def _tolls(offers: Offers, toll: Floats) -> Floats:
    """Return by pair the price of its visit."""
    return np.where(offers.school >= 0, np.append(toll, 0.0)[offers.school], 0.0)


def _due_alone(offers: Offers, gain: Floats, toll: Floats) -> Floats:
    """Return by pair what is left to pay of its visit's price, whatever else its supporter does there."""
    of_pair, due = _tolls(offers, toll), np.zeros(len(gain))
    paying = np.flatnonzero(of_pair > 0)
    _, visit = np.unique(offers.supporter[paying] * len(toll) + offers.school[paying], return_inverse=True)
    worth = np.maximum(gain[paying], 0.0)
    others = np.bincount(visit, weights=worth)[visit] - worth
    due[paying] = np.maximum(of_pair[paying] - others, 0.0)
    return due


def _saved_later(offers: Offers, pair: Positions, gain: Floats, of_pair: Floats) -> Floats:
    """Return by place in a list of pairs how much its visit, once paid for, can add to what later pairs gain."""
    who, school, worth = offers.supporter[pair], offers.school[pair], np.maximum(gain[pair], 0.0)
    is_last = (np.diff(who, append=-1) != 0) | (np.diff(school, append=-2) != 0)
    so_far = np.cumsum(worth)
    visit = np.cumsum(is_last) - is_last
    later: Floats = so_far[is_last][visit] - so_far
    return np.minimum(of_pair[pair], later)


def _joined(offers: Offers, best: BestLoads) -> Floats:
    """Return the tables of all blocks as one; beyond the edge of a smaller one nothing more is gained."""
    shape = [max((table.shape[axis] for _, table in best.most), default=1) for axis in (1, 2)]
    joined = np.zeros((len(offers.places), *shape), dtype=np.float32)
    for people, table in best.most:
        pad = [(0, 0), *((0, size - table.shape[axis]) for axis, size in zip((1, 2), shape, strict=True))]
        joined[people] = np.pad(table, pad, mode="edge")
    # Rounded up, since it bounds what else could be gained.
    return np.nextafter(joined, np.float32(np.inf))


@dataclass(frozen=True)
class _Steps:
    """The pairs that could be in a best load, in the order in which the table takes them.

    Attributes
    ----------
    item : ndarray of intp, shape (supporters, steps)
        A pair, or -1.
    opens, closes : ndarray of bool
        By pair: whether it is the first, and the last, of its group.
    toll : ndarray of float64
        By pair: of its group.
    """

    item: Positions
    count: Integers
    opens: Flags
    closes: Flags
    toll: Floats

    @classmethod
    def of(cls, offers: Offers, gain: Floats, toll: Floats) -> "_Steps":
        of_pair = _tolls(offers, toll)
        pair = np.flatnonzero((gain > _NOTHING) & (offers.asked <= offers.days[offers.supporter]))
        pair = pair[offers.places[offers.supporter[pair]] > 0]
        free = of_pair[pair] <= _NOTHING
        alone, grouped = pair[free], pair[~free]
        # Of free pairs that ask equally many days, only as many as there are places can be in a best load.
        alone = alone[np.lexsort((alone, -gain[alone], offers.asked[alone], offers.supporter[alone]))]
        kind = offers.supporter[alone] * (int(offers.asked.max(initial=0)) + 1) + offers.asked[alone]
        alone = alone[rank_in_order(kind) < offers.places[offers.supporter[alone]]]
        if len(grouped):
            visit = offers.supporter[grouped] * len(toll) + offers.school[grouped]
            _, number = np.unique(visit, return_inverse=True)
            grouped = grouped[np.bincount(number, weights=gain[grouped])[number] > of_pair[grouped]]
        group = np.append(np.full(len(alone), -1), offers.school[grouped])
        pair = np.append(alone, grouped)
        order = np.lexsort((pair, group, offers.supporter[pair]))
        pair, group = pair[order], group[order]
        who = offers.supporter[pair]
        is_new = (np.diff(who, prepend=-1) != 0) | (np.diff(group, prepend=-2) != 0) | (group < 0)
        opens, closes = np.ones(len(gain), dtype=bool), np.ones(len(gain), dtype=bool)
        opens[pair] = is_new
        closes[pair] = np.append(is_new[1:], True)
        step = rank_in_order(who)
        item = np.full((len(offers.places), int(step.max(initial=-1)) + 1), -1, dtype=np.intp)
        item[who, step] = pair
        return cls(item, np.bincount(who, minlength=len(offers.places)), opens, closes, of_pair)

    def blocks(self, offers: Offers, cells: int) -> Iterator[Positions]:
        """Yield supporters with pairs, similar ones together, few enough for their tables."""
        people = np.flatnonzero(self.count)
        people = people[np.lexsort((people, offers.days[people], self.count[people]))]
        size = (self.count + 1) * (np.minimum(offers.places, self.count) + 1) * (offers.days + 1)
        for block in np.split(people, np.flatnonzero(np.diff(np.cumsum(size[people]) // cells)) + 1):
            if len(block):
                yield block


def _tabled(offers: Offers, gain: Floats, steps: _Steps, people: Positions) -> tuple[Floats, Positions]:
    """Return the table of some supporters, and their best loads."""
    items = steps.item[people, : int(steps.count[people].max())]
    n_places = int(np.minimum(offers.places, steps.count)[people].max()) + 1
    days = np.arange(int(offers.days[people].max()) + 1)
    most = np.zeros((len(people), n_places, len(days)))
    inside = np.zeros_like(most)
    taken = np.zeros((items.shape[1], *most.shape), dtype=bool)
    ended = np.zeros_like(taken) if not steps.opens.all() else None
    for step, item in enumerate(items.T):
        who = np.flatnonzero(item >= 0)
        pair = item[who]
        opens, closes = steps.opens[pair], steps.closes[pair]
        before = most[who]
        base = before
        is_grouped = not (opens.all() and closes.all()) or bool((steps.toll[pair] > 0).any())
        if is_grouped:
            base = np.where(opens[:, None, None], before - steps.toll[pair][:, None, None], inside[who])
        left = days - offers.asked[pair][:, np.newaxis]
        at = np.broadcast_to(np.maximum(left, 0)[:, np.newaxis], (len(who), n_places - 1, len(days)))
        one_more = np.take_along_axis(base[:, :-1], at, 2) + gain[pair][:, None, None]
        better = (left >= 0)[:, np.newaxis] & (one_more > base[:, 1:] + _NOTHING)
        after = base.copy()
        after[:, 1:] = np.where(better, one_more, base[:, 1:])
        taken[step, who, 1:] = better
        if is_grouped:
            inside[who] = after
            end = closes[:, None, None] & (after > before + _NOTHING)
            after = np.where(end, after, before)
            if ended is None:
                ended = np.zeros_like(taken)
            ended[step, who] = end
        most[who] = after
    return most, _loads(offers, steps, people, items, taken, ended)


def _loads(
    offers: Offers, steps: _Steps, people: Positions, items: Positions, taken: Flags, ended: Flags | None
) -> Positions:
    """Return the way back through the table: what each supporter takes."""
    n_places = taken.shape[2]
    rows, days = np.arange(len(people)), offers.days[people].copy()
    places = np.minimum(offers.places[people], n_places - 1)
    loads = np.full((len(people), max(n_places - 1, 1)), -1, dtype=np.intp)
    is_inside = np.zeros(len(people), dtype=bool)
    for step in range(items.shape[1] - 1, -1, -1):
        item = items[:, step]
        plain = (item >= 0) & steps.opens[item] & steps.closes[item] & (steps.toll[item] <= 0)
        is_inside &= item >= 0
        if ended is not None:
            ends = (item >= 0) & ~plain & steps.closes[item]
            is_inside = np.where(ends, ended[step][rows, places, days], is_inside)
        who = np.flatnonzero(taken[step][rows, places, days] & (plain | is_inside))
        pair = item[who]
        places[who] -= 1
        days[who] -= offers.asked[pair]
        loads[who, places[who]] = pair
        is_inside &= ~(steps.opens[item] & (item >= 0))
    return np.sort(loads[(loads >= 0).any(axis=1)], axis=1)
