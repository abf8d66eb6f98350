"""`s2s export`: a plan as it is handed over, in Excel, documents and letters."""

from datetime import date, datetime
from pathlib import Path

import typer

from matching.commands.files import check_directory, inputs_of
from matching.commands.terminal import print_notices
from matching.errors import counted
from matching.plan.as_bytes import excel_bytes
from matching.plan.directories import write_directory
from matching.plan.handover import files as handover
from matching.plan.handover.page import Occasion
from matching.plan.handover.remarks import without_remarks
from matching.plan.on_disk import read_directory

EXPORT_MARK = "plan.xlsx"


def export_plan(plan_dir: Path, out: Path, name: str, as_at: datetime | None, *, with_remarks: bool) -> None:
    """Write the files that the Hand over screen offers, to the byte.

    Parameters
    ----------
    name : str
        Of the round, as documents and letters state it.
    with_remarks : bool
        Whether workbook, documents and letters hold what was written about decisions.

    Raises
    ------
    DataError
        The plan cannot be read, or the directory cannot be written.
    """
    check_directory(out, mark=EXPORT_MARK)
    saved = read_directory(plan_dir)
    inputs = inputs_of(saved)
    shared = saved.plan if with_remarks else without_remarks(saved.plan, inputs)
    occasion = Occasion(name, as_at.date() if as_at else date.today())
    files = {
        EXPORT_MARK: excel_bytes(shared, equity=saved.equity),
        "plan-by-school.html": handover.plan_by_school_html(shared, inputs, occasion),
        "plan-by-supporter.html": handover.plan_by_supporter_html(shared, inputs, occasion),
        "letters-supporters.csv": handover.supporter_letters_csv(shared, inputs, occasion),
        "letters-schools.csv": handover.school_letters_csv(shared, inputs, occasion),
        "plan-ids.csv": handover.plan_identifiers_csv(saved.plan),
        "unmet-ids.csv": handover.unmet_identifiers_csv(saved.plan),
    }
    write_directory(out, files, mark=EXPORT_MARK)
    typer.echo(f"{counted(len(files), 'file')} written to {out}.")
    revealing = handover.identifiers_with_names(inputs)
    if revealing:
        words = counted(len(revealing), "identifier contains", "identifiers contain")
        print_notices([f"{words} part of the person's name, also in the files without names: {', '.join(revealing)}."])
