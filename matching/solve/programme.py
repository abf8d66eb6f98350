"""The integer programme that every plan with days, packages or limits solves: its rows, and its best choice.

Model, over loads L of some supporters and pairs (i, j) of the others, binary::

    need i         sum over loads with i + sum_j x_ij       <= 1   (= y_p in a package p)
    supporter j    sum over loads of j                      <= 1,  or  sum_i x_ij <= places_j
                                                                  and  sum_i days_i x_ij <= days_j
    level k        needs of level k met                     within what is kept
    school s       visits of loads and of supporters        <= supporters that may come   (times y_p where all needs of
                                                                  the school are one package)
    home h         needs met by supporters of h             <= deployments left
    visit of j     x_ij                                     <= z_js where several needs of s could be j's

Column generation solves its linear relaxation over loads alone. Loads make that close; pairs keep the programme small
where a supporter has very many loads. Nobody comes for a package that is not met: in whole numbers the limit times y_p
says no more than the limit, but its relaxation is much closer (Nemhauser and Wolsey, Integer and Combinatorial
Optimization, 1988, I.1).

Guarantee: with every load whose loss at the prices of a bound is no more than the gap, its best plan is the best there
is (reduced cost fixing; Nemhauser and Wolsey, II.5). HiGHS is exact to less than a thousandth, and a plan is accepted
only if it keeps every rule in whole numbers.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array, hstack, vstack

from matching.solve.budget import Budget
from matching.solve.highs import most_in_whole
from matching.solve.params import ProgrammesParams
from matching.solve.problem import PRIORITY_LEVELS, UNMET, AssignmentProblem, Flags, Floats, Integers, Positions

_N_LEVELS = len(PRIORITY_LEVELS)


@dataclass(frozen=True)
class Rows:
    """The rows of the master, one after another: needs, supporters, levels, then schools and homes that could bind.

    Attributes
    ----------
    least, most : ndarray of float64
        By row.
    supporter_at, level_at, school_at, home_at : int
        The first row of each kind; needs come first.
    school, home : ndarray of intp
        By need its school, and by supporter the home school, as rows; -1 where no limit could bind.
    package : ndarray of intp
        By need: its package as a number from 0, or -1.
    package_row : ndarray of intp
        By package: the row of the school whose needs are all in it, or -1.
    package_visits : ndarray of float64
        By package: how many supporters may come there if it is met.
    by_places : ndarray of bool
        By supporter: whether only places limit them, so that a load takes as many of their places as it has needs. For
        them a single pair, or the pairs of one visit, can be a column, which is much easier to solve.
    """

    least: Floats
    most: Floats
    supporter_at: int
    level_at: int
    school_at: int
    home_at: int
    school: Positions
    home: Positions
    package: Positions
    package_row: Positions
    package_visits: Floats
    by_places: Flags

    @classmethod
    def of(cls, problem: AssignmentProblem, *, splits_visits: bool = False) -> "Rows":
        """Return the rows of a problem.

        With limits on schools, visits are columns of their own only in a large problem (`splits_visits`): the master is
        solved much sooner, and its bound is somewhat wider.
        """
        n_needs, n_people = len(problem.level), len(problem.places)
        school, home, package = (np.full(size, -1, dtype=np.intp) for size in (n_needs, n_people, n_needs))
        limits = [np.zeros(0), np.zeros(0)]
        side = problem.side_constraints
        if side is not None:
            asking = np.bincount(side.school, minlength=len(side.supporters_left))
            offering = np.bincount(side.home, weights=problem.places, minlength=len(side.deployments_left))
            binding = [np.flatnonzero(asking > side.supporters_left), np.flatnonzero(offering > side.deployments_left)]
            school, home = (_numbered(of, some) for of, some in zip((side.school, side.home), binding, strict=True))
            left = (side.supporters_left, side.deployments_left)
            limits = [one[some].astype(np.float64) for one, some in zip(left, binding, strict=True)]
            _, package[side.package >= 0] = np.unique(side.package[side.package >= 0], return_inverse=True)
        level_at = n_needs + n_people
        school_at = level_at + _N_LEVELS
        home_at = school_at + len(limits[0])
        most = np.concatenate([np.ones(level_at), np.full(_N_LEVELS, np.inf), *limits])
        least = np.full(len(most), -np.inf)
        packed = np.flatnonzero(package >= 0)
        least[packed] = most[packed] = 0
        by_places = np.isinf(problem.days_offered) & (splits_visits or bool((school < 0).all()))
        most[n_needs:level_at] = np.where(by_places, problem.places, 1)
        school, home = (np.where(of >= 0, at + of, -1) for of, at in ((school, school_at), (home, home_at)))
        package_row = _whole_schools(package, school)
        package_visits = np.where(package_row >= 0, most[package_row], 0.0)
        most[package_row[package_row >= 0]] = 0
        places = (n_needs, level_at, school_at, home_at)
        return cls(least, most, *places, school, home, package, package_row, package_visits, by_places)

    @property
    def n_packages(self) -> int:
        """The number of packages: the first columns of the master."""
        return int(self.package.max(initial=-1)) + 1

    def packages(self) -> csc_array:
        """Return a column for each package, which takes up its needs."""
        packed, whole = np.flatnonzero(self.package >= 0), np.flatnonzero(self.package_row >= 0)
        row, package = np.append(packed, self.package_row[whole]), np.append(self.package[packed], whole)
        taken = np.append(np.ones(len(packed)), self.package_visits[whole])
        return csc_array((-taken, (row, package)), shape=(len(self.most), self.n_packages))

    def visited(self, problem: AssignmentProblem) -> Positions:
        """Return by pair the row of the school that counts its visit, or -1."""
        pairs = np.arange(len(problem.need))
        return np.where(problem.already_visits(pairs), -1, self.school[problem.need])

    def cells(self, problem: AssignmentProblem, visited: Positions, loads: Positions) -> csc_array:
        """Return the columns of loads, which are pairs of the problem filled up in front with -1."""
        load, slot = np.nonzero(loads >= 0)
        pair = loads[load, slot]
        need, holder = problem.need[pair], problem.supporter[loads[:, -1]]
        home = self.home[holder][load]
        visit = np.unique(np.column_stack([visited[pair], load])[visited[pair] >= 0], axis=0)
        every = np.arange(len(loads))
        of_supporter = np.where(self.by_places[holder], (loads >= 0).sum(axis=1), 1)
        row = (need, self.supporter_at + holder, self.level_at + problem.level[need], visit[:, 0], home[home >= 0])
        column = (load, every, load, visit[:, 1], load[home >= 0])
        ones = np.ones(sum(map(len, row)))
        ones[len(need) : len(need) + len(loads)] = of_supporter
        cells = (ones, (np.concatenate(row), np.concatenate(column)))
        return csc_array(coo_array(cells, shape=(len(self.most), len(loads))))


def _whole_schools(package: Positions, school: Positions) -> Positions:
    """Return by package the row of its school where no other need counts its visits there, or -1."""
    row = np.full(int(package.max(initial=-1)) + 1, -1, dtype=np.intp)
    groups = np.unique(np.column_stack([school, package])[school >= 0], axis=0)
    _, first, count = np.unique(groups[:, 0], return_index=True, return_counts=True)
    alone = groups[first[count == 1]]
    alone = alone[alone[:, 1] >= 0]
    row[alone[:, 1]] = alone[:, 0]
    return row


def _numbered(of: Positions, some: Positions) -> Positions:
    """Return the place of each entry among some sorted numbers, or -1."""
    if not len(some):
        return np.full(len(of), -1, dtype=np.intp)
    place = np.minimum(np.searchsorted(some, of), len(some) - 1)
    return np.where(some[place] == of, place, -1)


@dataclass(frozen=True)
class Choice:
    """What a closing programme may choose: loads, and single pairs of other supporters, as pairs of the problem."""

    loads: Positions
    pairs: Positions


@dataclass(frozen=True)
class Limits:
    """What is kept by a programme: by row of the master, its sums."""

    least: Floats
    most: Floats


@dataclass(frozen=True)
class Closed:
    """The result of a closing programme.

    Attributes
    ----------
    supporter_of : ndarray of intp, optional
        By need; None where nothing was found.
    bound : float
        What no choice exceeds.
    is_whole : bool
        Whether the search was not cut short.
    """

    supporter_of: Positions | None
    bound: float
    is_whole: bool


def closed(
    problem: AssignmentProblem,
    rows: Rows,
    limits: Limits,
    choice: Choice,
    value: Integers,
    budget: Budget,
    params: ProgrammesParams,
    *,
    start: Positions | None = None,
    nodes: int = 0,
) -> Closed:
    """Return the best choice.

    Parameters
    ----------
    value : ndarray of int64
        By pair of the problem: what it counts.
    start : ndarray of intp, optional
        By need: a plan to begin with, of which every load or pair is in the choice.
    nodes : int
        As in `matching.solve.highs.most_in_whole`.
    """
    programme = _Programme.of(problem, rows, limits, choice)
    worth = programme.per_choice(value)
    worth = np.append(worth, np.zeros(programme.rows.shape[1] - len(worth)))
    begin = None if start is None else programme.columns_of(start)
    rules = programme.rows, programme.least, programme.most
    columns, bound, is_whole = most_in_whole(worth, *rules, budget, params, start=begin, nodes=nodes)
    return Closed(None if columns is None else programme.supporter_of(columns), bound, is_whole)


@dataclass(frozen=True)
class _Programme:
    """The rows of a closing programme: columns are loads, pairs, packages and visits."""

    problem: AssignmentProblem
    choice: Choice
    package: Positions
    visit: Positions
    rows: csc_array
    least: Floats
    most: Floats

    @classmethod
    def of(cls, problem: AssignmentProblem, rows: Rows, limits: Limits, choice: Choice) -> "_Programme":
        """Return the programme of a choice."""
        pairs = choice.pairs
        need, supporter = problem.need[pairs], problem.supporter[pairs]
        row = rows.visited(problem)
        visit, n_visits = _visits(row[pairs], supporter)
        by_pairs = np.zeros(len(problem.places), dtype=bool)
        by_pairs[supporter] = True
        most = limits.most.copy()
        at = slice(rows.supporter_at, rows.level_at)
        most[at] = np.where(by_pairs, problem.places, most[at])
        alone = row.copy()
        alone[pairs[visit >= 0]] = -1
        single = rows.cells(problem, alone, pairs[:, np.newaxis])
        if len(choice.loads):
            single = hstack([rows.cells(problem, row, choice.loads), single])
        n_loads = len(choice.loads)
        width = n_loads + len(pairs) + rows.n_packages + n_visits
        of_visit = np.zeros(n_visits, dtype=np.intp)
        of_visit[visit[visit >= 0]] = row[pairs][visit >= 0]
        visits = csc_array((np.ones(n_visits), (of_visit, np.arange(n_visits))), shape=(len(most), n_visits))
        blocks = [csr_array(hstack([single, rows.packages(), visits]))]
        limited = by_pairs & np.isfinite(problem.days_offered)
        unit = int(np.gcd.reduce(problem.days_asked)) or 1
        asked = np.where(limited[supporter], problem.days_asked[need] // unit, 0).astype(np.float64)
        column = n_loads + np.arange(len(pairs))
        blocks.append(csr_array((asked, (supporter, column)), shape=(len(problem.places), width)))
        days = np.where(limited, np.floor(np.where(limited, problem.days_offered, 0) / unit), np.inf)
        inside = np.flatnonzero(visit >= 0)
        ones, each = np.ones(len(inside)), np.arange(len(inside))
        at_visit = n_loads + len(pairs) + rows.n_packages + visit[inside]
        cells = (np.append(ones, -ones), (np.append(each, each), np.append(n_loads + inside, at_visit)))
        blocks.append(csr_array(coo_array(cells, shape=(len(inside), width))))
        least = np.concatenate([limits.least, np.full(len(days) + len(inside), -np.inf)])
        most = np.concatenate([most, days, np.zeros(len(inside))])
        matrix = csr_array(vstack(blocks))
        # Rows without columns still have to hold, as a level may ask for needs that no column meets.
        used = np.flatnonzero((np.diff(matrix.indptr) > 0) | (least > 0))
        return cls(problem, choice, rows.package, visit, csc_array(matrix[used]), least[used], most[used])

    def per_choice(self, value: Integers) -> Floats:
        """Return the value of each load and pair."""
        of_loads = np.where(self.choice.loads >= 0, value[self.choice.loads], 0).sum(axis=1)
        return np.append(of_loads, value[self.choice.pairs]).astype(np.float64)

    def supporter_of(self, columns: Floats) -> Positions:
        """Return by need its supporter."""
        n_loads = len(self.choice.loads)
        taken = self.choice.loads[columns[:n_loads] > 1 / 2]
        pairs = self.choice.pairs[columns[n_loads : n_loads + len(self.choice.pairs)] > 1 / 2]
        pairs = np.append(taken[taken >= 0], pairs)
        supporter_of = np.full(len(self.problem.level), UNMET, dtype=np.intp)
        supporter_of[self.problem.need[pairs]] = self.problem.supporter[pairs]
        return supporter_of

    def columns_of(self, supporter_of: Positions) -> Floats:
        """Return the columns of a plan that is among the choices."""
        problem, loads = self.problem, self.choice.loads
        chosen = supporter_of[problem.need] == problem.supporter
        held = np.bincount(problem.supporter[chosen], minlength=len(problem.places))
        is_held = np.where(loads >= 0, chosen[loads], True).all(axis=1) & (
            (loads >= 0).sum(axis=1) == held[problem.supporter[loads[:, -1]]]
        )
        of_pairs = chosen[self.choice.pairs]
        met = np.zeros(int(self.package.max(initial=-1)) + 1)
        met[self.package[(self.package >= 0) & (supporter_of != UNMET)]] = 1
        visits = np.zeros(int(self.visit.max(initial=-1)) + 1)
        visits[self.visit[of_pairs & (self.visit >= 0)]] = 1
        return np.concatenate([is_held, of_pairs, met, visits]).astype(np.float64)


def _visits(row: Positions, supporter: Positions) -> tuple[Positions, int]:
    """Return by pair the visit that several pairs of a supporter share, or -1, and the number of visits.

    `row` is the row of the school that counts the pair's visit, or -1.
    """
    visit = np.full(len(row), -1, dtype=np.intp)
    counted = np.flatnonzero(row >= 0)
    if not len(counted):
        return visit, 0
    code = row[counted] * (int(supporter.max()) + 1) + supporter[counted]
    _, group, sizes = np.unique(code, return_inverse=True, return_counts=True)
    number = np.full(len(sizes), -1, dtype=np.intp)
    number[sizes > 1] = np.arange(np.count_nonzero(sizes > 1))
    visit[counted] = number[group]
    return visit, int(np.count_nonzero(sizes > 1))
