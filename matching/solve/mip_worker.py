"""Solve one integer programme with HiGHS: called by `highs`, or run as a process of its own that can be ended.

As a process it reads a task from standard input and writes answers to standard output, each as soon as it is found. It
imports nothing of this package, so that it starts quickly.
"""

import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Task(NamedTuple):
    """What `matching.solve.highs.most_in_whole` is given; its rows as the parts of a `csc_array`."""

    value: NDArray[np.float64]
    shape: tuple[int, int]
    start_of: NDArray[np.int32]
    row_of: NDArray[np.int32]
    cells: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]
    start: NDArray[np.float64] | None
    nodes: int
    most_mb: int


class Answer(NamedTuple):
    """What an integer programme has come to.

    Attributes
    ----------
    columns : ndarray of float64, optional
        The best so far; None without any, or where they are those of an earlier answer.
    bound : float
        What no columns exceed: infinite where nothing is known, minus infinity where there are none.
    is_whole : bool
        Whether the search is over and was not cut short.
    """

    columns: NDArray[np.float64] | None
    bound: float
    is_whole: bool


# Values are whole thousandths: a gap of less than one proves a plan.
_WHOLE = 0.98
# Names of `highspy.HighsModelStatus`.
_INFEASIBLE, _ENDED = "kInfeasible", ("kOptimal", "kSolutionLimit", "kIterationLimit")


def solve(task: Task, answer: Callable[[Answer], None], is_over: Callable[[], bool]) -> None:
    """Solve a task, and give answers as they are found; `is_over` is asked now and then whether to stop."""
    import highspy  # noqa: PLC0415 - loaded when it is first needed

    solver = highspy.Highs()
    solver.silent()
    options = {"threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": _WHOLE}
    if task.nodes:
        options["mip_max_nodes"] = task.nodes
    for name, value in options.items():
        solver.setOptionValue(name, value)
    n_rows, n_columns = task.shape
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = n_columns, n_rows
    programme.col_cost_, programme.col_lower_ = -task.value, np.zeros(n_columns)
    programme.col_upper_ = np.ones(n_columns)
    programme.row_lower_, programme.row_upper_ = task.least, task.most
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_, programme.a_matrix_.index_ = task.start_of, task.row_of
    programme.a_matrix_.value_ = task.cells
    programme.integrality_ = [highspy.HighsVarType.kInteger] * n_columns
    solver.passModel(programme)
    if task.start is not None:
        start = highspy.HighsSolution()
        start.col_value = task.start.tolist()
        solver.setSolution(start)

    known = np.inf

    def interrupt(event: "highspy.HighsCallbackEvent") -> None:
        nonlocal known
        # Reported as it falls, so that the bound is known when this process is ended.
        if (bound := -float(event.data_out.mip_dual_bound)) < known - 1:
            known = bound
            answer(Answer(None, bound, False))
        if is_over():
            event.interrupt()

    def improved(event: "highspy.HighsCallbackEvent") -> None:
        answer(Answer(np.array(event.data_out.mip_solution), -float(event.data_out.mip_dual_bound), False))

    solver.cbMipInterrupt += interrupt
    solver.cbMipImprovingSolution += improved
    solver.run()
    status, info = solver.getModelStatus().name, solver.getInfo()
    if status == _INFEASIBLE:
        answer(Answer(None, -np.inf, True))
    elif info.valid:
        columns = np.array(solver.getSolution().col_value) if np.isfinite(info.objective_function_value) else None
        answer(Answer(columns, -float(info.mip_dual_bound), status in _ENDED))


def main() -> None:
    """Solve the task on standard input."""
    out = sys.stdout.buffer

    def send(answer: Answer) -> None:
        pickle.dump(tuple(answer), out, protocol=pickle.HIGHEST_PROTOCOL)
        out.flush()

    task = Task(*pickle.load(sys.stdin.buffer))
    import highspy  # noqa: PLC0415, F401 - before memory is limited

    # If memory runs out, the answers sent so far are used.
    with suppress(MemoryError):
        solve(task, send, _outgrown(task.most_mb))


def _outgrown(most_mb: int) -> Callable[[], bool]:
    """Return a function that reports whether this process has used more memory than this; always False on Windows.

    One step of the search may need far more, so Linux is asked to refuse anything above 1.6 times as much. That limit
    includes memory that is reserved but not yet used.
    """
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return lambda: False
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = most_mb * 8 // 5 * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    in_a_mb = 1024**2 if sys.platform == "darwin" else 1024
    return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > most_mb * in_a_mb


if __name__ == "__main__":
    main()
