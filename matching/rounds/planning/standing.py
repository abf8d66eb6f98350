"""What is left of an accepted plan once the register or the decisions have changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matching.inputs.inputs import Inputs
from matching.plan.as_bytes import stored_digests
from matching.plan.write import Plan
from matching.rounds.history.events import Event
from matching.rounds.history.state import RoundState, live_supporters, state_of
from matching.rounds.planning.decisions_table import held_pairs
from matching.tables.files import Source

# What a plan is made from. Decisions and rules are compared by themselves.
_TABLES = ("schools", "supporters", "needs", "accreditation", "ofsted", "links", "columns")

UNDONE = "undone"
"""In place of the code of a rule: the placement by hand that put the supporter there is undone."""


def is_same_register(manifest: Mapping[str, Any], sources: Mapping[str, Source], read: Callable[[], Inputs]) -> bool:
    """Return whether the tables of a round are those that a plan was made from.

    Columns that no run reads, such as contact details and notes, may differ.

    Parameters
    ----------
    manifest : mapping
        Of the plan.
    sources : mapping of str to Source
        The register.
    read : callable
        Reads the register; called only if its files differ from those of the plan.
    """
    made_from = {name: one["sha256"] for name, one in manifest["inputs"].items()}
    if all(made_from.get(name) == (sources[name].sha256 if name in sources else None) for name in _TABLES):
        return True
    kept = {name: one["sha256"] for name, one in manifest.get("stored", {}).items() if name in _TABLES}
    return bool(kept) and kept == {name: one for name, one in stored_digests(read()).items() if name in _TABLES}


def standing(deployments: Mapping[str, str], state: RoundState, inputs: Inputs) -> dict[str, str]:
    """Return the supporter_id by need_id of what the accepted plan and the decisions since come to in the register.

    A need that is not open has a supporter only if a person placed them or the deployment is agreed, active, paused or
    completed.

    Parameters
    ----------
    deployments : mapping of str to str
        Of the accepted plan.
    state : RoundState
    inputs : Inputs
        Of the register.
    """
    is_open, not_open = {*inputs.needs["need_id"]}, {*inputs.not_open["need_id"]}
    people = {*inputs.supporters["supporter_id"]}
    held = held_pairs(state)
    return {
        need_id: who
        for need_id, who in live_supporters(deployments, state).items()
        if who in people and (need_id in is_open or (need_id in not_open and held.get(need_id) == who))
    }


@dataclass(frozen=True)
class Unfounded:
    """A deployment that no longer follows from what is recorded.

    Attributes
    ----------
    need_id, supporter_id : str
    rules : tuple of str
        The codes of the rules that it breaks now, or `UNDONE`.
    """

    need_id: str
    supporter_id: str
    rules: tuple[str, ...]


def unfounded(accepted: Plan, live: Plan, events: Sequence[Event]) -> tuple[Unfounded, ...]:
    """Return the deployments of a live plan that no longer follow from what is recorded, by need.

    They break a rule that no one named when they were placed, and that the accepted plan did not break there; or they
    were placed by hand, and that is undone.

    Parameters
    ----------
    accepted, live : Plan
        The plan that was accepted, and what it is now.
    events : sequence of Event
        Of the round.
    """
    now = state_of(events)
    then = state_of(one for one in events if one.number <= now.planned)
    held, broken_before = held_pairs(now), _rules_broken(accepted)
    found = []
    for (need_id, who), rules in sorted(_rules_broken(live).items()):
        placed, placed_then = now.placements.get(need_id), then.placements.get(need_id)
        named = {*placed.broken} if placed and placed.supporter_id == who else set()
        against = [rule for rule in rules if rule not in named and rule not in broken_before.get((need_id, who), ())]
        is_undone = placed_then is not None and placed_then.supporter_id == who and held.get(need_id) != who
        if against or is_undone:
            found.append(Unfounded(need_id, who, (*against, *([UNDONE] if is_undone else []))))
    return tuple(found)


def _rules_broken(plan: Plan) -> dict[tuple[str, str], tuple[str, ...]]:
    rows = plan.deployments[["need_id", "supporter_id", "rules_broken"]].itertuples(index=False, name=None)
    return {(need_id, who): tuple(filter(None, rules.split(";"))) for need_id, who, rules in rows}
