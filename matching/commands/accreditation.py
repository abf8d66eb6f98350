"""`s2s accreditation`: supporters who gain or lose accreditation when school grades change."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import typer

from matching.accreditation import CHANGES, changes, touched
from matching.commands.files import check_used, opened
from matching.commands.terminal import print_notices
from matching.inputs.read import read_people, read_schools
from matching.plan.on_disk import read_directory

_ADDITIONS = {"ofsted": "schools", "ofsted_new": "schools_new"}


def list_changes(
    before: Mapping[str, Path | None], after: Mapping[str, Path | None], plan: Path | None, as_at: datetime | None
) -> None:
    """Print each supporter whose accreditation changes, and the deployments of a plan that this affects.

    Parameters
    ----------
    before, after : mapping of str to Path or None
        `schools` as they were and as they are now, each with `ofsted` where given; the earlier ones also with
        `supporters`, `accreditation` and `links`.
    """
    sources, newer = opened(before), opened(after)
    check_used({**sources, **{f"{name}_new": source for name, source in newer.items()}}, _ADDITIONS)
    inputs = read_people(sources, as_at=as_at.date() if as_at else None)
    now = read_schools(newer["schools"], ofsted=newer.get("ofsted"), links=sources.get("links"))
    regraded = changes(inputs, now)
    for row in regraded[regraded["change"] != ""].to_dict("records"):
        why = f" ({row['reason']})" if row["reason"] else ""
        grades = f"'{row['grade_before'] or 'no grade'}' before, '{row['grade_after'] or 'no grade'}' now"
        who = f"{row['supporter_id']} ({row['designation']})"
        typer.echo(f"{who} is {CHANGES[row['change']]}{why}: {row['school_name']}, {grades}.")
    changed = regraded["change"].value_counts()
    counts = ", ".join(f"{changed.get(kind, 0):,} {words}" for kind, words in CHANGES.items())
    typer.echo(f"Supporters whose home school's grade changed: {len(regraded):,}; {counts}.")
    if plan is not None:
        deployments = touched(regraded, read_directory(plan).plan.deployments)
        for row in deployments.to_dict("records"):
            need = f"Need {row['need_id']} ({row['focus']}, {row['school_name']})"
            typer.echo(f"{need} is served by {row['supporter_id']}.")
        typer.echo(f"Deployments affected: {len(deployments):,}.")
    print_notices(inputs.notices)
