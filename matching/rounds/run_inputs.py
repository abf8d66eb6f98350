"""The inputs of a run: the tables of a round with its decisions put in as values, and the files that a plan keeps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from matching.inputs.checks.decisions import for_each_need
from matching.inputs.locations import options_of, places, with_cells
from matching.inputs.read import InputFile, Inputs, with_decisions
from matching.pairs.market import Market, Row
from matching.pairs.rules import positions
from matching.pairs.side_constraints import met_in_part
from matching.plan.write import Plan
from matching.rounds.decisions_table import decisions_source, decisions_table
from matching.rounds.events import Event
from matching.rounds.placement_rules import DAYS, PLACES, days_asked, outcome_of, places_asked
from matching.rounds.state import Placement, RoundState, live_supporters, state_of
from matching.tables.files import Source

_BARS = ("forbidden", "declined")
_FROM_PLAN: Row = {"reason": "In the accepted plan", "by": "", "on": None}


def serving(plan: Plan) -> dict[str, str]:
    """Return the supporter_id by need_id of a plan."""
    return dict(zip(plan.deployments["need_id"], plan.deployments["supporter_id"], strict=True))


def is_changed(events: Sequence[Event], plan: Plan) -> bool:
    """Return whether decisions since a plan was made change it."""
    now = state_of(events)
    then = state_of(one for one in events if one.number <= now.planned)
    before = serving(plan)
    return _holding(now) != _holding(then) or live_supporters(before, now) != before


def _holding(state: RoundState) -> tuple[dict[str, tuple[str, str]], dict[tuple[str, str], str]]:
    placed = {need_id: (one.kind, one.supporter_id) for need_id, one in state.placements.items()}
    return placed, {pair: one.kind for pair, one in state.barred.items()}


def as_placed(state: RoundState, market: Market, supporter_of: Mapping[str, str]) -> RoundState:
    """Return the state with a pin for each deployment of the accepted plan that remains although it breaks a rule now.

    That includes the deployments that remain in a package of which another need has come open. Statuses are left out:
    an agreement by itself pins nothing here.

    Parameters
    ----------
    state : RoundState
    market : Market
        Of the accepted plan.
    supporter_of : mapping of str to str
        The supporter_id by need_id as things are now.
    """
    need_ids = [one for one in supporter_of if one not in state.placements]
    need = positions(market.inputs.needs["need_id"], pd.Series(need_ids, dtype="object"))
    people = pd.Series([supporter_of[one] for one in need_ids], dtype="object")
    supporter = positions(market.inputs.supporters["supporter_id"], people)
    in_part = met_in_part(market.rulebook, outcome_of(market.inputs, supporter_of))
    against = ~market.rulebook.eligible(need, supporter) | in_part[need]
    given = {
        (row["need_id"], row["supporter_id"]): row
        for row in market.inputs.decisions.to_dict("records")
        if row["kind"] == "pin"
    }
    staying = {}
    for one in np.flatnonzero(against).tolist():
        need_id, supporter_id = need_ids[one], str(people.iat[one])
        row = given.get((need_id, supporter_id), _FROM_PLAN)
        on = row["on"] if isinstance(row["on"], date) else market.inputs.as_at
        staying[need_id] = Placement(
            need_id, supporter_id, "pin", 0, 0, str(row["reason"]), str(row["by"]), on, broken=_BARS
        )
    events = tuple(one for one in state.events if one.kind != "status")
    return replace(state, pins={**staying, **state.pins}, events=events)


@dataclass(frozen=True)
class RunInputs:
    """The inputs of a run with the round's decisions in them.

    Attributes
    ----------
    inputs : Inputs
    sources : mapping of str to Source
        Files with the same content, for the plan to keep: reading them gives `inputs`.
    """

    inputs: Inputs
    sources: Mapping[str, Source]


def run_inputs(
    inputs: Inputs,
    sources: Mapping[str, Source],
    base: Source | None,
    state: RoundState,
    supporter_of: Mapping[str, str],
) -> RunInputs:
    """Put the decisions of a round into the inputs of a run, as values.

    Parameters
    ----------
    inputs : Inputs
        Read from `sources`; its own decisions are replaced.
    sources : mapping of str to Source
    base : Source or None
        The round's own decisions file.
    state : RoundState
        Of the round, or as `as_placed` returns it.
    supporter_of : mapping of str to str
        The supporter_id by need_id as things are now. A supporter whom a placement puts beyond their places or days by
        name of the rule offers what they then have.

    Raises
    ------
    DataError
        The decisions file cannot be read, or the decisions contradict it or each other.
    """
    needs = inputs.needs
    decisions = decisions_table(
        base,
        state,
        hold=True,
        needs=dict(zip(needs["need_id"], needs["school_urn"], strict=True)),
        supporters=set(inputs.supporters["supporter_id"]),
        mapping=options_of(sources).mappings.get("decisions"),
    )
    changed = {name: one for name, one in sources.items() if name != "decisions"}
    if base is not None or len(decisions):
        changed["decisions"] = decisions_source(decisions)
    people = inputs.supporters.copy()
    for column, row, offer in _stretched(inputs, state, supporter_of):
        people.loc[people["row"] == row, column] = offer
        place = next(one for one in places(changed) if one.table == "supporters")
        if column in place.columns:
            changed = with_cells(changed, place, [row], column, f"{offer:g}")
    each = for_each_need(decisions.assign(row=0), needs)
    decided = with_decisions(replace(inputs, supporters=people), each, name="decisions.csv")
    rows = {"decisions": len(decisions), "supporters": len(people)}
    made = {name: InputFile(one.name, one.sha256, rows[name]) for name, one in changed.items() if name in rows}
    return RunInputs(replace(decided, files=dict(sorted({**decided.files, **made}.items()))), changed)


def _stretched(inputs: Inputs, state: RoundState, supporter_of: Mapping[str, str]) -> Iterator[tuple[str, int, float]]:
    """Yield column, row in the file and new offer of supporters who knowingly have more than they offer."""
    for rule, column, held in ((PLACES, "max_deployments", places_asked), (DAYS, "days_available", days_asked)):
        knowingly = {one.supporter_id for one in state.placements.values() if rule in one.broken}
        for row in inputs.supporters[inputs.supporters["supporter_id"].isin(knowingly)].to_dict("records"):
            theirs = [need_id for need_id, one in supporter_of.items() if one == row["supporter_id"]]
            needed = held(inputs, theirs)
            if needed > row[column]:
                yield column, int(row["row"]), needed
