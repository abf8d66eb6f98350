"""`s2s verify`: an independent check of a saved plan."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import typer

from matching.audit.verify import sources_for, verify
from matching.commands.files import read_round
from matching.commands.terminal import ANSWER_IS_NO, print_json, progress
from matching.errors import counted
from matching.plan.on_disk import read_directory
from matching.tables.files import Source


def verify_plan(plan_dir: Path, given: Mapping[str, Source], time_limit_s: float, *, as_json: bool) -> None:
    """Print every fault of a plan, or what was found to hold; a plan with a fault ends in exit code 3."""
    saved = read_directory(plan_dir)
    inputs = read_round(sources_for(saved, given), saved.as_at, saved.columns)
    with progress() as show:
        show("Verifying")
        verification = verify(saved, inputs, time_limit_s=time_limit_s)
    if as_json:
        print_json("verify", problems=(), holds=not verification.faults, **asdict(verification))
        raise typer.Exit(ANSWER_IS_NO if verification.faults else 0)
    for fault in verification.faults:
        typer.echo(fault, err=True)
    if verification.faults:
        typer.echo(f"The plan does not hold: {counted(len(verification.faults), 'fault')}.", err=True)
        raise typer.Exit(ANSWER_IS_NO)
    for finding in (*verification.findings, *verification.wording):
        typer.echo(finding)
    typer.echo("The plan holds.")
