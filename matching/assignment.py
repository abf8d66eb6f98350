r"""Pairs and capacities to chosen pairs, prices and proof, with scipy.

The model, for needs *i*, supporters *j* and eligible pairs *E*, with :math:`x_{ij} \in \{0, 1\}`::

    sum_j x_ij <= 1                    each need at most one supporter
    sum_i x_ij <= places_j             places
    sum_i days_i x_ij <= days_j        days

maximising, each level kept before the next is looked at: critical needs met, high needs met, normal needs met, total
score (in a rerun, plus the change cost for each deployment kept). Pins are settled before anything else.

Without days this is a transportation problem. The sets of needs that can be met together form a transversal matroid,
so a bonus of 3, 2 and 1 times a large whole number settles the first three levels in one solve, and its dual prices
prove the answer. It is solved over each need's best few pairs; prices then say which other pairs are still worth
adding, until none is, so that the proof covers every eligible pair. Places grow in the same way: a supporter enters
with a few, and gets more while one more would be worth something.

Where the answer without days breaks somebody's days, the connected parts of the graph that they are in are solved
again as mixed-integer programmes.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

Positions = NDArray[np.intp]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

PRIORITY_LEVELS = ("critical", "high", "normal")
LEVELS = (*PRIORITY_LEVELS, "score")
UNMET = -1

# Pairs a need brings to the first solve, and adds in each round after it.
_FIRST_PAIRS = 16
_MORE_PAIRS = 16
# Places of a supporter in the first solve; doubled while another one would be worth something.
_FIRST_PLACES = 4
# With days, what a need of each level counts in the first search: a supporter seldom has more than three places, so
# that a need seldom displaces more than three of the next level.
_LEVEL_FACTORS = (16, 4, 1)
# A part of many pairs is first searched level by level over each need's best few, for a good plan whatever comes; one
# of even more is then not searched as a whole, and so not proved.
_MANY_PAIRS = 50_000
_MOST_PAIRS_SEARCHED = 150_000
_BEST_PAIRS_SEARCHED = 6


@dataclass(frozen=True)
class Task:
    """What is to be assigned; pairs are in order of need, then supporter.

    Attributes
    ----------
    need, supporter : ndarray of intp
        The eligible pairs, as positions.
    value_milli : ndarray of int64
        What each pair adds to the last level, in thousandths (the score, and in a rerun the change cost).
    level : ndarray of int
        By need: 0 critical, 1 high, 2 normal.
    days_asked : ndarray of int64
        By need, in hundredths of a day.
    places : ndarray of int64
        By supporter: places left beside the pins.
    days_offered : ndarray of float64
        By supporter, in hundredths of a day; infinite without a limit.
    """

    need: Positions
    supporter: Positions
    value_milli: Whole
    level: Positions
    days_asked: Whole
    places: Whole
    days_offered: NDArray[np.float64]

    @property
    def bonus_milli(self) -> int:
        """The large whole number M: more than all needs together can add to the last level."""
        return max(int(self.value_milli.max(initial=0)), 1000) * len(self.level) + 1

    @property
    def weight(self) -> Whole:
        """By pair: 3M, 2M or M for the need, plus the pair's value."""
        return self.bonus_milli * (3 - self.level[self.need]) + self.value_milli


@dataclass(frozen=True)
class Assignment:
    """The chosen pairs and what is known of how good they are.

    Attributes
    ----------
    supporter_of : ndarray of intp
        By need: the supporter, or `UNMET`.
    price_milli : ndarray of float64
        By supporter: the dual of the places, in thousandths; nan where days bind, since days have no such price.
    values, bounds : tuple of int
        By level: needs met, and the last in thousandths; and what no plan can exceed.
    bonus_milli : int
        The M of a need met, in thousandths, that the prices are in.
    days_bind : bool
        Whether some part had to be solved with days.
    """

    supporter_of: Positions
    price_milli: NDArray[np.float64]
    values: tuple[int, int, int, int]
    bounds: tuple[int, int, int, int]
    bonus_milli: int
    days_bind: bool

    @property
    def status(self) -> Literal["optimal", "gap"]:
        """Whether every level reaches its bound."""
        return "optimal" if self.values == self.bounds else "gap"


