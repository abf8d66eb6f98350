"""The search of one connected component in which days, packages or limits on schools bind, and its proof.

A component with few pairs goes straight to the closing programme, pair by pair. Otherwise:

1. column generation (`column_generation`), level by level: how many needs of each can be met at most, and then the
   score that no plan exceeds which meets that many;
2. the restricted master in whole numbers and large neighbourhood search (`improve`): the plan;
3. branch and bound on packages, where prices leave counts open, and the closing programme (`programme`): every load
   that could be in a better plan, as far as time allows. Counts that are still open are closed by `by_levels`.

Guarantee: the plan keeps every rule. Each level's bound holds over all eligible pairs for plans that are as good in the
levels before it, whenever the search ends.
"""

import numpy as np

from matching.solve.budget import Budget
from matching.solve.by_levels import closed_by_levels
from matching.solve.column_generation import Master
from matching.solve.improve import better, exchanged, first_plan, from_restricted_master, searched_around
from matching.solve.params import LoadsParams
from matching.solve.problem import (
    PRIORITY_LEVELS,
    AssignmentProblem,
    Integers,
    Positions,
    PricingOracle,
    Reached,
    Shown,
    as_reached,
    chosen_pairs,
    most_score_milli,
    values_of,
    with_all_pairs,
)
from matching.solve.programme import Choice, closed

_MILLI, _EXACT = 1000, 1e-6
_N_LEVELS = len(PRIORITY_LEVELS)


