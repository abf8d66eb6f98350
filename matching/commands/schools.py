"""`s2s schools`: a schools table from the official extract."""

from pathlib import Path

import typer

from matching.commands.files import opened, write_one_file
from matching.commands.terminal import print_notices
from matching.inputs.official.exclusions import left_out_counts
from matching.inputs.official.gias import read_official
from matching.tables.csv_out import csv_bytes
from matching.tables.table_reader import schools_as_text
from matching.tables.vocabulary import standard_vocabulary


def make_schools_table(gias: Path, ofsted: Path | None, links: Path | None, out: Path) -> None:
    """Write the open schools of a GIAS extract, and print how many were left out and why."""
    sources = opened({"gias": gias, "ofsted": ofsted, "links": links})
    official = read_official(
        sources["gias"], standard_vocabulary(), ofsted=sources.get("ofsted"), links=sources.get("links")
    )
    write_one_file(out, csv_bytes(schools_as_text(official.table.frame)))
    typer.echo(f"{len(official.table.frame):,} schools written to {out}.")
    for row in left_out_counts(official.left_out).itertuples():
        typer.echo(f"{row.count:,} left out: {row.reason}.")
    print_notices(official.notices[1:])
