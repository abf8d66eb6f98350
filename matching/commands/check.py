"""`s2s check`: every problem of the tables, or what they hold."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import typer

from matching.accreditation import due_for_review
from matching.commands.files import check_ending, check_used, place, read_round, say, write_all
from matching.commands.terminal import print_due_for_review, print_json, print_notices
from matching.errors import DataError, counted, file_problem
from matching.inputs.recognise import suggested_columns, with_columns_named
from matching.pairs.market import open_market
from matching.tables.files import Source
from matching.tables.formats import NEED_STATES


def write_suggested_columns(sources: Mapping[str, Source], path: Path, *, as_json: bool) -> None:
    """Write a columns file with what the headers of the tables may mean."""
    option = "--suggest-columns"
    check_ending(path, (".toml",), option=option)
    if as_json:
        raise DataError([file_problem("--json", f"This cannot be used with {option}.", "Remove one of them.")])
    if path.exists():
        fix = "Name a new file, so that what you wrote in this one is kept."
        raise DataError([file_problem(option, f"{path} is there already.", fix)])
    write_all({path: suggested_columns(sources).content})
    next_step = "Look through them, change what is wrong, and give the file as --columns."
    say(f"Suggestions are written to {place(path)}. {next_step}", path)


def check_tables(sources: Mapping[str, Source], as_at: datetime | None, *, as_json: bool) -> None:
    """Print how much the tables hold, how many pairs are eligible, and each check that is due for review."""
    check_used(sources)
    inputs = read_round(with_columns_named(sources), as_at.date() if as_at else None).with_sound_contacts()
    market = open_market(inputs)
    eligible = market.eligible_by_need
    sizes = {"schools": len(inputs.schools), "supporters": len(inputs.supporters), "needs": len(inputs.all_needs)}
    due = due_for_review(inputs, market.verdicts)
    notices = [*inputs.notices, *market.verdicts.notices]
    if as_json:
        print_json(
            "check",
            problems=(),
            counts={**sizes, "eligible_pairs": int(eligible.sum())},
            not_open=inputs.not_open[["need_id", "state"]],
            cannot_be_deployed=inputs.supporters.loc[~market.rulebook.available, "supporter_id"].tolist(),
            without_eligible_supporter=inputs.needs.loc[eligible == 0, "need_id"].tolist(),
            due_for_review=due,
            notices=notices,
        )
        return
    typer.echo(f"No problems found: {', '.join(counted(size, name[:-1]) for name, size in sizes.items())}.")
    for state in NEED_STATES[1:]:
        if number := int((inputs.not_open["state"] == state).sum()):
            typer.echo(f"{counted(number, 'need is', 'needs are')} {state}, and will not be assigned.")
    typer.echo(
        f"{counted(int((~market.rulebook.available).sum()), 'supporter')} cannot be deployed; "
        f"{counted(int(eligible.sum()), 'pair is', 'pairs are')} eligible."
    )
    typer.echo(f"{counted(int((eligible == 0).sum()), 'need has', 'needs have')} no eligible supporter.")
    print_notices(notices)
    print_due_for_review(due)