class ComponentSearch:
    """The search of a problem that is one component.

    Parameters
    ----------
    places_only, price : ndarray
        The optimum with places only, by need, and the prices of supporters that prove it.
    n_pairs : int
        The number of its pairs, in the problem or not.
    """

    def __init__(
        self,
        problem: AssignmentProblem,
        oracle: PricingOracle | None,
        places_only: Positions,
        price: Integers,
        n_pairs: int,
        params: LoadsParams,
    ) -> None:
        relaxed = values_of(problem, places_only)
        self._shown: Shown = {relaxed[:level]: most for level, most in enumerate(relaxed)}
        self._problem, self._plan = first_plan(problem, oracle, places_only)
        self._oracle, self._price, self._n_pairs, self._params = oracle, price, n_pairs, params
        asking = np.bincount(problem.level, minlength=_N_LEVELS)
        self._limits = as_reached([*asking, most_score_milli(problem, oracle)])
        # The restricted master; none before the search, or where a component has few pairs.
        self._begun: Master | None = None
        # By level, what the master keeps: at first what it reaches in whole needs, later what the plan reaches.
        self._goals: list[int] = []
        self._is_priced = False

    def find(self, budget: Budget) -> None:
        """Find a good plan and its bounds; with few pairs, the best."""
        if budget.cancelled():
            return
        if self._n_pairs <= self._params.few_pairs:
            self._close_levels(budget)
            return
        self._begun = master = Master(self._problem, self._oracle, self._price, self._params)
        master.most_score = self._limits[-1] / _MILLI
        self._plan = better(self._problem, self._plan, exchanged(master, self._plan, budget, self._params))
        master.add(master.loads_of(self._plan))
        # Whatever prices are found by then, a plan is made after them.
        self._bound_levels(budget.share(self._params.share_of_bounds))
        self._improve(budget.share(self._params.share_of_plans))
        self._keep_reached(budget)

    def prove(self, budget: Budget) -> None:
        """Prove the plan or find a better one, among all loads that could be in it, while time lasts."""
        if self._begun is None or budget.cancelled():
            return
        if not self._is_priced and budget.remaining_s() > 0:
            self._goals = []
            for level in range(_N_LEVELS):
                self._master.open_level(level)
            self._bound_levels(budget.share(self._params.share_of_bounds))
            self._improve(budget)
        self._bound_score(budget)
        self._branch_on_packages(budget.share(1 / 2))
        if self._goals != self._proved:
            self._search_around(budget.share(1 / 2))
            self._bound_score(budget)
        self._close_score(budget)
        self._bound_score(budget)
        if self._goals != self._proved and self._n_pairs <= self._params.most_pairs and budget.remaining_s() > 0:
            self._close_levels(budget)
            self._bound_score(budget)
        self._search_around(budget)

    def result(self, budget: Budget) -> tuple[Positions, Reached, Reached]:
        """Return the best plan, its values, and the bound of each level, for plans as good in the levels before."""
        if self._begun is not None and not budget.cancelled():
            self._bound_score(budget)
        reached = self._values
        known = [min(self._shown.get(reached[:level], limit), limit) for level, limit in enumerate(self._limits)]
        return self._plan, reached, as_reached(np.maximum(known, reached))

    # ---- bounds ----

    @property
    def _master(self) -> Master:
        assert self._begun is not None
        return self._begun

    @property
    def _values(self) -> Reached:
        """The values of the plan."""
        return values_of(self._problem if self._begun is None else self._begun.problem, self._plan)

    @property
    def _proved(self) -> list[int]:
        """By level that is kept: what no plan exceeds that reaches the goals before it."""
        return [self._shown[tuple(self._goals[:level])] for level in range(len(self._goals))]

    def _bound_levels(self, budget: Budget) -> None:
        """Find how many needs of each level can be met, and keep these levels in the master."""
        budget.report(f"Pricing loads: how many needs can be met, over {len(self._master.problem.need):,} pairs")
        is_solved = self._master.generate(self._close_counts, budget)
        for level in range(_N_LEVELS):
            reached = int(np.floor(self._master.counts()[level] + _EXACT)) if is_solved else 0
            self._keep(level, reached, budget)
            if is_solved and abs(self._master.counts()[level] - self._goals[level]) > _EXACT:
                is_solved = self._master.generate(self._close_counts, budget)
        budget.report(f"Pricing loads: the score, over {len(self._master.problem.need):,} pairs")
        self._is_priced = self._master.generate(self._params.close, budget)

    @property
    def _close_counts(self) -> float:
        return float(self._params.close_count * self._master.bonus[-1])

    def _keep(self, level: int, goal: int, budget: Budget) -> None:
        """Keep a level at a goal, with the bound that the optimum with places only or the last solution gives."""
        before = tuple(self._goals)
        most = min(self._limits[level], self._shown.get(before, self._limits[level]))
        goal = min(goal, most)
        if goal < most and not budget.cancelled():
            most = max(min(self._counted(level), most), goal)
        self._shown[before] = most
        self._goals.append(goal)
        self._master.keep_level(level, goal, most)

    def _counted(self, level: int) -> int:
        """Return what no plan exceeds of a level that reaches the goals before it, by the prices of counts."""
        before = float(self._master.factors(level)[:level] @ np.array(self._goals[:level]))
        return int(np.floor(self._master.most_counted(level) - before + _EXACT))

    def _keep_reached(self, budget: Budget) -> None:
        """Where the plan reaches another number than a goal, bound later levels again, for plans that reach as much."""
        short = [level for level in range(_N_LEVELS) if self._values[level] != self._goals[level]]
        if short:
            self._keep_from(short[0], budget)

    def _keep_from(self, first: int, budget: Budget) -> None:
        reached = self._values
        for level in range(first, _N_LEVELS):
            self._master.open_level(level)
        # Later levels, and the score, are bounded for plans that meet as many of the first such level and no more.
        self._goals[first:] = [reached[first]]
        self._master.keep_level(first, reached[first], reached[first])
        for level in range(first + 1, _N_LEVELS):
            self._master.generate(self._close_counts, budget)
            self._keep(level, reached[level], budget)
        self._master.generate(self._params.close, budget)

    def _bound_score(self, budget: Budget) -> None:
        """Bound the score, for plans that meet as many needs as this one and no more."""
        self._keep_reached(budget)
        if self._goals != self._proved:
            for level in range(_N_LEVELS):
                self._master.keep_level(level, self._goals[level], self._goals[level])
            self._master.generate(self._params.close, budget)
        self._master.settled()
        self._shown[tuple(self._goals)] = self._most_score()

    def _most_by_prices(self) -> float:
        """Return the score that no plan exceeds that reaches the goals, in thousandths, by the prices alone."""
        return _MILLI * (self._master.bound.value - float(self._master.bonus @ np.array(self._goals)))

    def _most_score(self) -> int:
        """Return the score that no plan exceeds that reaches the goals, as far as the pairs in memory go."""
        known = self._shown.get(tuple(self._goals), np.inf)
        return int(np.floor(min(self._most_by_prices(), known, _MILLI * self._master.most_score) + 1e-3))

    # ---- plans ----

    def _improve(self, budget: Budget) -> None:
        """Find a better plan than the first."""
        budget.report(f"Choosing among {len(self._master.loads):,} loads")
        self._plan = from_restricted_master(self._master, self._plan, budget, self._params)
        self._search_around(budget)

    def _search_around(self, budget: Budget) -> None:
        most = as_reached((*self._proved, self._most_score()))
        if self._values != most and budget.remaining_s() > 0:
            budget.report("Searching neighbourhoods for a better plan")
            self._plan = searched_around(self._master, self._plan, most, budget, self._params)

    def _branch_on_packages(self, budget: Budget) -> None:
        """Bound counts again, with each package that the master meets in part met and not met in turn."""
        for level in range(_N_LEVELS):
            is_open = self._goals[level] < self._proved[level]
            if is_open and self._master.rows.n_packages and budget.remaining_s() > 0:
                budget.report(f"Proving how many {PRIORITY_LEVELS[level]} needs can be met")
                for later in range(level, _N_LEVELS):
                    self._master.open_level(later)
                most = self._most_with_packages(level, self._proved[level], budget)
                self._shown[tuple(self._goals[:level])] = most
                self._keep_from(level, budget)
        self._bound_score(budget)

    def _most_with_packages(self, level: int, most: int, budget: Budget) -> int:
        """Return what no plan exceeds of a level, by branch and bound (Land and Doig, Econometrica 28, 1960)."""
        if budget.remaining_s() <= 0:
            return most
        is_solved = self._master.generate(self._close_counts, budget)
        most = max(min(self._counted(level), most), self._goals[level])
        package = self._master.split_package() if is_solved and most > self._goals[level] else None
        if package is None:
            return most
        self._master.hold_package(package, least=0, most=0)
        found = self._most_with_packages(level, most, budget)
        if found < most:
            self._master.hold_package(package, least=1, most=1)
            found = max(found, self._most_with_packages(level, most, budget))
        self._master.hold_package(package, least=0, most=1)
        return found

    def _close_score(self, budget: Budget) -> None:
        """Close the gap of the score, or as much of it as loads can be listed for."""
        while budget.remaining_s() > 0 and self._most_score() > self._values[-1]:
            before, gap = self._plan, self._gap()
            within, choice = self._choice(gap / _MILLI)
            is_whole = self._closed(choice, within, budget)
            if not is_whole or list(self._values[:_N_LEVELS]) != self._goals:
                return
            if self._plan is before:
                if within * _MILLI < gap and self._goals == self._proved:
                    mixed = self._mixed_choice(gap / _MILLI)
                    if len(mixed.pairs) <= self._params.most_pairs:
                        self._closed(mixed, gap / _MILLI, budget)
                return

    def _close_levels(self, budget: Budget) -> None:
        """Search over all pairs, level by level."""
        problem = with_all_pairs(self._problem, self._oracle)
        self._plan, self._shown = closed_by_levels(problem, self._plan, self._shown, budget, self._params)
        if self._begun is None:
            self._problem = problem
        else:
            chosen = chosen_pairs(problem, self._plan)
            self._begun.grow(problem.need[chosen], problem.supporter[chosen], problem.value_milli[chosen])

    def _gap(self) -> float:
        """Return by how much a better plan could exceed this one, by the prices of which loads lose, in thousandths."""
        return self._most_by_prices() - self._values[-1]

    def _choice(self, gap: float) -> tuple[float, Choice]:
        """Return all loads whose loss is within the gap, or within as much as can be listed; before them, how much.

        That is 0 where not even those that lose nothing can be listed.
        """
        params, within = self._params, gap
        while True:
            loads, is_listed = self._master.loads_within(within, params.most_loads, params.most_loads)
            is_short = is_listed.all() or within * _MILLI < 1 / 2
            # Of the pairs that are not in memory, only those are asked for that can be listed.
            if is_short and not self._master.with_all_gaining(within):
                return within * is_listed.all(), Choice(self._with_plan(loads), np.zeros(0, dtype=np.intp))
            within /= 1 if is_short else 2

    def _mixed_choice(self, gap: float) -> Choice:
        """Return what could be in a better plan: the loads of supporters who have few, and the pairs of the others."""
        master, params = self._master, self._params
        master.with_all_gaining(gap)
        loads, is_listed = master.loads_within(gap, params.most_loads, params.most_loads_each)
        loss = master.bound.best.loss(master.offers, master.bound.gain, master.toll)
        chosen = np.isin(np.arange(len(loss)), chosen_pairs(master.problem, self._plan))
        supporter = master.problem.supporter
        pairs = np.flatnonzero(((loss <= gap) | chosen) & ~is_listed[supporter])
        own = master.loads_of(self._plan)
        own = own[is_listed[supporter[own[:, -1]]]]
        return Choice(np.unique(np.vstack([loads, own]), axis=0), pairs)

    def _with_plan(self, loads: Positions) -> Positions:
        return np.unique(np.vstack([loads, self._master.loads_of(self._plan)]), axis=0)

    def _closed(self, choice: Choice, within: float, budget: Budget) -> bool:
        """Solve one closing programme; return whether it was not cut short."""
        master = self._master
        columns = len(choice.loads) + len(choice.pairs)
        budget.report(f"Closing a gap of {self._gap() / _MILLI:.3f}: {columns:,} loads and pairs")
        found = closed(
            master.problem,
            master.rows,
            master.limits(),
            choice,
            master.problem.value_milli,
            budget,
            self._params,
            start=self._plan,
        )
        self._plan = better(master.problem, self._plan, found.supporter_of)
        # A plan that is not among these loads loses more than that, as far as the prices of the bound go.
        outside = self._most_by_prices() - _MILLI * within
        most = min(max(found.bound, outside), _MILLI * master.most_score)
        self._shown[tuple(self._goals)] = int(min(np.floor(most + 1e-3), self._shown.get(tuple(self._goals), np.inf)))
        return found.is_whole
