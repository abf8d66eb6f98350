"""Linear and integer programmes for HiGHS, which stop within a second of a cancellation or of the time limit.

A linear programme is kept between solves, so that the simplex method goes on from its last basis (warm start). HiGHS
can be interrupted there, but not for seconds at a time inside the root node of an integer programme: a large one is
solved in a process of its own (`python mip_worker.py`), which is ended when the time is up, and sends plans and bounds
as it finds them. One thread everywhere, and no time limits inside HiGHS: an answer that neither time nor memory cuts
short is always the same.
"""

import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array

from matching.solve import mip_worker
from matching.solve.budget import Budget
from matching.solve.params import ProgrammesParams
from matching.solve.problem import Floats

if TYPE_CHECKING:
    import highspy

_POLL_EVERY_S = 0.05
_NO_LIMIT = 2**31 - 1
_DUAL, _PRIMAL = 1, 4


class LinearProgramme:
    """A linear programme that grows by columns, solved by the simplex method from its last basis.

    Where very many columns are new, that basis is far from the best, and an interior point with crossover is sooner
    there: it takes over after a number of simplex steps, and begins while many of the columns are new.

    Parameters
    ----------
    least, most : ndarray of float64
        By row: what the sum over the columns may be.
    """

    def __init__(self, least: Floats, most: Floats, params: ProgrammesParams) -> None:
        # Loaded when it is first needed: most plans need none of it.
        import highspy  # noqa: PLC0415

        self._solver = highspy.Highs()
        self._solver.silent()
        for name, value in {"threads": 1, "presolve": "off", "solver": "simplex"}.items():
            self._solver.setOptionValue(name, value)
        self._solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        none = np.zeros(0, dtype=np.int32)
        self._solver.addRows(len(least), least, most, 0, np.zeros(len(least), dtype=np.int32), none, np.zeros(0))
        self._is_optimal = highspy.HighsModelStatus.kOptimal
        self._has_too_many_steps = highspy.HighsModelStatus.kIterationLimit
        self._budget: Budget | None = None
        self._params = params
        self._solver.cbSimplexInterrupt += self._interrupt
        self._solver.cbIpmInterrupt += self._interrupt
        self._n_new, self._has_changed, self._is_far = 0, True, False
        self._basis: highspy.HighsBasis | None = None
        self.columns = self.duals = np.zeros(0)
        self.value = 0.0

    @property
    def n_columns(self) -> int:
        """The number of its columns."""
        return int(self._solver.getNumCol())

    def add_columns(self, value: Floats, at_most: Floats, cells: csc_array) -> None:
        """Add columns; `cells` has a row for each row of the programme."""
        start, index = cells.indptr[:-1].astype(np.int32), cells.indices.astype(np.int32)
        count = len(value)
        self._n_new += count
        self._solver.addCols(count, value, np.zeros(count), at_most, cells.nnz, start, index, cells.data)

    def duals_of(self, value: Floats) -> Floats:
        """Return the duals of the rows at the last basis for other values of the columns."""
        _, basic = self._solver.getBasicVariables()
        # A basic row has no value; its number is negative.
        _, duals = self._solver.getBasisTransposeSolve(np.where(basic >= 0, value[np.maximum(basic, 0)], 0.0))
        return np.array(duals)

    def change_value(self, column: int, value: float) -> None:
        """Change the value of a column."""
        self._solver.changeColCost(column, value)
        self._has_changed = True

    def bound_column(self, column: int, most: float) -> None:
        """Change the most that a column may be; the least stays 0."""
        self._solver.changeColBounds(column, 0.0, most)
        self._has_changed = True

    def change_row(self, row: int, least: float, most: float) -> None:
        """Change what the sum of a row may be."""
        self._solver.changeRowBounds(row, least, most)
        self._has_changed = True

    def solve(self, budget: Budget) -> bool:
        """Solve it, and keep `columns`, the `value` and the `duals` of its rows; False where that was cut short.

        Then it is as it was after the solve before, without the columns that were added since.
        """
        solver, self._n_new, n_new = self._solver, 0, self._n_new
        if budget.remaining_s() <= 0:
            budget.cut_short()
            self._go_back(n_new)
            return False
        self._budget = budget
        params = self._params
        if not (self._is_far and n_new > params.many_new * solver.getNumCol()):
            most_steps = max(params.few_steps, int(params.steps_per_row * solver.getNumRow()))
            # With a few more columns the last basis is still feasible, and a few primal steps from the best.
            is_near = not self._has_changed and n_new <= params.few_new * solver.getNumCol()
            solver.setOptionValue("simplex_strategy", _PRIMAL if is_near else _DUAL)
            solver.setOptionValue("simplex_iteration_limit", most_steps)
            solver.run()
            self._is_far = solver.getModelStatus() == self._has_too_many_steps
        if self._is_far:
            solver.setOptionValue("simplex_iteration_limit", _NO_LIMIT)
            solver.setOptionValue("solver", "ipm")
            solver.clearSolver()
            solver.run()
            solver.setOptionValue("solver", "simplex")
        if solver.getModelStatus() != self._is_optimal:
            budget.cut_short()
            self._go_back(n_new)
            return False
        self._has_changed = False
        self._basis = solver.getBasis()
        answer = solver.getSolution()
        self.columns, self.duals = np.array(answer.col_value), np.array(answer.row_dual)
        self.value = float(solver.getInfo().objective_function_value)
        return True

    def _go_back(self, n_new: int) -> None:
        if self._basis is None:
            self._n_new = n_new
            return
        end = self._solver.getNumCol()
        self._solver.deleteCols(n_new, np.arange(end - n_new, end, dtype=np.int32))
        self._solver.setBasis(self._basis)

    def _interrupt(self, event: "highspy.HighsCallbackEvent") -> None:
        # HiGHS remembers an interruption: with no word to the contrary, every later solve would end at once.
        event.interrupt(self._budget is not None and self._budget.remaining_s() <= 0)


