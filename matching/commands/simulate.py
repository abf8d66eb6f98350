"""`s2s simulate`: made-up people and needs at real schools."""

from pathlib import Path

import typer

from matching.commands.files import check_directory
from matching.inputs.read import read_schools
from matching.inputs.simulation.simulate import simulate
from matching.plan.directories import write_directory
from matching.tables.csv_out import csv_bytes
from matching.tables.files import open_source

MADE_UP_MARK = "made-up.txt"


def write_made_up_tables(
    schools: Path, supporters: int, needs: int, *, seed: int, region: str | None, with_days: bool, out: Path
) -> None:
    """Write the tables of a made-up round; the same seed gives the same tables."""
    check_directory(out, mark=MADE_UP_MARK)
    tables = simulate(read_schools(open_source(schools)), supporters, needs, seed, region=region, with_days=with_days)
    summary = f"{supporters:,} made-up supporters and {needs:,} needs"
    files = {f"{name}.csv": csv_bytes(table) for name, table in tables.items()}
    files[MADE_UP_MARK] = f"{summary}, by s2s simulate --seed {seed}. No person in these tables is real.\n".encode()
    write_directory(out, files, mark=MADE_UP_MARK)
    typer.echo(f"{summary} written to {out}.")
