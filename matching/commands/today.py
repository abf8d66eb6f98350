"""`s2s today`: what a coordinator has to do on a day, from the file of a round."""

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path

import typer

from matching.commands.terminal import print_json
from matching.errors import counted
from matching.inputs.read import read_inputs
from matching.plan.on_disk import read_files
from matching.plan.phrases import needs_in_words
from matching.rounds.desk.today import ACTIONS, KINDS, line_in_words, today
from matching.rounds.history.state import state_of
from matching.rounds.planning.run_inputs import serving
from matching.rounds.planning.standing import standing
from matching.rounds.register import blank_tables
from matching.rounds.round_file.zipped import unpacked
from matching.tables.files import open_source


def list_today(round_file: Path, as_at: datetime | None, by: str | None, *, as_json: bool) -> None:
    """Print what there is to do in a round, the most urgent first.

    Parameters
    ----------
    by : str or None
        Only the deployments about which this user made the last entry.

    Raises
    ------
    DataError
        The file is not a round, or the tables of the round are not sound.
    """
    round_, _ = unpacked(open_source(round_file).content)
    day = as_at.date() if as_at else date.today()
    inputs = read_inputs(round_.sources, as_at=day, may_be_empty=blank_tables(round_.sources))
    state = state_of(round_.events)
    deployments = serving(read_files(round_.files).plan) if round_.files else {}
    lines = [
        one for one in today(state, standing(deployments, state, inputs), inputs, day) if by is None or one.by == by
    ]
    needs = needs_in_words(inputs)
    people = dict(zip(inputs.supporters["supporter_id"], inputs.supporters["name"], strict=True))
    if as_json:
        found = [
            {
                **asdict(one),
                "missing": list(one.missing),
                "need": needs.get(one.need_id, ""),
                "supporter": people.get(one.supporter_id, ""),
                "action": ACTIONS[one.kind],
            }
            for one in lines
        ]
        print_json("today", problems=(), round=round_.name, as_at=day, has_plan=bool(round_.files), lines=found)
        return
    typer.echo(f"{round_.name}, {day:%d/%m/%Y}: {counted(len(lines), 'thing')} to do.")
    if not round_.files:
        typer.echo("No plan is accepted yet, so no deployment is listed.")
    for one in lines:
        who = f"{people[one.supporter_id]} ({one.supporter_id})" if one.supporter_id in people else one.supporter_id
        about = ", ".join(filter(None, (needs.get(one.need_id, one.need_id), who)))
        typer.echo(f"[{one.urgency}] {KINDS[one.kind]}: {about}: {line_in_words(one)}. {ACTIONS[one.kind]}.")
