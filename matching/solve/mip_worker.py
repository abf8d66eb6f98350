"""Solve one integer programme with HiGHS: called by `highs`, or run as a process of its own that can be ended.

As a process it reads a task from standard input and writes answers to standard output, each as soon as it is found. It
imports nothing of this package, so that it starts quickly.
"""

import pickle
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Task = dict[str, Any]
"""The arrays of a model and the options of `matching.solve.highs.most_in_whole`."""


class Answer(NamedTuple):
    """The best columns so far, None if they are those of an earlier answer; the bound; whether the search is over."""

    columns: NDArray[np.float64] | None
    bound: float
    is_last: bool


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
    if task["nodes"]:
        options["mip_max_nodes"] = task["nodes"]
    for name, value in options.items():
        solver.setOptionValue(name, value)
    n_rows, n_columns = task["shape"]
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = n_columns, n_rows
    programme.col_cost_, programme.col_lower_ = -task["value"], np.zeros(n_columns)
    programme.col_upper_ = task["at_most"]
    programme.row_lower_, programme.row_upper_ = task["least"], task["most"]
    programme.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    programme.a_matrix_.start_, programme.a_matrix_.index_ = task["start_of"], task["index"]
    programme.a_matrix_.value_ = task["cells"]
    programme.integrality_ = [highspy.HighsVarType.kInteger] * n_columns
    solver.passModel(programme)
    if task["start"] is not None:
        start = highspy.HighsSolution()
        start.col_value = task["start"].tolist()
        solver.setSolution(start)

    def interrupt(event: "highspy.HighsCallbackEvent") -> None:
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

    task: Task = pickle.load(sys.stdin.buffer)
    solve(task, send, lambda: _peak_mb() > task["most_mb"])


def _peak_mb() -> float:
    """Return the most memory that this process has used; 0 on Windows, which does not tell."""
    try:
        import resource  # noqa: PLC0415
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
