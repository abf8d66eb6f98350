"""`s2s compare`: two plans side by side."""

from pathlib import Path

import typer

from matching.commands.files import inputs_of, write_one_file
from matching.plan.compare import FIGURES, SCORES, compare
from matching.plan.equity import TOTAL
from matching.plan.on_disk import SavedPlan, read_directory
from matching.tables.csv_out import csv_bytes


def compare_plans(before: Path, after: Path, out: Path | None) -> None:
    """Print how two plans differ, and write the needs that changed to `out` where it is given."""
    first, second = read_directory(before), read_directory(after)
    means = [_mean_km(one) for one in (first, second)]
    found = compare(
        first.plan,
        second.plan,
        lambda: (inputs_of(first), inputs_of(second)),
        mean_km=None if None in means else (means[0] or 0.0, means[1] or 0.0),
    )
    levels = found.levels.replace({"level": SCORES | FIGURES})
    typer.echo(levels.to_string(index=False, float_format="{:,.10g}".format))
    for sentence in found.sentences():
        typer.echo(sentence)
    for title, table in (("Needs served differently:", found.changes), ("Workload:", found.workload)):
        if len(table):
            typer.echo(f"\n{title}")
            typer.echo(table.to_string(index=False))
    if out is not None:
        write_one_file(out, csv_bytes(found.changes))


def _mean_km(saved: SavedPlan) -> float | None:
    """Return the mean distance in equity.csv, which is quicker to read than the inputs; None without the file."""
    if saved.equity is None:
        return None
    mean = str(saved.equity.loc[saved.equity["by"] == TOTAL, "mean_distance_km"].iat[0])
    return float(mean) if mean else 0.0
