r"""Column generation over loads: a restricted master by the simplex method, and a bound over all pairs.

A load :math:`L` of supporter *j* is a set of needs within j's places and days, of value :math:`v(L)`. The master is
the linear relaxation of: maximise the sum of :math:`v(L) x_L`, where ::

    need i        sum over loads with i                   <= 1      (= y_p in a package p, y_p between 0 and 1)
    supporter j   sum over loads of j                     <= 1
    level k       needs of level k met, over all loads    >= what is kept (or equal, where it is missed)
    school s      sum of [L visits s] x_L                 <= supporters that may come (times y_p, as in `programme`)
    home h        sum of |L| x_L over supporters of h     <= deployments left

Its columns are found by pricing, a knapsack for each supporter (Dantzig and Wolfe, Operations Research 8, 1960;
Barnhart et al., Operations Research 46, 1998). Prices are smoothed towards those of the best bound so far (Wentges,
International Transactions in Operational Research 4, 1997).

Guarantee: at any prices of the rows other than supporters, no plan is worth more than those prices times the right-hand
sides, plus every supporter's best load at these prices (Lagrangean relaxation; Fisher, Management Science 27, 1981). So
`bound` holds over all eligible pairs, in memory or not, whenever the search ends.
"""

from dataclasses import dataclass

import numpy as np

from matching.solve.budget import Budget
from matching.solve.highs import LinearProgramme
from matching.solve.knapsack import BestLoads, Offers, best_loads, loads_apart, loads_within, widened
from matching.solve.params import LoadsParams
from matching.solve.problem import (
    NEVER,
    PRIORITY_LEVELS,
    AssignmentProblem,
    Flags,
    Floats,
    Integers,
    Positions,
    PricingOracle,
    chosen_pairs,
    rank_in_order,
)
from matching.solve.programme import Limits, Rows

_N_LEVELS = len(PRIORITY_LEVELS)
_NOTHING, _MILLI, _RISING, _LITTLE = 1e-7, 1000, 0.05, 1e3
_SPLIT, _FORFEIT = 1e-6, 1e3


@dataclass(frozen=True)
class Bound:
    """A bound in points of the master's objective, with the prices that give it.

    Attributes
    ----------
    price : ndarray of float64
        By row of the master; those of supporters are not used.
    gain : ndarray of float64
        By pair of the problem: its value less the prices of its rows, but for schools.
    best : BestLoads
        At these prices.
    """

    value: float
    price: Floats
    gain: Floats
    best: BestLoads


