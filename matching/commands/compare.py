"""`s2s compare`: two plans side by side."""

from pathlib import Path

from matching.commands.files import check_ending, check_json_alone, inputs_of, say, write_table
from matching.commands.terminal import print_json
from matching.library.frames import numeric
from matching.plan.compare import FIGURES, SCORES, compare
from matching.plan.equity import TOTAL
from matching.plan.on_disk import SavedPlan, read_directory

_NUMBERS = ("score_before", "distance_km_before", "score_after", "distance_km_after")


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
    if as_json:
        changes, sentences = numeric(found.changes), found.sentences()
        print_json(
            "compare", problems=(), sentences=sentences, levels=found.levels, changes=changes, workload=found.workload
        )
    else:
        for line in lines:
            say(line, out)
    if out is not None:
        write_table(out, found.changes, numbers=_NUMBERS)


def _mean_km(saved: SavedPlan) -> float | None:
    """Return the mean distance in equity.csv, which is quicker to read than the inputs; None without the file."""
    if saved.equity is None:
        return None
    mean = str(saved.equity.loc[saved.equity["by"] == TOTAL, "mean_distance_km"].iat[0])
    return float(mean) if mean else 0.0
