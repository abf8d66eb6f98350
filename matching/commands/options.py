"""The options that several commands share."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

Schools = Annotated[Path, typer.Option(help="Schools table (.csv or .xlsx), or a GIAS extract.")]
Supporters = Annotated[Path, typer.Option(help="Supporters table (.csv or .xlsx).")]
Needs = Annotated[Path, typer.Option(help="Needs table (.csv or .xlsx).")]
SchoolsGiven = Annotated[Path | None, typer.Option(help="Schools as given to allocate [default: the plan's own copy].")]
SupportersGiven = Annotated[Path | None, typer.Option(help="Supporters as given to allocate.")]
NeedsGiven = Annotated[Path | None, typer.Option(help="Needs as given to allocate.")]
Accreditation = Annotated[Path | None, typer.Option(help="Accreditation evidence (.csv or .xlsx).")]
Decisions = Annotated[Path | None, typer.Option(help="Earlier decisions (.csv or .xlsx).")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="Weights, limits and rules (.toml).")]
Baseline = Annotated[Path | None, typer.Option(help="Directory of an earlier plan, to change as little as possible.")]
Ofsted = Annotated[Path | None, typer.Option(help="Ofsted's management information, to go with a GIAS extract.")]
Links = Annotated[Path | None, typer.Option(help="GIAS links file: old URNs are read as their successors'.")]
Columns = Annotated[Path | None, typer.Option(help="columns.toml: your headers and the columns they stand for.")]
LeaveOut = Annotated[bool, typer.Option("--leave-out", help="Leave faulty rows out, and list them.")]
AsAt = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Day on which evidence and dates are judged [default: today]."),
]
TimeLimit = Annotated[
    float, typer.Option(min=0.1, help="Longest search, in seconds, where days, packages or limits on schools bind.")
]
PlanDir = Annotated[Path, typer.Argument(help="Directory of a plan.")]
PlanOut = Annotated[Path, typer.Option("--out", help="Directory to write the plan to.")]
