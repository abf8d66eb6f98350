"""`s2s triage`: schools in challenging circumstances, and needs to propose."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import typer

from matching.commands.files import check_directory, check_used, opened
from matching.commands.terminal import print_notices
from matching.errors import DataError, Problem, counted
from matching.inputs.read import read_schools
from matching.inputs.triage import read_attainment, suggested_needs, triage, triage_as_text
from matching.plan.directories import write_directory
from matching.tables.csv_out import csv_bytes

TRIAGE_MARK = "triage.csv"


def list_schools(
    paths: Mapping[str, Path | None], local_authority: str | None, as_at: datetime | None, out: Path
) -> None:
    """Write the schools in challenging circumstances and the needs they suggest, and print how many there are.

    Parameters
    ----------
    paths : mapping of str to Path or None
        `gias` or `schools`, and where given `ofsted`, `links` and `attainment`.

    Raises
    ------
    DataError
        Both or neither of `gias` and `schools` were given, or a file cannot be read or written.
    """
    if (paths["gias"] is None) == (paths["schools"] is None):
        message, fix = "Give one of --gias and --schools.", "Both hold the schools."
        raise DataError([Problem("s2s triage", None, "", "", message, fix)])
    check_directory(out, mark=TRIAGE_MARK)
    sources = opened(paths)
    check_used(sources, {"ofsted": "schools", "links": "schools"})
    source = sources.get("gias") or sources["schools"]
    frame = read_schools(source, ofsted=sources.get("ofsted"), links=sources.get("links"))
    results = read_attainment(sources["attainment"]) if "attainment" in sources else None
    day = as_at.date() if as_at else date.today()
    listed = triage(frame, as_at=day, attainment=results, local_authority=local_authority)
    needs = suggested_needs(listed)
    files = {"triage.csv": csv_bytes(triage_as_text(listed)), "needs.csv": csv_bytes(needs)}
    write_directory(out, files, mark=TRIAGE_MARK)
    typer.echo(
        f"Listed: {counted(len(listed), 'school')} of {len(frame):,}. Proposed: {counted(len(needs), 'need')}. "
        f"Written to {out}. These are suggestions: edit them, and keep the needs that are right."
    )
    for rule, count in listed["rule"].value_counts(sort=False).items():
        typer.echo(f"{count:,} listed mainly for: {rule}.")
    print_notices(results.notices if results else ())
