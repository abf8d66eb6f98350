"""Programmes for HiGHS itself, where SciPy does not let one ask for what is wanted of it.

For a relaxation that is the interior point method alone. SciPy has HiGHS go on from there to a corner of the best
answers, which takes ten times as long, and prices from the middle of the best ones are what a blend of loads wants:
they settle in a few rounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array

from matching.solve.arrays import Floats
from matching.solve.budget import Budget

if TYPE_CHECKING:
    import highspy


# Names of `highspy.HighsModelStatus`, which is loaded late.
_SOLVED, _INFEASIBLE = "kOptimal", "kInfeasible"
_BOUNDED = (_SOLVED, "kTimeLimit", "kInterrupt")
_RELAXED = {"solver": "ipm", "run_crossover": "off", "presolve": "off"}
_IN_WHOLE = {"mip_rel_gap": 0.0, "presolve": "off"}
# The solver looks at the clock now and then only: it is told to end a little before it has to.
_SOLVER_SHARE = 0.9


@dataclass(frozen=True)
class Model:
    """Columns from nothing to `at_most`, whose sums over rows lie between `least` and `most`, for the most `worth`.

    Attributes
    ----------
    worth, at_most : ndarray of float64
        By column.
    least, most : ndarray of float64
        By row.
    """

    worth: Floats
    at_most: Floats
    rows: csc_array
    least: Floats
    most: Floats


@dataclass(frozen=True)
class Relaxed:
    """What HiGHS found: the columns, what they are worth, and by row what one more would be worth."""

    columns: Floats
    worth: float
    price: Floats


def relaxed(model: Model, budget: Budget) -> Relaxed | None:
    """The best of a model, columns split as they may be; None where there is no time for it."""
    solver = _ran(model, _RELAXED, budget)
    if solver is None or solver.getModelStatus().name != _SOLVED:
        return None
    answer = solver.getSolution()
    columns = np.array(answer.col_value)
    return Relaxed(columns, float(model.worth @ columns), -np.array(answer.row_dual))


def most_in_whole(model: Model, enough: float, budget: Budget) -> float:
    """What no columns in whole numbers are worth more than.

    It is enough to know that none are worth `enough`: then the search ends. Models in which many columns are as good as
    each other are not presolved, which would take longer than all the rest.
    """
    solver = _ran(model, _IN_WHOLE, budget, enough)
    if solver is None:
        return np.inf
    status, info = solver.getModelStatus().name, solver.getInfo()
    if status == _INFEASIBLE:
        return -np.inf
    return -float(info.mip_dual_bound) if info.valid and status in _BOUNDED else np.inf


def _ran(
    model: Model, options: Mapping[str, object], budget: Budget, enough: float | None = None
) -> "highspy.Highs | None":
    """HiGHS after it has worked at a model, in whole numbers where something is enough; None where it was stopped."""
    remaining_s = budget.remaining_s()
    if remaining_s <= 0:
        budget.cut_short()
        return None
    # Loaded when it is first asked for: most plans need none of it.
    import highspy  # noqa: PLC0415

    solver = highspy.Highs()
    solver.silent()
    # One thread, and so the same answer whatever the number of cores.
    for name, value in {"threads": 1, "time_limit": _SOLVER_SHARE * remaining_s, **options}.items():
        solver.setOptionValue(name, value)
    n_rows, n_columns = model.rows.shape
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = n_columns, n_rows
    programme.col_cost_, programme.col_lower_, programme.col_upper_ = -model.worth, np.zeros(n_columns), model.at_most
    programme.row_lower_, programme.row_upper_ = model.least, model.most
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_, programme.a_matrix_.index_ = model.rows.indptr, model.rows.indices
    programme.a_matrix_.value_ = model.rows.data
    if enough is not None:
        programme.integrality_ = [highspy.HighsVarType.kInteger] * n_columns
        solver.cbMipInterrupt += lambda event: _interrupt(event, budget, enough)
    solver.passModel(programme)
    if budget.within(solver.run) is None:
        return None
    if solver.getModelStatus() == highspy.HighsModelStatus.kTimeLimit:
        budget.cut_short()
    return solver


def _interrupt(event: "highspy.HighsCallbackEvent", budget: Budget, enough: float) -> None:
    """End a search that no one waits for any more, or that has shown enough."""
    if budget.remaining_s() <= 0 or -event.data_out.mip_dual_bound < enough:
        event.interrupt()