class Master:
    """The restricted master of one problem.

    Attributes
    ----------
    problem : AssignmentProblem
        With the pairs of the oracle that were needed.
    loads : ndarray of intp, shape (loads, most places)
        The columns, as pairs of the problem, filled up in front with -1.
    share : ndarray of float64
        By load: how much of it the last solution takes.
    bonus : ndarray of float64
        By level: what a need counts in the objective besides its value, in points.
    """

    def __init__(
        self, problem: AssignmentProblem, oracle: PricingOracle | None, price: Integers, params: LoadsParams
    ) -> None:
        self.problem, self._oracle, self._params = problem, oracle, params
        # The value of a pair is a score of at most 1, and in a rerun the change cost.
        self.most_score = max(float(problem.value_milli.max(initial=0)) / _MILLI, 1.0) * len(problem.level)
        self.rows = Rows.of(problem, splits_visits=len(problem.need) > params.most_pairs)
        self._least, self._most = self.rows.least.copy(), self.rows.most.copy()
        self.bonus = np.array(params.level_factors) * params.plan_bonus_milli / _MILLI
        self.loads = np.empty((0, 1), dtype=np.intp)
        self._offers_changed()
        self.share = np.zeros(0)
        self._programme = LinearProgramme(self._least, self._most, params)
        self._must_be_met, self._may_be_met = np.zeros(self.rows.n_packages), np.ones(self.rows.n_packages)
        self._programme.add_columns(self._forfeits(self.bonus), self._may_be_met, self.rows.packages())
        self.value, self._solved = -np.inf, False
        self._count_duals, self._usual_duals = list[Floats](), np.zeros(0)
        self._tier = np.rint(price / problem.bonus_milli).astype(np.intp)
        self._beyond_tier = (price - self._tier * problem.bonus_milli) / _MILLI
        self.bound = self.bounded(self._first_prices())
        self.add(self._apart(self.bound))

    @property
    def bound(self) -> Bound:
        """The best bound over the pairs of the problem so far, priced again if rows, values or pairs have changed."""
        if self._is_stale:
            self.bound = self.bounded(self._bound.price)
        return self._bound

    @bound.setter
    def bound(self, bound: Bound) -> None:
        # No pair outside the problem is known to fall short of a gain.
        self._bound, self._is_stale, self._asked_within = bound, False, -np.inf

    @property
    def toll(self) -> Floats:
        """By school: the price of a visit."""
        toll: Floats = self.bound.price[self.rows.school_at : self.rows.home_at]
        return toll

    # ---- pairs and loads ----

    def _offers_changed(self) -> None:
        self.visited = visited = self.rows.visited(self.problem)
        at = np.where(visited >= 0, visited - self.rows.school_at, -1)
        self.offers = Offers.all_of(self.problem, at, self._params.most_day_units)
        # With more pairs, a supporter may take more of them than anyone could before.
        self._width = max(int(self.offers.places.max(initial=0)), self.loads.shape[1])
        self.loads = widened(self.loads, self._width)

    @property
    def worth(self) -> Floats:
        """By pair of the problem: its bonus and value, in points."""
        worth: Floats = self.bonus[self.problem.level[self.problem.need]] + self.problem.value_milli / _MILLI
        return worth

    def grow(self, need: Positions, supporter: Positions, value_milli: Integers) -> int:
        """Add pairs to the problem, and return how many were new."""
        before = len(self.problem.need)
        self.problem, place = self.problem.with_pairs(need, supporter, value_milli)
        if len(self.problem.need) > before:
            self._is_stale = True
            self.loads = np.where(self.loads >= 0, place[self.loads], -1)
            self._offers_changed()
        return len(self.problem.need) - before

    def sums(self, of_pair: Floats, loads: Positions) -> Floats:
        """Return by load the sum over its pairs."""
        sums: Floats = np.where(loads >= 0, of_pair[loads], 0.0).sum(axis=1)
        return sums

    def loads_of(self, supporter_of: Positions) -> Positions:
        """Return what each supporter takes in a plan whose pairs are in the problem."""
        pairs = chosen_pairs(self.problem, supporter_of)
        pairs = pairs[np.argsort(self.problem.supporter[pairs], kind="stable")]
        people, load = np.unique(self.problem.supporter[pairs], return_inverse=True)
        loads = np.full((len(people), self._width), -1, dtype=np.intp)
        loads[load, rank_in_order(load)] = pairs
        return np.sort(loads, axis=1)

    def add(self, loads: Positions) -> None:
        """Add columns."""
        loads = widened(loads, self._width)
        at_most = np.full(len(loads), np.inf)
        cells = self.rows.cells(self.problem, self.visited, loads)
        self._programme.add_columns(self.sums(self.worth, loads), at_most, cells)
        self.loads = np.vstack([self.loads, loads])
        self.share = np.append(self.share, np.zeros(len(loads)))

    # ---- levels ----

    def counts(self) -> Floats:
        """Return by level how many needs the last solution meets, with fractions."""
        level = np.where(self.loads >= 0, self.problem.level[self.problem.need[self.loads]], _N_LEVELS)
        return np.array([self.share @ (level == one).sum(axis=1) for one in range(_N_LEVELS)])

    def keep_level(self, level: int, least: float, most: float) -> None:
        """From now on, a level meets at least and at most so many needs."""
        row = self.rows.level_at + level
        if (self._least[row], self._most[row]) != (least, most):
            self._least[row], self._most[row] = least, most
            self._programme.change_row(row, least, most)
            self._solved, self._is_stale = False, True

    def factors(self, level: int) -> Floats:
        """Return by level what a need counts where later ones count for nothing, as multiples of one of this level."""
        factors = np.array(self._params.level_factors, dtype=np.float64) / self._params.level_factors[level]
        factors[level + 1 :] = 0
        return factors

    def most_counted(self, level: int) -> float:
        """Return what the sum of counts up to a level, times their factors, does not exceed in a plan within the rows.

        The prices are those of this sum at the last basis, the usual objective next to nothing: the best where the last
        solution is among those that reach the most. Far from any solution, those of places only may be better.
        """
        usual, known = self.bonus, (self._bound, self._is_stale, self._asked_within)
        asking = np.bincount(self.problem.level, minlength=_N_LEVELS)
        scale = _LITTLE * (float(usual @ asking) + self.most_score)
        self.bonus = usual + scale * self.factors(level)
        first = at_basis = self.bounded(self._first_prices())
        if self._count_duals:
            at_basis = self.bounded(self._usual_duals + scale * self._count_duals[level])
        self.bound = min(at_basis, first, key=lambda one: one.value)
        has_grown = self.with_all_gaining(0.0) > 0
        counted, self.bonus = self.bound.value / scale, usual
        self._bound, self._is_stale, self._asked_within = known
        self._is_stale |= has_grown
        return counted

    def _price_counts(self) -> None:
        """Keep the duals of counts at this basis: it is lost where a later solution is cut short."""
        level, each = self.problem.level[self.problem.need], [self.factors(one) for one in range(_N_LEVELS)]
        counts = (np.append(self._forfeits(one), self.sums(one[level], self.loads)) for one in each)
        self._count_duals = [self._programme.duals_of(one) for one in counts]
        self._usual_duals = self._programme.duals

    def open_level(self, level: int) -> None:
        """Keep nothing of a level any more."""
        self.keep_level(level, -np.inf, np.inf)

    # ---- packages ----

    def split_package(self) -> int | None:
        """Return the package nearest to half met in the last solution, of those that may be met and need not be."""
        met = np.where(self._must_be_met == self._may_be_met, 0.0, self._programme.columns[: self.rows.n_packages])
        split = np.flatnonzero((met > _SPLIT) & (met < 1 - _SPLIT))
        return int(split[np.argmin(np.abs(met[split] - 1 / 2))]) if len(split) else None

    def hold_package(self, package: int, *, least: int, most: int) -> None:
        """From now on, a package has to be met (1, 1), must not be met (0, 0), or may be (0, 1)."""
        self._must_be_met[package], self._may_be_met[package] = least, most
        self._programme.bound_column(package, most)
        self._programme.change_value(package, float(self._forfeits(self.bonus)[package]))
        self._solved, self._is_stale = False, True

    def _forfeits(self, bonus: Floats) -> Floats:
        """Return by package what it costs to leave it out although it has to be met: far more than a need counts.

        So the master has a solution also where its loads so far do not meet the package, or no loads do.
        """
        forfeits: Floats = _FORFEIT * bonus.max() * self._must_be_met
        return forfeits

    def limits(self) -> Limits:
        """Return what the sums over its rows may be."""
        return Limits(self._least.copy(), self._most.copy())

    # ---- prices ----

    def _first_prices(self) -> Floats:
        """Return prices of the rows, after those of supporters' places that prove the optimum with places only."""
        problem = self.problem
        of_tier = np.append(0.0, self.bonus[::-1])
        of_place = of_tier[np.minimum(self._tier, _N_LEVELS)] + self._beyond_tier
        prices = np.zeros(len(self._most))
        np.maximum.at(prices, problem.need, self.worth - of_place[problem.supporter])
        return prices

    def bounded(self, price: Floats) -> Bound:
        """Return the bound at some prices, over the pairs of the problem."""
        rows = self.rows
        price = np.where(np.isinf(self._least), np.maximum(price, 0.0), price)
        price = np.where(np.isinf(self._most), np.minimum(price, 0.0), price)
        price[rows.supporter_at : rows.level_at] = 0.0
        with np.errstate(invalid="ignore"):
            sides = np.where(price > 0, price * self._most, np.where(price < 0, price * self._least, 0.0))
        forfeits = self._forfeits(self.bonus)
        of_package = self._may_be_met * np.maximum(forfeits - rows.packages().T @ price, 0.0) - forfeits
        best = best_loads(self.offers, gain := self._gain(price), price[rows.school_at : rows.home_at])
        value = float(sides.sum() + of_package.sum() + best.gain.sum())
        return Bound(value, price, gain, best)

    def _gain(self, price: Floats) -> Floats:
        """Return by pair its value less the prices of its rows, but for schools."""
        need, rows = self.problem.need, self.rows
        home = np.where(rows.home >= 0, price[rows.home], 0.0)
        of_level = price[rows.level_at + self.problem.level]
        gain: Floats = self.worth - (price[: len(of_level)] + of_level)[need] - home[self.problem.supporter]
        return gain

    # ---- column generation ----

    def generate(self, close: float, budget: Budget) -> bool:
        """Add loads until the bound is close to the master's value, over all pairs; False where that was cut short."""
        while True:
            if not self._converge(close, budget):
                return False
            if not self.with_all_gaining(0.0):
                return True

    def settled(self) -> float:
        """Return the value of the bound over all pairs: priced again where some are new."""
        self.with_all_gaining(0.0)
        return self.bound.value

    def with_all_gaining(self, within: float) -> int:
        """Add the pairs of the oracle that fall short of a gain by no more than that; return how many were new."""
        bound = self.bound
        if self._oracle is None or within <= self._asked_within:
            return 0
        level, price = self.problem.level, bound.price
        of_need = price[: len(level)]
        least = of_need + price[self.rows.level_at + level] - self.bonus[level] - within
        asked = np.floor(np.clip(_MILLI * least, -NEVER, NEVER)).astype(np.int64)
        of_home = np.where(self.rows.home >= 0, price[self.rows.home], 0.0)
        offered = np.where(self.problem.places > 0, np.floor(_MILLI * of_home), NEVER).astype(np.int64)
        n_new = self.grow(*self._oracle.pairs_above(asked, offered))
        # Priced again with them, at the same prices.
        self.bound = self.bound
        self._asked_within = within
        return n_new

    def _converge(self, close: float, budget: Budget) -> bool:
        """Add loads until the bound is close to the master's value, over the pairs of the problem."""
        # After a change of the rows or the values, the prices of the bound are no longer those to stay near to.
        weight = self._params.smoothing if self._solved or not self.share.any() else 0.0
        if not self._solved and not self._solve(budget):
            return False
        while self.bound.value - self.value > close:
            stable, at_duals, before = self.bound.price, self._programme.duals, self.value
            loads = self._promising(weight * stable + (1 - weight) * at_duals)
            if not len(loads):
                loads = self._promising(at_duals)
            if not len(loads):
                break
            self.add(loads)
            if not self._solve(budget):
                return False
            # Where the value hardly rises, it is the prices of the bound that are far from the best.
            is_rising = self.value - before > _RISING * (self.bound.value - self.value)
            weight = self._params.smoothing if is_rising else 0.0
        return True

    def _solve(self, budget: Budget) -> bool:
        if not self._programme.solve(budget):
            known = self._programme.n_columns - self.rows.n_packages
            self.loads, self.share = self.loads[:known], self.share[:known]
            return False
        self._solved, self.value = True, self._programme.value - float(self._forfeits(self.bonus).sum())
        self._price_counts()
        self.share = self._programme.columns[self.rows.n_packages :]
        return True

    def _promising(self, price: Floats) -> Positions:
        """Return the best loads at some prices that could raise the master's value, and keep a better bound."""
        bound = self.bounded(price)
        if bound.value < self.bound.value:
            self.bound = bound
        loads = self._apart(bound)
        duals = self._programme.duals
        reduced = self.sums(self.worth, loads) - self.rows.cells(self.problem, self.visited, loads).T @ duals
        order = np.argsort(-reduced, kind="stable")[: max(self._params.most_new_loads, len(self.problem.need) // 20)]
        promising: Positions = loads[order[reduced[order] > _NOTHING * max(1.0, float(self.bonus.max()) / _MILLI)]]
        return promising

    def _apart(self, bound: Bound) -> Positions:
        toll = bound.price[self.rows.school_at : self.rows.home_at]
        loads = loads_apart(self.offers, bound.gain, toll, bound.best, self._params.times_apart)
        return self._split(self.within_days(loads))

    def _split(self, loads: Positions) -> Positions:
        """Return the loads, with those of supporters whom only places limit pair by pair, or visit by visit."""
        is_split = self.rows.by_places[self.problem.supporter[loads[:, -1]]]
        load, slot = np.nonzero((loads >= 0) & is_split[:, np.newaxis])
        pair = loads[load, slot]
        visit = np.where(self.visited[pair] >= 0, self.visited[pair], -1 - slot)
        order = np.lexsort((pair, visit, load))
        pair, is_first = pair[order], np.diff(visit[order], prepend=np.inf) != 0
        is_first |= np.diff(load[order], prepend=-1) != 0
        part = np.cumsum(is_first) - 1
        parts = np.full((int(part[-1]) + 1 if len(part) else 0, loads.shape[1]), -1, dtype=np.intp)
        parts[part, loads.shape[1] - 1 - rank_in_order(part)] = pair
        return np.unique(np.vstack([loads[~is_split], np.sort(parts, axis=1)]), axis=0)

    def within_days(self, loads: Positions) -> Positions:
        """Return the loads that keep days to the hundredth: they may have been found in coarser units."""
        asked = np.where(loads >= 0, self.problem.days_asked[self.problem.need[loads]], 0).sum(axis=1)
        fitting: Positions = loads[asked <= self.problem.days_offered[self.problem.supporter[loads[:, -1]]]]
        return fitting

    def loads_within(
        self, gap: float, most: int, most_each: int, people: Flags | None = None, pairs: Flags | None = None
    ) -> tuple[Positions, Flags]:
        """Return every load that loses no more than a gap at the prices of the bound, as `knapsack.loads_within` does.

        Only those of some people, made of some pairs, where these are given.
        """
        within = np.full(len(self.problem.places), gap) if people is None else np.where(people, gap, -1.0)
        some = np.arange(len(self.problem.need)) if pairs is None else np.flatnonzero(pairs)
        gain, best = self.bound.gain[some], self.bound.best
        loads, is_listed = loads_within(self.offers.of(some), gain, self.toll, best, within, most, most_each)
        return self.within_days(np.where(loads >= 0, some[loads], -1)), is_listed
