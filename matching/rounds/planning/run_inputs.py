"""The inputs of a run: the tables of a round with its decisions put in as values, and the files that a plan keeps."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from matching.inputs.checks.decisions import for_each_need
from matching.inputs.inputs import InputFile, Inputs
from matching.inputs.locations import options_of
from matching.inputs.read import with_decisions
from matching.pairs.market import Market
from matching.pairs.rules import RULES, positions
from matching.pairs.side_constraints import met_in_part
from matching.plan.write import Plan
from matching.rounds.history.events import Event
from matching.rounds.history.state import Placement, RoundState, live_supporters, state_of
from matching.rounds.planning.decisions_table import decisions_source, decisions_table, held_pairs
from matching.rounds.planning.placement_rules import DAYS, PLACES, outcome_of
from matching.tables.files import Source

# Reason and author of a pin for what the accepted plan has.
_FROM_PLAN = ("In the accepted plan", "")

Beyond = Mapping[str, set[str]]
"""By supporter_id: which of places and days they have more of than they offer."""


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
    # A need that is not open has its supporter because that is agreed: a pin holds it too.
    not_open = {*market.inputs.not_open["need_id"]} - {*state.placements}
    need_ids = [one for one in supporter_of if one not in state.placements and one not in not_open]
    need = positions(market.inputs.needs["need_id"], pd.Series(need_ids, dtype="object"))
    people = pd.Series([supporter_of[one] for one in need_ids], dtype="object")
    supporter = positions(market.inputs.supporters["supporter_id"], people)
    in_part = met_in_part(market.rulebook, outcome_of(market.inputs, supporter_of))
    flags = market.rulebook.broken(need, supporter)
    against = np.logical_or.reduce(list(flags.values())) | in_part[need]
    given = {
        (row["need_id"], row["supporter_id"]): (row["reason"], row["by"], row["on"])
        for row in market.inputs.decisions.to_dict("records")
        if row["kind"] == "pin"
    }
    staying = {
        need_id: Placement(need_id, supporter_of[need_id], "pin", 0, 0, *_FROM_PLAN, market.inputs.as_at)
        for need_id in sorted(not_open & {*supporter_of})
    }
    for one in np.flatnonzero(against).tolist():
        need_id, supporter_id = need_ids[one], str(people.iat[one])
        reason, by, on = given.get((need_id, supporter_id), (*_FROM_PLAN, None))
        on = on if isinstance(on, date) else market.inputs.as_at
        broken = tuple(rule for rule in RULES if flags[rule][one])
        staying[need_id] = Placement(need_id, supporter_id, "pin", 0, 0, reason, by, on, broken=broken)
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
    kept: Mapping[str, str] | None = None,
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
        The supporter_id by need_id as things are now. All that a supporter has is kept if a placement puts them beyond
        their places or days by name of the rule; the tables stay as they are.
    kept : mapping of str to str, optional
        The deployments that are kept whatever the tables say; without it, those that a person placed or that are
        agreed. Where they are more than the supporter offers now, each is a pin that names the rule.

    Raises
    ------
    DataError
        The decisions file cannot be read, or the decisions contradict it or each other.
    """
    needs = inputs.all_needs
    decisions = decisions_table(
        base,
        state,
        hold=True,
        needs=dict(zip(needs["need_id"], needs["school_urn"], strict=True)),
        supporters=set(inputs.supporters["supporter_id"]),
        options=options_of(sources).of("decisions"),
    )
    knowingly: dict[str, set[str]] = {}
    for one in state.placements.values():
        knowingly.setdefault(one.supporter_id, set()).update(one.broken)
    for held, only in ((supporter_of, knowingly), (held_pairs(state) if kept is None else kept, None)):
        decisions = _keeping(decisions, inputs, _beyond(inputs, held, only), held)
    changed = {name: one for name, one in sources.items() if name != "decisions"}
    if base is not None or len(decisions):
        changed["decisions"] = decisions_source(decisions)
    each = for_each_need(decisions.assign(row=range(2, len(decisions) + 2)), needs)
    decided = with_decisions(inputs, each, name="decisions.csv")
    files = dict(decided.files)
    if "decisions" in changed:
        files["decisions"] = InputFile(changed["decisions"].name, changed["decisions"].sha256, len(decisions))
    return RunInputs(replace(decided, files=dict(sorted(files.items()))), changed)


def _beyond(inputs: Inputs, supporter_of: Mapping[str, str], only: Mapping[str, Collection[str]] | None) -> Beyond:
    """Return who has more than their places or days; with `only`, those for whom it names the rule."""
    held = pd.DataFrame({"need_id": list(supporter_of), "supporter_id": list(supporter_of.values())}, dtype="object")
    asked = held.merge(inputs.all_needs[["need_id", "days"]], on="need_id").groupby("supporter_id")["days"]
    taken = asked.agg(["size", "sum"]).reset_index()
    people = inputs.supporters.merge(taken, on="supporter_id")
    over = {PLACES: people["size"] > people["max_deployments"], DAYS: people["sum"].round(2) > people["days_available"]}
    found: dict[str, set[str]] = {}
    for rule, is_over in over.items():
        for supporter_id in people.loc[is_over, "supporter_id"]:
            if only is None or rule in only.get(supporter_id, ()):
                found.setdefault(supporter_id, set()).add(rule)
    return found


def _keeping(decisions: pd.DataFrame, inputs: Inputs, beyond: Beyond, supporter_of: Mapping[str, str]) -> pd.DataFrame:
    """Return the decisions with a pin, which names the rule, for all that supporters beyond their offer have."""
    needs, is_pin = inputs.all_needs, decisions["kind"] == "pin"
    pins = decisions[is_pin]
    of_school = needs["school_urn"].isin(pins.loc[pins["need_id"] == "", "school_urn"])
    pinned = {*pins["need_id"], *needs.loc[of_school, "need_id"]}
    urn_of = dict(needs[["need_id", "school_urn"]].itertuples(index=False, name=None))
    rows = [
        ("pin", supporter_id, need_id, urn_of[need_id], *_FROM_PLAN, inputs.as_at, ())
        for need_id, supporter_id in supporter_of.items()
        if supporter_id in beyond and need_id not in pinned and need_id in urn_of
    ]
    added = pd.DataFrame(rows, columns=decisions.columns, dtype="object")
    together = pd.concat([decisions, added], ignore_index=True) if rows else decisions
    named = [
        tuple(sorted({*rules, *beyond.get(supporter_id, ())})) if kind == "pin" else rules
        for kind, supporter_id, rules in together[["kind", "supporter_id", "rules_broken"]].itertuples(index=False)
    ]
    return together.assign(rules_broken=pd.Series(named, index=together.index, dtype="object"))
