"""`s2s accreditation`: supporters who gain or lose accreditation when school grades change."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd
import typer

from matching.accreditation import CHANGES, changes, due_for_review, judge, touched
from matching.commands.files import check_used
from matching.commands.terminal import print_due_for_review, print_json, print_notices
from matching.inputs.read import read_people, read_schools
from matching.library.frames import sources_of
from matching.plan.on_disk import read_directory

_ADDITIONS = {"ofsted": "schools", "ofsted_new": "schools_new"}


def list_changes(
    before: Mapping[str, Path | None],
    after: Mapping[str, Path | None],
    plan: Path | None,
    as_at: datetime | None,
    *,
    as_json: bool,
) -> None:
    """Print each supporter whose accreditation changes, the deployments that this affects, and checks due for review.

    Parameters
    ----------
    before, after : mapping of str to Path or None
        `schools` as they were and as they are now, each with `ofsted` where given; the earlier ones also with
        `supporters`, `accreditation`, `links` and `columns`, which say how the newer ones are read too.
    """
    sources, newer = sources_of(before), sources_of(after)
    check_used({**sources, **{f"{name}_new": source for name, source in newer.items()}}, _ADDITIONS)
    inputs = read_people(sources, as_at=as_at.date() if as_at else None)
    now = read_schools(
        newer["schools"], ofsted=newer.get("ofsted"), links=sources.get("links"), columns=sources.get("columns")
    )
    regraded = _with_rows(changes(inputs, now), inputs.supporters, "supporter_id")
    due = due_for_review(inputs, judge(inputs))
    affected = None
    if plan is not None:
        deployments = read_directory(plan).plan.deployments
        rows = deployments.assign(row=range(2, len(deployments) + 2))
        affected = _with_rows(touched(regraded, deployments, inputs.schools, now), rows, "need_id")
    if as_json:
        print_json(
            "accreditation",
            problems=(),
            changes=regraded,
            deployments=affected,
            due_for_review=due,
            notices=inputs.notices,
        )
        return
    for one in regraded[regraded["change"] != ""].to_dict("records"):
        why = f" ({one['reason']})" if one["reason"] else ""
        grades = f"'{one['grade_before'] or 'no grade'}' before, '{one['grade_after'] or 'no grade'}' now"
        who = f"{one['supporter_id']} ({one['designation']}, {inputs.files['supporters'].name} row {one['row']})"
        typer.echo(f"{who} is {CHANGES[one['change']]}{why}: {one['school_name']}, {grades}.")
    changed = regraded["change"].value_counts()
    counts = ", ".join(f"{changed.get(kind, 0):,} {words}" for kind, words in CHANGES.items())
    typer.echo(f"Supporters whose home school's grade changed: {len(regraded):,}; {counts}.")
    if affected is not None:
        for one in affected.to_dict("records"):
            need = f"Need {one['need_id']} ({one['focus']}, {one['school_name']})"
            typer.echo(f"{need}, plan.csv row {one['row']}: {one['reason']}.")
        typer.echo(f"Deployments affected: {len(affected):,}.")
    print_notices(inputs.notices)
    print_due_for_review(due)


def _with_rows(found: pd.DataFrame, table: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return what was found with the row of each in its table."""
    return found.merge(table[["row", key]], on=key, how="left")
