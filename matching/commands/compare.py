"""`s2s compare`: two plans side by side."""

from pathlib import Path

import typer

from matching.commands.files import write_one_file
from matching.plan.compare import FIGURES, compare
from matching.plan.on_disk import read_directory
from matching.tables.csv_out import csv_bytes


def compare_plans(before: Path, after: Path, out: Path | None) -> None:
    """Print how two plans differ, and write the needs that changed to `out` where it is given."""
    found = compare(read_directory(before).plan, read_directory(after).plan)
    levels = found.levels.replace({"level": FIGURES})
    typer.echo(levels.to_string(index=False, float_format="{:,.10g}".format))
    for sentence in found.sentences():
        typer.echo(sentence)
    for title, table in (("Needs served differently:", found.changes), ("Workload:", found.workload)):
        if len(table):
            typer.echo(f"\n{title}")
            typer.echo(table.to_string(index=False))
    if out is not None:
        write_one_file(out, csv_bytes(found.changes))