def assign(
    task: Task, *, time_limit_s: float = 60.0, progress: Callable[[str], None] = lambda step: None
) -> Assignment:
    """Choose the best pairs.

    Parameters
    ----------
    task : Task
    time_limit_s : float
        How long the parts where days bind may be searched, in seconds.
    progress : callable
        Told in words what is being done.
    """
    progress("Solving places")
    supporter_of, price = _with_places_only(task)
    part = _parts(task)
    over = _days_used(task, supporter_of) > task.days_offered
    # The smallest first, so that one large part does not use up the time of all.
    parts, sizes = np.unique(part[: len(task.level)], return_counts=True)
    entangled = parts[np.isin(parts, part[len(task.level) :][over])]
    entangled = entangled[np.argsort(sizes[np.isin(parts, entangled)], kind="stable")]
    bounds = np.array(_values(task, supporter_of))
    price_milli = price.astype(np.float64)
    deadline = time.monotonic() + time_limit_s
    pairs_in_part = np.bincount(part[task.need], minlength=int(part.max(initial=-1)) + 1)
    for number, one in enumerate(entangled, start=1):
        progress(f"Solving days, part {number} of {len(entangled)}")
        needs = np.flatnonzero(part[: len(task.level)] == one)
        supporters = np.flatnonzero(part[len(task.level) :] == one)
        # Half of what is left, or more where the rest is smaller; what a part does not use goes to those after it.
        share = max(0.5, pairs_in_part[one] / pairs_in_part[entangled[number - 1 :]].sum())
        until = time.monotonic() + (deadline - time.monotonic()) * share
        relaxed = _values(task, supporter_of, needs)
        chosen, part_bounds = _with_days(task, needs, supporters, supporter_of, price, relaxed, until)
        supporter_of[needs] = chosen
        bounds += np.array(part_bounds) - np.array(relaxed)
        price_milli[supporters] = np.nan
    values = _values(task, supporter_of)
    return Assignment(supporter_of, price_milli, values, _as_levels(bounds), task.bonus_milli, bool(len(entangled)))


def _as_levels(numbers: NDArray[np.int64]) -> tuple[int, int, int, int]:
    critical, high, normal, score = (int(number) for number in numbers)
    return critical, high, normal, score


def _values(task: Task, supporter_of: Positions, needs: Positions | None = None) -> tuple[int, int, int, int]:
    """Needs met at each level and the total value in thousandths; of some needs where they are named."""
    met = supporter_of != UNMET
    if needs is not None:
        met = met & np.isin(np.arange(len(met)), needs)
    counts = np.bincount(task.level[met], minlength=3)
    chosen = _chosen_pairs(task, np.where(met, supporter_of, UNMET))
    return _as_levels(np.array([*counts[:3], task.value_milli[chosen].sum()]))


def _chosen_pairs(task: Task, supporter_of: Positions) -> Positions:
    return np.flatnonzero(supporter_of[task.need] == task.supporter)


def _days_used(task: Task, supporter_of: Positions) -> NDArray[np.float64]:
    met = supporter_of != UNMET
    used = np.bincount(supporter_of[met], weights=task.days_asked[met], minlength=len(task.places))
    return used.astype(np.float64)


def _parts(task: Task) -> Positions:
    """Connected part of each need and then of each supporter."""
    n_needs, n_nodes = len(task.level), len(task.level) + len(task.places)
    graph = coo_array((np.ones(len(task.need), np.int8), (task.need, n_needs + task.supporter)), (n_nodes, n_nodes))
    return connected_components(graph, directed=False)[1].astype(np.intp)


# ---- places only: a transportation problem -------------------------------------------------------------------------


def _with_places_only(task: Task) -> tuple[Positions, Whole]:
    """The optimum without days, and the least prices that prove it over every pair."""
    weight = task.weight
    active = _best_of_each_need(task.need, weight, _FIRST_PAIRS)
    places = np.minimum(task.places, _FIRST_PLACES)
    supporter_of = _transport(len(task.level), task.need[active], task.supporter[active], weight[active], places)
    while True:
        need, supporter, worth = task.need[active], task.supporter[active], weight[active]
        price, surplus = _prices(need, supporter, worth, supporter_of, places)
        gain = weight - price[task.supporter] - surplus[task.need]
        promising = np.flatnonzero(gain > 0)
        short = (places < task.places) & (price > 0)
        if not len(promising) and not short.any():
            return supporter_of, price
        more = promising[_best_of_each_need(task.need[promising], gain[promising], _MORE_PAIRS)]
        active = np.union1d(active, more)
        places = np.where(short, np.minimum(2 * places, task.places), places)
        need, supporter, worth = task.need[active], task.supporter[active], weight[active]
        supporter_of = _transport_again(len(task.level), need, supporter, worth, places, price)


