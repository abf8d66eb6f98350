"""`s2s explain`: why a need has its supporter, and why not another; or all needs as a table."""

from pathlib import Path

import pandas as pd
import typer

from matching.commands.files import STANDARD_OUTPUT, check_ending, inputs_of, table_bytes, write_all
from matching.commands.terminal import print_json, progress
from matching.errors import DataError, counted, file_problem
from matching.library.frames import numeric
from matching.pairs.market import open_market
from matching.plan.on_disk import read_directory
from matching.tables.csv_out import spreadsheet_safe
from matching.whatif.explain import explain_need, explain_pair

_ALL_COLUMNS = (
    *("need_id", "school_urn", "school_name", "focus", "priority", "state", "supporter_id", "supporter_name"),
    *("score", "eligible", "explanation"),
)


def explain_plan(plan_dir: Path, need: str | None, supporter: str | None, out: Path, *, as_json: bool) -> None:
    """Print the explanation of one need of a plan, or of one need and one supporter."""
    if need is None and supporter is not None:
        raise DataError([file_problem("--supporter", "This needs --need too.", "Name the need as well.")])
    if need is None:
        raise DataError([file_problem("s2s explain", "Give one of --need and --all.", "--all explains every need.")])
    if out != STANDARD_OUTPUT:
        fix = "Add --all, or remove --out."
        raise DataError([file_problem("--out", "Only --all writes a file.", fix)])
    saved = read_directory(plan_dir)
    market = open_market(inputs_of(saved))
    if supporter is None:
        answer = explain_need(market, saved.plan, need)
    else:
        answer = explain_pair(market, saved.plan, need, supporter)
    if as_json:
        found = {"need_id": need, "supporter_id": supporter, "headline": answer.headline}
        print_json("explain", problems=(), **found, sentences=answer.sentences, candidates=numeric(answer.candidates))
        return
    typer.echo(answer.headline)
    for sentence in answer.sentences:
        typer.echo(sentence)
    if len(answer.candidates):
        typer.echo("\nEligible supporters, best score first:")
        typer.echo(answer.candidates.to_string(index=False))


def explain_every_need(plan_dir: Path, need: str | None, supporter: str | None, out: Path, *, as_json: bool) -> None:
    """Write a table that explains every need of a plan, or print them as JSON with the eligible supporters."""
    ignored = [f"--{name}" for name, value in (("need", need), ("supporter", supporter)) if value is not None]
    if as_json and out != STANDARD_OUTPUT:
        ignored.append("--out")
    if ignored:
        others = f"--all{' --json' if as_json else ''}"
        raise DataError(
            file_problem(name, f"This cannot be used with {others}.", "Remove one of them.") for name in ignored
        )
    check_ending(out)
    saved = read_directory(plan_dir)
    inputs = inputs_of(saved)
    market = open_market(inputs)
    with progress() as show:
        show("Explaining every need")
        answers = {need_id: explain_need(market, saved.plan, need_id) for need_id in inputs.all_needs["need_id"]}
    if as_json:
        needs = [
            {
                "need_id": need_id,
                "headline": answer.headline,
                "sentences": answer.sentences,
                "candidates": numeric(answer.candidates),
            }
            for need_id, answer in answers.items()
        ]
        print_json("explain", problems=(), needs=needs)
        return
    met = pd.concat([saved.plan.deployments, saved.plan.unmet])[["need_id", "supporter_id", "supporter_name", "score"]]
    names = inputs.schools.set_index("urn")["name"]
    table = inputs.all_needs.merge(met, on="need_id", how="left").fillna(dict.fromkeys(met, ""))
    table = table.assign(
        school_name=table["school_urn"].map(names),
        eligible=[str(len(answer.candidates)) for answer in answers.values()],
        explanation=[" ".join(answer.sentences) for answer in answers.values()],
    )
    written = table[list(_ALL_COLUMNS)].map(spreadsheet_safe)
    write_all({out: table_bytes(out, written)})
    if out != STANDARD_OUTPUT:
        typer.echo(f"{counted(len(table), 'need')} explained in {out}.")
