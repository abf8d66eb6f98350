"""`s2s allocate` and `s2s demo`: the best plan, written whole or not at all."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import typer

from matching.allocation import allocate
from matching.commands.files import check_used, read_round
from matching.commands.terminal import print_notices, progress, stopped_by_interrupt
from matching.inputs.recognise import with_columns_named
from matching.plan.as_bytes import plan_files
from matching.plan.directories import write_directory
from matching.plan.write import Plan
from matching.tables.files import Source

_ENDED = {
    "": "The round is too large for the last step of a proof",
    "time limit": "Time ran out before it was proved the best",
    "solver": "The search for a proof ran out of memory or precision",
    "cancelled": "It was stopped before it was proved the best",
}


def write_best_plan(out: Path, sources: Mapping[str, Source], as_at: datetime | None, time_limit_s: float) -> bool:
    """Write the best plan of a round to a directory, print what it achieves, and return whether it is proved."""
    check_used(sources)
    with progress() as show:
        show("Reading the tables")
        inputs = read_round(with_columns_named(sources), as_at.date() if as_at else None).with_sound_contacts()
        with stopped_by_interrupt() as cancel:
            plan = allocate(inputs, time_limit_s=time_limit_s, progress=show, cancel=cancel)
            show("Writing the plan")
            write_directory(out, plan_files(plan, inputs))
    _print_summary(plan, out)
    return bool(plan.manifest["status"] == "optimal")


def _print_summary(plan: Plan, out: Path) -> None:
    manifest = plan.manifest
    counts = manifest["counts"]
    *counts_met, last = manifest["objective"]
    kept = last.get("kept_bonus", 0)
    score = f"score {round(last['value'] - kept, 3):,}" + (f", and {kept:,} for kept deployments" if kept else "")
    levels = ", ".join([*(f"{level['level']} {level['value']:,}" for level in counts_met), score])
    typer.echo(f"{counts['deployments']:,} of {counts['needs']:,} needs are met ({levels}); plan written to {out}.")
    if manifest["status"] == "optimal":
        typer.echo("Proved: no plan is better.")
    else:
        bounds = ", ".join(f"{level['level']} {level['bound']:,}" for level in manifest["objective"])
        bounds += " with what kept deployments add" if kept else ""
        typer.echo(f"{_ENDED[manifest['proof']['cut_short_by']]}; no plan can exceed {bounds}.")
    print_notices(manifest["notices"])
