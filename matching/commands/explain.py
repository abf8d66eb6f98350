"""`s2s explain`: why a need has its supporter, and why not another."""

from pathlib import Path

import typer

from matching.commands.files import inputs_of
from matching.pairs.market import open_market
from matching.plan.on_disk import read_directory
from matching.whatif.explain import explain_need, explain_pair


def explain_plan(plan_dir: Path, need: str, supporter: str | None) -> None:
    """Print the explanation of one need of a plan, or of one need and one supporter."""
    saved = read_directory(plan_dir)
    market = open_market(inputs_of(saved))
    if supporter is None:
        answer = explain_need(market, saved.plan, need)
    else:
        answer = explain_pair(market, saved.plan, need, supporter)
    typer.echo(answer.headline)
    for sentence in answer.sentences:
        typer.echo(sentence)
    if len(answer.candidates):
        typer.echo("\nEligible supporters, best score first:")
        typer.echo(answer.candidates.to_string(index=False))
