"""`s2s check`: every problem of the tables, or what they hold."""

from collections.abc import Mapping
from datetime import datetime

import typer

from matching.commands.files import check_used, read_round
from matching.commands.terminal import print_notices
from matching.errors import counted
from matching.pairs.market import open_market
from matching.tables.files import Source
from matching.tables.formats import NEED_STATES


def check_tables(sources: Mapping[str, Source], as_at: datetime | None) -> None:
    """Print how much the tables hold, and how many pairs are eligible."""
    check_used(sources)
    inputs = read_round(sources, as_at.date() if as_at else None)
    market = open_market(inputs)
    eligible = market.eligible_by_need
    typer.echo(
        f"No problems found: {counted(len(inputs.schools), 'school')}, {counted(len(inputs.supporters), 'supporter')}, "
        f"{counted(len(inputs.all_needs), 'need')}."
    )
    for state in NEED_STATES[1:]:
        if number := int((inputs.not_open["state"] == state).sum()):
            typer.echo(f"{counted(number, 'need is', 'needs are')} {state}, and will not be assigned.")
    typer.echo(
        f"{counted(int((~market.rulebook.available).sum()), 'supporter')} cannot be deployed; "
        f"{counted(int(eligible.sum()), 'pair is', 'pairs are')} eligible."
    )
    typer.echo(f"{counted(int((eligible == 0).sum()), 'need has', 'needs have')} no eligible supporter.")
    print_notices([*inputs.notices, *market.verdicts.notices])
