"""Linear programmes for HiGHS by its interior point method alone, which SciPy does not let one ask for.

SciPy has HiGHS go on from there to a corner of the best answers. That takes ten times as long, and prices from the
middle of the best ones are what a blend of loads wants: they settle in a few rounds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from matching.watch import Watch

Floats = NDArray[np.float64]

_RELAXED = {"solver": "ipm", "run_crossover": "off", "presolve": "off"}
# The solver looks at the clock now and then only: it is told to end a little before it has to.
_SOLVER_SHARE = 0.9


@dataclass(frozen=True)
class Model:
    """Columns from nothing to `at_most`, whose sums over rows lie between `least` and `most`, for the most `worth`.

    Attributes
    ----------
    worth, at_most : ndarray of float64
        By column.
    rows : sparse array
    least, most : ndarray of float64
        By row.
    """

    worth: Floats
    at_most: Floats
    rows: csc_array
    least: Floats
    most: Floats


@dataclass(frozen=True)
class Solved:
    """What HiGHS found: the columns, what they are worth, and by row what one more would be worth."""

    columns: Floats
    worth: float
    price: Floats


def relaxed(model: Model, watch: Watch) -> Solved | None:
    """The best of a model, columns split as they may be; None where there is no time for it."""
    left_s = watch.left_s()
    if left_s <= 0:
        watch.cut_short()
        return None
    # Loaded when it is first asked for: most plans need none of it.
    import highspy  # noqa: PLC0415

    solver = highspy.Highs()
    solver.silent()
    # One thread, and so the same answer whatever the number of cores.
    for name, value in {"threads": 1, "time_limit": _SOLVER_SHARE * left_s, **_RELAXED}.items():
        solver.setOptionValue(name, value)
    n_rows, n_columns = model.rows.shape
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = n_columns, n_rows
    programme.col_cost_, programme.col_lower_, programme.col_upper_ = -model.worth, np.zeros(n_columns), model.at_most
    programme.row_lower_, programme.row_upper_ = model.least, model.most
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_, programme.a_matrix_.index_ = model.rows.indptr, model.rows.indices
    programme.a_matrix_.value_ = model.rows.data
    solver.passModel(programme)
    if watch.within(solver.run) is None:
        return None
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kTimeLimit:
        watch.cut_short()
    if status != highspy.HighsModelStatus.kOptimal:
        return None
    answer = solver.getSolution()
    columns = np.array(answer.col_value)
    return Solved(columns, float(model.worth @ columns), -np.array(answer.row_dual))