def most_in_whole(
    value: Floats,
    rows: csc_array,
    least: Floats,
    most: Floats,
    budget: Budget,
    params: ProgrammesParams,
    *,
    start: Floats | None = None,
    nodes: int = 0,
) -> mip_worker.Answer:
    """Return columns of 0 or 1 of the most value, whose sums over rows lie within limits.

    Parameters
    ----------
    value : ndarray of float64
        By column.
    least, most : ndarray of float64
        By row.
    start : ndarray of float64, optional
        Columns to begin with, which keep every row.
    nodes : int
        The most nodes of the search tree; 0 for no limit.
    """
    if budget.remaining_s() <= 0:
        budget.cut_short()
        return mip_worker.Answer(start, np.inf, False)
    if not len(value):
        is_sound = ((least <= 0) & (most >= 0)).all()
        return mip_worker.Answer(value if is_sound else None, 0.0 if is_sound else -np.inf, True)
    cells = (rows.shape, rows.indptr, rows.indices, rows.data)
    task = mip_worker.Task(value, *cells, least, most, start, nodes, params.worker_mb)
    answers: list[mip_worker.Answer] = []
    if len(value) <= params.columns_here:
        mip_worker.solve(task, answers.append, lambda: budget.remaining_s() <= 0)
    else:
        _elsewhere(task, answers, budget)
    columns = next((one.columns for one in reversed(answers) if one.columns is not None), start)
    is_whole = bool(answers) and answers[-1].is_whole
    if not is_whole:
        budget.cut_short()
    return mip_worker.Answer(columns, min((one.bound for one in answers), default=np.inf), is_whole)


def _elsewhere(task: mip_worker.Task, answers: list[mip_worker.Answer], budget: Budget) -> None:
    """Solve a programme in a process of its own, which ends with the budget."""
    command = [sys.executable, str(Path(mip_worker.__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        reading = threading.Thread(target=_read, args=(worker.stdout, answers), daemon=True)
        reading.start()
        try:
            pickle.dump(tuple(task), worker.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            worker.stdin.close()
            while reading.is_alive() and budget.remaining_s() > 0:
                reading.join(_POLL_EVERY_S)
        except BrokenPipeError:  # it ended by itself, for want of memory: what it has sent stands
            pass
        finally:
            worker.kill()
            reading.join()


def _read(stream: IO[bytes], answers: list[mip_worker.Answer]) -> None:
    """Collect answers until the other process ends."""
    while True:
        try:
            answers.append(mip_worker.Answer(*pickle.load(stream)))
        except (EOFError, pickle.UnpicklingError):
            return