def _best_of_each_need(need: Positions, worth: Whole, count: int) -> Positions:
    """The `count` best entries of each need (`need` is in order), themselves in order; of equals, the first."""
    order = np.lexsort((-worth, need))
    first = np.flatnonzero(np.diff(need, prepend=-1))
    rank = np.arange(len(need)) - np.repeat(first, np.diff(np.append(first, len(need))))
    return np.sort(order[rank < count])


@dataclass(frozen=True)
class _Places:
    """Pairs with each supporter repeated once a place: the pair of each edge, its place, and who each place is with."""

    edge: Positions
    place: Positions
    owner: Positions


def _repeated(supporter: Positions, places: Whole) -> _Places:
    """Repeat each supporter once a place, as far as there are pairs to fill them."""
    useful = np.minimum(places, np.bincount(supporter, minlength=len(places)))
    first_place = np.cumsum(useful) - useful
    repeats = useful[supporter]
    edge = np.repeat(np.arange(len(supporter)), repeats)
    copy = np.arange(len(edge)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return _Places(edge, first_place[supporter[edge]] + copy, np.repeat(np.arange(len(places)), useful))


def _transport(n_needs: int, need: Positions, supporter: Positions, weight: Whole, places: Whole) -> Positions:
    """The best assignment of needs to places."""
    repeated = _repeated(supporter, places)
    edge_need, edge_weight, n_places = need[repeated.edge], weight[repeated.edge], len(repeated.owner)
    supporter_of = np.full(n_needs, UNMET, dtype=np.intp)
    # The solver augments row by row: it is several times faster with the shorter side as its rows.
    if n_needs <= n_places:
        place_of = _best_matching(edge_need, repeated.place, edge_weight, n_needs, n_places)
        met = np.flatnonzero(place_of >= 0)
        supporter_of[met] = repeated.owner[place_of[met]]
    else:
        need_of = _best_matching(repeated.place, edge_need, edge_weight, n_places, n_needs)
        used = np.flatnonzero(need_of >= 0)
        supporter_of[need_of[used]] = repeated.owner[used]
    return supporter_of


def _transport_again(
    n_needs: int, need: Positions, supporter: Positions, weight: Whole, places: Whole, price: Whole
) -> Positions:
    """The best assignment of needs to places, from prices that were right before some pairs were added.

    Notes
    -----
    With u_i the most that a pair of need i is worth beyond its price, an assignment falls short of what prices allow
    by the sum of u_i + v_j - w_ij over its pairs, u_i over unmet needs and v_j over empty places. That sum is made as
    small as it can be. All its terms are at least 0 and nearly all of the best ones are 0, so that the solver finds
    most of the answer where it first looks. To charge for empty places as well as for unmet needs, each need has an
    "unmet" column and each place an "empty" row, and what is left of both is matched along the same pairs at no cost.
    """
    beyond = weight - price[supporter]
    surplus = np.zeros(n_needs, dtype=np.int64)
    np.maximum.at(surplus, need, beyond)
    repeated = _repeated(supporter, places)
    edge_need, n_places = need[repeated.edge], len(repeated.owner)
    needs, empty = np.arange(n_needs), np.arange(n_places)
    rows = np.concatenate([edge_need, needs, n_needs + repeated.place, n_needs + empty])
    columns = np.concatenate([repeated.place, n_places + needs, n_places + edge_need, empty])
    short = (surplus[need] - beyond)[repeated.edge]
    costs = np.concatenate([short, surplus, np.zeros(len(short), dtype=np.int64), price[repeated.owner]])
    # Stored zeros would be no edges.
    graph = csr_array((costs + 1.0, (rows, columns)), shape=(n_needs + n_places, n_needs + n_places))
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    served = (matched_row < n_needs) & (matched_column < n_places)
    supporter_of = np.full(n_needs, UNMET, dtype=np.intp)
    supporter_of[matched_row[served]] = repeated.owner[matched_column[served]]
    return supporter_of


def _best_matching(row: Positions, column: Positions, weight: Whole, n_rows: int, n_columns: int) -> Positions:
    """The column of each row, or -1: each row has a private column of no worth, so a full matching always exists."""
    rows = np.concatenate([row, np.arange(n_rows)])
    columns = np.concatenate([column, n_columns + np.arange(n_rows)])
    # Stored zeros would be no edges: costs are shifted so that every one of them is at least 1.
    most = int(weight.max(initial=0))
    costs = np.concatenate([most - weight, np.full(n_rows, most)]) + 1
    graph = csr_array((costs.astype(np.float64), (rows, columns)), shape=(n_rows, n_columns + n_rows))
    matched_row, matched_column = min_weight_full_bipartite_matching(graph)
    column_of = np.full(n_rows, -1, dtype=np.intp)
    column_of[matched_row] = np.where(matched_column < n_columns, matched_column, -1)
    return column_of


def _prices(
    need: Positions, supporter: Positions, weight: Whole, supporter_of: Positions, places: Whole
) -> tuple[Whole, Whole]:
    """The least prices v >= 0 of supporters, and each need's surplus u, with u_i + v_j >= w_ij on every pair given.

    Notes
    -----
    On chosen pairs u_i = w_ij - v_j, and u_i = 0 on unmet needs. Then v is the fixpoint of
    v_j = max(0, max_i w_ij - u_i): longest paths, which are finite because the assignment is optimal. The least
    prices are what one more place is worth.
    """
    chosen = supporter_of[need] == supporter
    own_weight = np.zeros(len(supporter_of), dtype=np.int64)
    own_weight[need[chosen]] = weight[chosen]
    met = supporter_of != UNMET
    by_supporter = np.argsort(supporter[~chosen], kind="stable")
    other_need = need[~chosen][by_supporter]
    other_supporter = supporter[~chosen][by_supporter]
    step = weight[~chosen][by_supporter] - own_weight[other_need]
    first = np.flatnonzero(np.diff(other_supporter, prepend=-1))
    price = np.zeros(len(places), dtype=np.int64)
    while True:
        carried = np.where(met, price[supporter_of], 0)
        raised = price.copy()
        if len(first):
            offers = np.maximum.reduceat(step + carried[other_need], first)
            raised[other_supporter[first]] = np.maximum(price[other_supporter[first]], offers)
        if np.array_equal(raised, price):
            return price, np.where(met, own_weight - carried, 0)
        price = raised


# ---- days: a generalised assignment problem ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Programme:
    """The pairs of one connected part as columns, with the rows that any assignment of them keeps."""

    pair: Positions
    need: Positions
    level: Positions
    value_milli: Whole
    rows: csr_array
    row_limits: NDArray[np.float64]

    @property
    def worth(self) -> Whole:
        """By column: large bonuses for the need's level, plus the pair's value.

        One need more at the same level is worth more than any score, and one of a higher level as much as several of
        the next. (With days, one need can displace any number of others, so that no bonus keeps the levels apart by
        itself.)
        """
        bonus = max(int(self.value_milli.max(initial=0)), 1000) * (int(self.need.max(initial=-1)) + 1) + 1
        factors = np.asarray(_LEVEL_FACTORS, dtype=np.int64)[self.level]
        worth: Whole = bonus * factors + self.value_milli
        return worth

    def of(self, columns: Positions) -> "_Programme":
        """The same with some of the columns."""
        rows = csr_array(self.rows[:, columns])
        return _Programme(
            self.pair[columns],
            self.need[columns],
            self.level[columns],
            self.value_milli[columns],
            rows,
            self.row_limits,
        )

    def count(self, level: int) -> Whole:
        """By column: 1 where its need is of this level."""
        ones: Whole = (self.level == level).astype(np.int64)
        return ones


@dataclass(frozen=True)
class _Kept:
    """A sum over columns that an assignment keeps at least."""

    worth: Whole
    at_least: int


def _with_days(
    task: Task,
    needs: Positions,
    supporters: Positions,
    supporter_of: Positions,
    price: Whole,
    relaxed: tuple[int, int, int, int],
    deadline: float,
) -> tuple[Positions, tuple[int, int, int, int]]:
    """The best assignment of one connected part with days, and the bound of each level.

    `supporter_of` is the optimum without days, with its prices, and `relaxed` its levels in this part.

    Notes
    -----
    One search with large bonuses finds a plan that is nearly always right in every level, and proves two things of it:
    among plans as good in the first two levels, none is better in the others. That the first two cannot be better is
    proved by the answer without days, where the plan is as good as that; otherwise by a search for that level alone.
    """
    programme = _programme(task, needs, supporters)
    nobody = np.full(len(task.level), UNMET, dtype=np.intp)
    within_days = _filled(task, nobody, np.intersect1d(_chosen_pairs(task, supporter_of), programme.pair))
    fallback = np.isin(programme.pair, _chosen_pairs(task, _filled(task, within_days, programme.pair)))
    if len(programme.pair) > _MANY_PAIRS:
        beyond = (task.weight - price[task.supporter])[programme.pair]
        too_many = len(programme.pair) > _MOST_PAIRS_SEARCHED
        share_s = (deadline - time.monotonic()) * (1 if too_many else 2 / 3)
        fallback = _by_levels(programme, beyond, fallback, time.monotonic() + share_s)
        if too_many:
            return _filled_up(task, programme, fallback)[needs], _bounds_without_days(programme, relaxed)
    chosen, most_worth = _best(programme, programme.worth, (), fallback, deadline)
    kept: tuple[_Kept, ...] = ()
    bounds: list[int] = []
    for level in range(len(PRIORITY_LEVELS) - 1):
        counted = programme.count(level)
        value, bound = int(counted[chosen].sum()), relaxed[level]
        # As long as the levels before it are as good as without days, that answer bounds this one.
        if bounds != list(relaxed[:level]) or value < bound:
            found, bound = _best(programme, counted, kept, chosen, deadline)
            if counted[found].sum() > value:
                value = int(counted[found].sum())
                chosen, most_worth = _best(programme, programme.worth, (*kept, _Kept(counted, value)), found, deadline)
        kept = (*kept, _Kept(counted, value))
        bounds.append(max(bound, value))
    outcome = _filled_up(task, programme, chosen)
    chosen = np.isin(programme.pair, _chosen_pairs(task, outcome))
    rest = _last_bounds(programme, chosen, most_worth, relaxed)
    return outcome[needs], _as_levels(np.array([*bounds, *rest]))


def _filled_up(task: Task, programme: _Programme, chosen: Flags) -> Positions:
    """By need: the supporter; only a search that ran out of time leaves anything to fill."""
    outcome = np.full(len(task.level), UNMET, dtype=np.intp)
    outcome[task.need[programme.pair[chosen]]] = task.supporter[programme.pair[chosen]]
    return _filled(task, outcome, programme.pair)


def _by_levels(whole: _Programme, beyond: Whole, fallback: Flags, deadline: float) -> Flags:
    """A good choice of columns of a part that is too large to be searched as a whole.

    The most urgent needs are placed first; then those of the next level join in, over each need's best few pairs at
    the prices of the answer without days (`beyond` is what each pair is worth beyond its price). Each level gets its
    share of the time that is left.
    """
    best = np.zeros(len(whole.pair), dtype=bool)
    best[_best_of_each_need(whole.need, beyond, _BEST_PAIRS_SEARCHED)] = True
    chosen = np.zeros(len(whole.pair), dtype=bool)
    met: list[int] = []
    for level in range(len(PRIORITY_LEVELS)):
        columns = np.flatnonzero((best & (whole.level <= level)) | chosen | fallback)
        part = whole.of(columns)
        kept = tuple(_Kept(part.count(earlier), count) for earlier, count in enumerate(met))
        start = max((chosen[columns], fallback[columns]), key=lambda one: _merit(part, one, met))
        share_s = (deadline - time.monotonic()) / (len(PRIORITY_LEVELS) - level)
        found, _ = _best(part, part.worth, kept, start, time.monotonic() + share_s)
        chosen = np.zeros(len(whole.pair), dtype=bool)
        chosen[columns[found]] = True
        met.append(int(whole.count(level)[chosen].sum()))
    return chosen


def _merit(part: _Programme, chosen: Flags, met: Sequence[int]) -> tuple[bool, int]:
    """How good a start is: whether it meets as many needs of the earlier levels, and what it is worth."""
    counts = np.bincount(part.level[chosen], minlength=len(PRIORITY_LEVELS))
    enough = all(counts[level] >= count for level, count in enumerate(met))
    return enough, int(part.worth[chosen].sum())


def _bounds_without_days(whole: _Programme, relaxed: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """What is known of a part whose search was not over all its pairs."""
    *met, _ = relaxed
    return _as_levels(np.array([*met, _ceiling(whole, whole.value_milli)]))


def _last_bounds(
    programme: _Programme, chosen: Flags, most_worth: int, relaxed: tuple[int, int, int, int]
) -> tuple[int, int]:
    """The bounds of the last level of needs met and of the score, among plans as good in the levels before."""
    counts = np.bincount(programme.level[chosen], minlength=len(PRIORITY_LEVELS)).tolist()
    score, missing = int(programme.value_milli[chosen].sum()), most_worth - int(programme.worth[chosen].sum())
    if missing <= 0:
        return counts[-1], score
    if counts == list(relaxed[:-1]):
        return counts[-1], min(relaxed[-1], score + missing)
    asking = len(np.unique(programme.need[programme.level == len(counts) - 1]))
    most_met = relaxed[-2] if counts[:-1] == list(relaxed[:-2]) else asking
    return most_met, _ceiling(programme, programme.value_milli)


def _programme(task: Task, needs: Positions, supporters: Positions) -> _Programme:
    pair = np.flatnonzero(np.isin(task.need, needs))
    need = np.searchsorted(needs, task.need[pair])
    supporter = np.searchsorted(supporters, task.supporter[pair])
    columns = np.arange(len(pair))
    limited = np.isfinite(task.days_offered[supporters])
    # Whole numbers as small as they can be keep the solver's tolerances far from the truth.
    unit = int(np.gcd.reduce(task.days_asked[needs])) or 1
    days = np.where(limited[supporter], task.days_asked[needs][need] / unit, 0.0)
    n_needs, n_supporters = len(needs), len(supporters)
    rows = np.concatenate([need, n_needs + supporter, n_needs + n_supporters + supporter])
    cells = np.concatenate([np.ones(2 * len(pair)), days])
    matrix = csr_array((cells, (rows, np.tile(columns, 3))), shape=(n_needs + 2 * n_supporters, len(pair)))
    days_limit = np.where(limited, np.floor(task.days_offered[supporters] / unit), 0.0)
    limits = np.concatenate([np.ones(n_needs), task.places[supporters], days_limit])
    return _Programme(pair, need, task.level[task.need[pair]], task.value_milli[pair], matrix, limits)


def _best(
    programme: _Programme, worth: Whole, kept: Sequence[_Kept], fallback: Flags, deadline: float
) -> tuple[Flags, int]:
    """The choice of columns that is worth most and keeps what is kept, and what no choice can be worth more than.

    Where time runs out before anything better than `fallback` is found, that stands.
    """
    left_s = deadline - time.monotonic()
    ceiling = _ceiling(programme, worth)
    if left_s <= 0:
        return fallback, ceiling
    constraints = [LinearConstraint(programme.rows, -np.inf, programme.row_limits)]
    constraints += [LinearConstraint(csr_array(one.worth[np.newaxis, :]), one.at_least, np.inf) for one in kept]
    result = milp(
        -worth.astype(np.float64),
        constraints=constraints,
        integrality=np.ones(len(worth), dtype=np.int64),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0, "time_limit": left_s},
    )
    # Worths are whole: a bound a hair above a whole number is that number.
    bound = ceiling if result.mip_dual_bound is None else min(ceiling, int(np.floor(-result.mip_dual_bound + 1e-3)))
    if result.x is None:
        return fallback, bound
    found = result.x > 0.5
    if not _keeps(programme, found, kept) or worth[found].sum() < worth[fallback].sum():
        return fallback, bound
    return found, bound


def _keeps(programme: _Programme, found: Flags, kept: Sequence[_Kept]) -> bool:
    """Whether a choice keeps every row and every sum, in whole numbers."""
    within = bool((programme.rows @ found.astype(np.float64) <= programme.row_limits).all())
    return within and all(one.worth[found].sum() >= one.at_least for one in kept)


def _ceiling(programme: _Programme, worth: Whole) -> int:
    """What no choice can exceed: the best pair of every need."""
    best = np.zeros(int(programme.need.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(best, programme.need, worth)
    return int(best.sum())


def _filled(task: Task, supporter_of: Positions, allowed: Positions) -> Positions:
    """Add allowed pairs while they fit: unmet needs ask their best supporter, who takes the best that asks."""
    filled = supporter_of.copy()
    while True:
        met = filled != UNMET
        places_left = task.places - np.bincount(filled[met], minlength=len(task.places))
        days_left = task.days_offered - _days_used(task, filled)
        need, supporter = task.need[allowed], task.supporter[allowed]
        fits = (places_left[supporter] > 0) & (task.days_asked[need] <= days_left[supporter])
        allowed = allowed[~met[need] & fits]
        if not len(allowed):
            return filled
        weight = task.weight[allowed]
        asking = allowed[_best_of_each_need(task.need[allowed], weight, 1)]
        by_supporter = asking[np.lexsort((-task.weight[asking], task.supporter[asking]))]
        taken = by_supporter[np.flatnonzero(np.diff(task.supporter[by_supporter], prepend=-1))]
        filled[task.need[taken]] = task.supporter[taken]
