"""`s2s triage`: schools in challenging circumstances, and needs to propose."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import typer

from matching.commands.files import check_directory, check_used
from matching.commands.terminal import print_json, print_notices
from matching.errors import DataError, Problem, counted, file_problem
from matching.inputs.read import read_schools
from matching.inputs.triage import read_attainment, suggested_needs, triage, triage_as_text
from matching.library.frames import numeric, sources_of
from matching.plan.directories import write_directory
from matching.tables.csv_out import csv_bytes, spreadsheet_safe
from matching.tables.files import open_source, read_sheet

TRIAGE_MARK, NEEDS_FILE = "triage.csv", "needs.csv"


def list_schools(
    paths: Mapping[str, Path | None],
    places: Mapping[str, Collection[str]],
    as_at: datetime | None,
    out: Path,
    *,
    replace: bool,
    as_json: bool,
) -> None:
    """Write the schools in challenging circumstances and the needs they suggest, and print how many there are.

    Parameters
    ----------
    paths : mapping of str to Path or None
        `gias` or `schools`, and where given `ofsted`, `links`, `attainment` and `columns`.
    places : mapping of str to collection of str
        `local_authority` and `region`: only schools of one of each are listed, where any is given.
    replace : bool
        Whether a needs.csv that was edited may be replaced.

    Raises
    ------
    DataError
        Both or neither of `gias` and `schools` were given, a place is not known, a file cannot be read or written, or
        the needs there were edited.
    """
    if (paths["gias"] is None) == (paths["schools"] is None):
        message, fix = "Give one of --gias and --schools.", "Both hold the schools."
        raise DataError([Problem("s2s triage", None, "", "", message, fix)])
    check_directory(out, mark=TRIAGE_MARK)
    if not replace and _is_edited(out):
        message = "These needs were edited since they were proposed."
        fix = "Name a new directory, or give --replace to propose them again."
        raise DataError([file_problem(str(out / NEEDS_FILE), message, fix)])
    sources = sources_of(paths)
    check_used(sources, {"ofsted": "schools", "links": "schools"})
    source = sources.get("gias") or sources["schools"]
    frame = read_schools(
        source, ofsted=sources.get("ofsted"), links=sources.get("links"), columns=sources.get("columns")
    )
    results = read_attainment(sources["attainment"]) if "attainment" in sources else None
    day = as_at.date() if as_at else date.today()
    listed = triage(frame, as_at=day, attainment=results, **places)
    needs = suggested_needs(listed)
    files = {TRIAGE_MARK: csv_bytes(triage_as_text(listed).map(spreadsheet_safe)), NEEDS_FILE: csv_bytes(needs)}
    write_directory(out, files, mark=TRIAGE_MARK)
    notices = results.notices if results else ()
    if as_json:
        found = {"schools": len(frame), "listed": listed, "needs": numeric(needs)}
        print_json("triage", problems=(), directory=str(out), **found, notices=notices)
        return
    typer.echo(
        f"Listed: {counted(len(listed), 'school')} of {len(frame):,}. Proposed: {counted(len(needs), 'need')}. "
        f"Written to {out}. These are suggestions: edit them, and keep the needs that are right."
    )
    for rule, count in listed["rule"].value_counts(sort=False).items():
        typer.echo(f"{count:,} listed mainly for: {rule}.")
    print_notices(notices)


def _is_edited(out: Path) -> bool:
    """Return whether the needs in a directory are others than its list of schools proposes."""
    path = out / NEEDS_FILE
    if not path.exists():
        return False
    try:
        sheet = read_sheet(open_source(out / TRIAGE_MARK))
        listed = pd.DataFrame(dict(zip(sheet.header, sheet.columns, strict=True)), dtype="object")
        return csv_bytes(suggested_needs(listed)) != path.read_bytes()
    except (DataError, KeyError, OSError):
        # The list itself was edited.
        return True
