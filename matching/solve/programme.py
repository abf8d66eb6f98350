"""A component as an integer programme for HiGHS: columns are pairs; rows are days, places and side constraints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy  # loads `scipy.optimize` when it is first asked for: most plans need none of it
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, vstack

from matching.solve.arrays import Flags, Floats, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.problem import PRIORITY_LEVELS, AssignmentProblem, Reached, as_reached

# With side constraints or days, what a need of each level counts in the first search: a supporter seldom has more than
# three places, so that a need seldom displaces more than three of the next level.
LEVEL_FACTORS = (16, 4, 1)
# The solver looks at the clock now and then only: it is told to end a little before it has to.
_SOLVER_SHARE = 0.9
_TIME_IS_UP = 1


@dataclass(frozen=True)
class Programme:
    """The pairs of a component as columns, with the rows that any assignment of them keeps.

    Attributes
    ----------
    pair, need, supporter, level : ndarray of intp
        By pair: its position in the problem, its need and supporter as positions in the component, and its need's
        level.
    value_milli : ndarray of int64
        By pair.
    rows : sparse array
        Columns are the pairs, then one for each visit (a supporter at a school, where several of the school's needs
        could be theirs), then one for each package (whether it is met).
    least, most : ndarray of float64
        What the sum of a row may be.
    row_kind : ndarray of str
        By row, what it limits: `need`, `places`, `days`, `home`, `school`, `visit` or `package`.
    row_of : ndarray of intp
        By row, whose it is, as a position in the problem: the need, the supporter, the home school, the school; of a
        visit or a package, the need.
    visit : ndarray of intp
        By pair: its visit, or -1.
    package : ndarray of intp
        By pair: the package of its need, or -1.
    n_visits, n_packages : int
        How many columns there are of each kind.
    """

    pair: Positions
    need: Positions
    supporter: Positions
    level: Positions
    value_milli: Integers
    rows: csc_array
    least: Floats
    most: Floats
    row_kind: NDArray[np.str_]
    row_of: Positions
    visit: Positions
    n_visits: int
    package: Positions
    n_packages: int

    @property
    def worth(self) -> Integers:
        """By pair: large bonuses for the need's level, plus the pair's value.

        One need more at the same level is worth more than any score, and one of a higher level as much as several of
        the next. (With days, one need can displace any number of others, so that no bonus keeps the levels apart by
        itself.)
        """
        factors = np.asarray(LEVEL_FACTORS, dtype=np.int64)[self.level]
        worth: Integers = self.bonus_milli * factors + self.value_milli
        return worth

    @property
    def bonus_milli(self) -> int:
        """What a need of the last level counts in `worth`: more than any score."""
        return max(int(self.value_milli.max(initial=0)), 1000) * (int(self.need.max(initial=-1)) + 1) + 1

    def of(self, pairs: Positions) -> "Programme":
        """The same with some of the pairs."""
        beside = np.arange(len(self.pair), self.rows.shape[1])
        return replace(
            self,
            pair=self.pair[pairs],
            need=self.need[pairs],
            supporter=self.supporter[pairs],
            level=self.level[pairs],
            value_milli=self.value_milli[pairs],
            rows=csc_array(self.rows[:, np.concatenate([pairs, beside])]),
            visit=self.visit[pairs],
            package=self.package[pairs],
        )

    def pruned(self) -> "Programme":
        """The same without the visits that no pair is of, and without the rows that are empty then."""
        n_pairs, inside = len(self.pair), self.visit >= 0
        used, numbers = np.unique(self.visit[inside], return_inverse=True)
        visit = np.full(n_pairs, -1, dtype=np.intp)
        visit[inside] = numbers
        packages = n_pairs + self.n_visits + np.arange(self.n_packages)
        rows = csr_array(self.rows[:, np.concatenate([np.arange(n_pairs), n_pairs + used, packages])])
        some = np.flatnonzero(np.diff(rows.indptr))
        return replace(
            self,
            rows=csc_array(rows[some]),
            least=self.least[some],
            most=self.most[some],
            row_kind=self.row_kind[some],
            row_of=self.row_of[some],
            visit=visit,
            n_visits=len(used),
        )

    def count(self, level: int) -> Integers:
        """By pair: 1 where its need is of this level."""
        ones: Integers = (self.level == level).astype(np.int64)
        return ones

    def reached(self, chosen: Flags) -> Reached:
        """What a choice of pairs reaches at each level."""
        counts = np.bincount(self.level[chosen], minlength=len(LEVEL_FACTORS))
        return as_reached([*counts.tolist(), self.value_milli[chosen].sum()])

    def allows(self, chosen: Flags) -> bool:
        """Whether a choice of pairs keeps every row, in whole numbers."""
        visits, met = np.zeros(self.n_visits), np.zeros(self.n_packages)
        visits[self.visit[chosen & (self.visit >= 0)]] = 1
        met[self.package[chosen & (self.package >= 0)]] = 1
        sums = self.rows @ np.concatenate([chosen, visits, met])
        return bool((sums <= self.most).all() and (sums >= self.least).all())

    def ceiling(self, worth: Integers) -> int:
        """What no choice can be worth more than: the best pair of every need."""
        best = np.zeros(int(self.need.max(initial=-1)) + 1, dtype=np.int64)
        np.maximum.at(best, self.need, worth)
        return int(best.sum())


@dataclass(frozen=True)
class Kept:
    """A sum over pairs that an assignment keeps at least."""

    worth: Integers
    at_least: int


def worth_at(part: Programme, level: int) -> Integers:
    """By pair, what a level counts."""
    return part.count(level) if level < len(PRIORITY_LEVELS) else part.value_milli


def kept_at(part: Programme, counts: Sequence[int]) -> tuple[Kept, ...]:
    """Levels that keep at least so many needs met."""
    return tuple(Kept(part.count(level), count) for level, count in enumerate(counts))


def merit(programme: Programme, chosen: Flags, kept: Sequence[Kept]) -> tuple[bool, int]:
    """How good a start a choice is: whether it keeps what is kept, and what it is worth."""
    return all(one.worth[chosen].sum() >= one.at_least for one in kept), int(programme.worth[chosen].sum())


def programme_of(problem: AssignmentProblem, needs: Positions, supporters: Positions) -> Programme:
    """The programme of the needs and supporters of one component."""
    pair = np.flatnonzero(np.isin(problem.need, needs))
    need = np.searchsorted(needs, problem.need[pair])
    supporter = np.searchsorted(supporters, problem.supporter[pair])
    visit, n_visits = _visits(problem, pair)
    package, n_packages = _packages(problem, needs)
    width = len(pair) + n_visits + n_packages
    blocks = [
        _sums("need", needs, need, np.ones(len(pair)), np.ones(len(needs)), width),
        _sums(
            "places", supporters, supporter, np.ones(len(pair)), problem.places[supporters].astype(np.float64), width
        ),
        _days(problem, needs, supporters, need, supporter, width),
        *_ties(problem, pair, visit, n_visits, width),
    ]
    if n_packages:
        blocks.append(_whole_packages(needs, need, package, len(pair) + n_visits, width))
    return Programme(
        pair,
        need,
        supporter,
        problem.level[problem.need[pair]],
        problem.value_milli[pair],
        csc_array(vstack([block.rows for block in blocks])),
        np.concatenate([block.least for block in blocks]),
        np.concatenate([block.most for block in blocks]),
        np.repeat([block.kind for block in blocks], [len(block.most) for block in blocks]),
        np.concatenate([block.of for block in blocks]),
        visit,
        n_visits,
        package[need],
        n_packages,
    )


@dataclass(frozen=True)
class _Rows:
    kind: str
    of: Positions
    rows: csr_array
    least: Floats
    most: Floats


def _sums(kind: str, of: Positions, row: Positions, cells: Floats, most: Floats, width: int) -> _Rows:
    """Rows that sum the first columns; a column whose row is -1 is in none."""
    inside = np.flatnonzero(row >= 0)
    rows = csr_array((cells[inside], (row[inside], inside)), shape=(len(most), width))
    return _Rows(kind, of, rows, np.full(len(most), -np.inf), most)


def _days(
    problem: AssignmentProblem,
    needs: Positions,
    supporters: Positions,
    need: Positions,
    supporter: Positions,
    width: int,
) -> _Rows:
    limited = np.isfinite(problem.days_offered[supporters])
    # Whole numbers as small as they can be keep the solver's tolerances far from the truth.
    unit = int(np.gcd.reduce(problem.days_asked[needs])) or 1
    asked = problem.days_asked[needs][need] / unit
    most = np.where(limited, np.floor(problem.days_offered[supporters] / unit), 0.0)
    return _sums("days", supporters, np.where(limited[supporter], supporter, -1), asked, most, width)


def _ties(problem: AssignmentProblem, pair: Positions, visit: Positions, n_visits: int, width: int) -> Iterator[_Rows]:
    """No more supporters at a school, and no more deployments from a home school, than may be."""
    if problem.side_constraints is None or not len(pair):
        return
    side_constraints = problem.side_constraints
    homes, home = np.unique(side_constraints.home[problem.supporter[pair]], return_inverse=True)
    yield _sums(
        "home", homes, home, np.ones(len(pair)), side_constraints.deployments_left[homes].astype(np.float64), width
    )
    schools, school = np.unique(side_constraints.school[problem.need[pair]], return_inverse=True)
    comes_alone = (visit < 0) & ~problem.already_visits(pair)
    school_of_visit = np.full(n_visits, -1, dtype=np.intp)
    school_of_visit[visit[visit >= 0]] = school[visit >= 0]
    comers = np.concatenate([np.where(comes_alone, school, -1), school_of_visit])
    may_come = side_constraints.supporters_left[schools].astype(np.float64)
    yield _sums("school", schools, comers, np.ones(len(comers)), may_come, width)
    within = np.flatnonzero(visit >= 0)
    rows, ones = np.arange(len(within)), np.ones(len(within))
    matrix = coo_array(
        (np.append(ones, -ones), (np.append(rows, rows), np.append(within, len(pair) + visit[within]))),
        shape=(len(within), width),
    )
    of = problem.need[pair[within]]
    yield _Rows("visit", of, csr_array(matrix), np.full(len(within), -np.inf), np.zeros(len(within)))


def _visits(problem: AssignmentProblem, pair: Positions) -> tuple[Positions, int]:
    """By pair: which visit it belongs to, where a supporter could serve several needs of a school; and how many."""
    visit = np.full(len(pair), -1, dtype=np.intp)
    if problem.side_constraints is None or not len(pair):
        return visit, 0
    coming = np.flatnonzero(~problem.already_visits(pair))
    together = np.column_stack(
        [problem.side_constraints.school[problem.need[pair[coming]]], problem.supporter[pair[coming]]]
    )
    _, group, sizes = np.unique(together, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    shared = np.flatnonzero(sizes > 1)
    number = np.full(len(sizes), -1, dtype=np.intp)
    number[shared] = np.arange(len(shared))
    visit[coming] = number[group]
    return visit, len(shared)


def _packages(problem: AssignmentProblem, needs: Positions) -> tuple[Positions, int]:
    """By need of the component: its package as a number from 0, or -1; and how many there are."""
    package = np.full(len(needs), -1, dtype=np.intp)
    if problem.side_constraints is None:
        return package, 0
    inside = np.flatnonzero(problem.side_constraints.package[needs] >= 0)
    known, package[inside] = np.unique(problem.side_constraints.package[needs][inside], return_inverse=True)
    return package, len(known)


def _whole_packages(needs: Positions, need: Positions, package: Positions, first_column: int, width: int) -> _Rows:
    """A row for each need of a package: it is met just where the package is."""
    inside = np.flatnonzero(package >= 0)
    row_of = np.full(len(package), -1, dtype=np.intp)
    row_of[inside] = np.arange(len(inside))
    members = np.flatnonzero(row_of[need] >= 0)
    matrix = coo_array(
        (
            np.concatenate([np.ones(len(members)), -np.ones(len(inside))]),
            (
                np.concatenate([row_of[need[members]], np.arange(len(inside))]),
                np.concatenate([members, first_column + package[inside]]),
            ),
        ),
        shape=(len(inside), width),
    )
    return _Rows("package", needs[inside], csr_array(matrix), np.zeros(len(inside)), np.zeros(len(inside)))


def best_choice(
    programme: Programme,
    worth: Integers,
    kept: Sequence[Kept],
    fallback: Flags,
    budget: Budget,
    *,
    fixed: Flags | None = None,
) -> tuple[Flags, int]:
    """The choice of pairs that is worth most and keeps what is kept, and what no choice can be worth more than.

    Where the search is stopped before anything better than `fallback` is found, that stands. Pairs that are `fixed` are
    chosen in any case; the bound is then of such choices only.
    """
    ceiling = programme.ceiling(worth)
    result = _solved(programme, worth, kept, np.zeros(len(worth)) if fixed is None else fixed, budget)
    if result is None:
        return fallback, ceiling
    # Worths are whole: a bound a hair above a whole number is that number.
    bound = ceiling if result.mip_dual_bound is None else min(ceiling, int(np.floor(-result.mip_dual_bound + 1e-3)))
    if result.x is None:
        return fallback, bound
    found = result.x[: len(worth)] > 0.5
    keeps = programme.allows(found) and all(one.worth[found].sum() >= one.at_least for one in kept)
    if not keeps or worth[found].sum() < worth[fallback].sum():
        return fallback, bound
    return found, bound


def _solved(
    programme: Programme, worth: Integers, kept: Sequence[Kept], fixed: Floats | Flags, budget: Budget
) -> "scipy.optimize.OptimizeResult | None":
    """What HiGHS answers; None where it was stopped before it could."""
    remaining_s = budget.remaining_s()
    if remaining_s <= 0:
        budget.cut_short()
        return None
    beside = programme.rows.shape[1] - len(worth)
    constraints = [scipy.optimize.LinearConstraint(programme.rows, programme.least, programme.most)]
    constraints += [
        scipy.optimize.LinearConstraint(csr_array(_padded(one.worth, beside)[np.newaxis, :]), one.at_least, np.inf)
        for one in kept
    ]
    result = budget.within(
        lambda: scipy.optimize.milp(
            -_padded(worth, beside),
            constraints=constraints,
            # Visits and packages are whole by themselves where the pairs are.
            integrality=np.repeat([1, 0], [len(worth), beside]),
            bounds=scipy.optimize.Bounds(np.concatenate([fixed, np.zeros(beside)]), 1),
            options={"mip_rel_gap": 0, "time_limit": _SOLVER_SHARE * remaining_s},
        )
    )
    if result is not None and result.status == _TIME_IS_UP:
        budget.cut_short()
    return result


def _padded(cells: Integers, beside: int) -> Floats:
    return np.concatenate([cells.astype(np.float64), np.zeros(beside)])
