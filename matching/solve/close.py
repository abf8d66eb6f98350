"""The closing integer programme, whose columns are loads, or pairs where a supporter has too many loads.

Model, over loads L of some supporters and pairs (i, j) of the others, binary::

    need i         sum over loads with i + sum_j x_ij       <= 1   (= y_p in a package p)
    supporter j    sum over loads of j                      <= 1,  or  sum_i x_ij <= places_j
                                                                  and  sum_i days_i x_ij <= days_j
    level k        needs of level k met                     within what is kept
    school s       visits of loads and of supporters        <= supporters that may come
    home h         needs met by supporters of h             <= deployments left
    visit of j     x_ij                                     <= z_js where several needs of s could be j's

It is the same programme as the master's, with fewer columns and in whole numbers. Loads make the linear relaxation
close; pairs keep it small where a supporter has very many loads.

Guarantee: with every load whose loss at the prices of a bound is no more than the gap, its best plan is the best there
is (reduced cost fixing; Nemhauser and Wolsey, Integer and Combinatorial Optimization, 1988, II.5). HiGHS is exact to
less than a thousandth, and a plan is accepted only if it keeps every rule in whole numbers.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array, hstack, vstack

from matching.solve.arrays import Floats, Integers, Positions
from matching.solve.budget import Budget
from matching.solve.column_generation import Rows
from matching.solve.highs import Model, most_in_whole
from matching.solve.problem import UNMET, AssignmentProblem


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
    *,
    here: int,
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
    here, nodes : int
        As in `matching.solve.highs.most_in_whole`.
    """
    programme = _Programme.of(problem, rows, limits, choice)
    worth = programme.per_choice(value)
    model = Model(
        np.concatenate([worth, np.zeros(programme.rows.shape[1] - len(worth))]),
        np.ones(programme.rows.shape[1]),
        programme.rows,
        programme.least,
        programme.most,
    )
    begin = None if start is None else programme.columns_of(start)
    answer = most_in_whole(model, budget, start=begin, nodes=nodes, here=here)
    supporter_of = None if answer.columns is None else programme.supporter_of(answer.columns)
    return Closed(supporter_of, answer.bound, answer.is_whole)


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
