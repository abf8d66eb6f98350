"""`s2s compare`: two plans side by side."""

from pathlib import Path

import pandas as pd

from matching.commands.files import check_ending, check_json_alone, inputs_of, say, table_bytes, write_all
from matching.commands.terminal import print_json
from matching.library.frames import numeric
from matching.plan.compare import FIGURES, KEPT_BONUS, SCORES, compare
from matching.plan.equity import TOTAL
from matching.plan.on_disk import SavedPlan, read_directory


def compare_plans(before: Path, after: Path, out: Path | None, *, as_json: bool) -> None:
    """Print how two plans differ, and write the needs that changed to `out` where it is given."""
    if out is not None:
        check_ending(out)
    check_json_alone(out, as_json)
    first, second = read_directory(before), read_directory(after)
    means = [_mean_km(one) for one in (first, second)]
    found = compare(
        first.plan,
        second.plan,
        lambda: (inputs_of(first), inputs_of(second)),
        mean_km=None if None in means else (means[0] or 0.0, means[1] or 0.0),
    )
    levels = found.levels.replace({"level": SCORES | FIGURES})
    lines = [levels.to_string(index=False, float_format="{:,.10g}".format), *found.sentences()]
    for title, table in (("Needs served differently:", found.changes), ("Workload:", found.workload)):
        if len(table):
            lines += [f"\n{title}", table.to_string(index=False)]
    if out is not None:
        write_all({out: table_bytes(out, found.changes)})
    if as_json:
        changes, sentences = numeric(found.changes), found.sentences()
        print_json(
            "compare",
            problems=(),
            sentences=sentences,
            levels=_counted(found.levels),
            changes=changes,
            workload=found.workload,
        )
    else:
        for line in lines:
            say(line, out)


def _counted(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the levels with numbers of needs and people as whole numbers."""
    cells = levels.astype("object")
    is_count = ~levels["level"].isin([*SCORES, KEPT_BONUS, "mean_score", "mean_distance_km"])
    for column in ("before", "after", "difference"):
        cells.loc[is_count, column] = levels.loc[is_count, column].astype(int).astype("object")
    return cells


def _mean_km(saved: SavedPlan) -> float | None:
    """Return the mean distance in equity.csv, which is quicker to read than the inputs; None without the file."""
    if saved.equity is None:
        return None
    mean = str(saved.equity.loc[saved.equity["by"] == TOTAL, "mean_distance_km"].iat[0])
    return float(mean) if mean else 0.0
