"""What a change of the register touches: deployments that it would end or put against a rule, and decisions."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.pairs.market import Market, open_market
from matching.pairs.rules import RULES, positions
from matching.plan.phrases import bar_phrase
from matching.rounds.history.events import Event, new_event
from matching.rounds.history.state import Bar, RoundState
from matching.rounds.planning.decisions_table import held_pairs
from matching.rounds.planning.placement_rules import DAYS, PLACES, Broken

LEAVES = "leaves"
"""In place of a need's state: the supporter leaves."""


@dataclass(frozen=True)
class Touched:
    """A deployment that a change would end or put against a rule.

    Attributes
    ----------
    need_id, supporter_id : str
    status : str
    is_held : bool
        Whether it is agreed, active or paused, or a person placed it: then it stays until a person ends it.
    broken : tuple of Broken
        The rules that it breaks by the change and did not break before.
    because : str
        `paused` or `withdrawn` where its need is no longer open, `LEAVES` where its supporter leaves; otherwise blank.
    """

    need_id: str
    supporter_id: str
    status: str
    is_held: bool
    broken: tuple[Broken, ...] = ()
    because: str = ""


def subjects(event: Event) -> tuple[frozenset[str], frozenset[str]]:
    """Return the needs and the people whose rows an event changes."""
    needs = {one.key[0] for one in event.changes if one.table == "needs"}
    people = {one.key[0] for one in event.changes if one.table != "needs"}
    return frozenset(needs), frozenset(people)


def touches(
    before: Inputs, after: Inputs, state: RoundState, supporter_of: Mapping[str, str], event: Event
) -> tuple[Touched, ...]:
    """Return the deployments that a change of the register touches, by need; completed ones are past being touched.

    Parameters
    ----------
    before, after : Inputs
        Of the register without and with the change.
    state : RoundState
    supporter_of : mapping of str to str
        The supporter_id by need_id as things are before it.
    event : Event
        The change.
    """
    needs, people = subjects(event)
    if (before.accreditation is None) != (after.accreditation is None):
        # With the first evidence, everyone needs some.
        people |= {*before.supporters["supporter_id"]}
    pairs = [
        (need_id, who)
        for need_id, who in sorted(supporter_of.items())
        if (need_id in needs or who in people) and state.status_of(need_id, who) != "completed"
    ]
    if not pairs:
        return ()
    was, now = (_market_of(one, supporter_of, {who for _, who in pairs}) for one in (before, after))
    broken_then, broken = _broken(was, supporter_of, pairs), _broken(now, supporter_of, pairs)
    state_then, state_now = (
        dict(zip(one.inputs.needs["need_id"], one.inputs.needs["state"], strict=True)) for one in (was, now)
    )
    held = held_pairs(state)
    found = []
    for need_id, who in pairs:
        earlier = {one.rule for one in broken_then.get((need_id, who), ())}
        new = tuple(one for one in broken.get((need_id, who), ()) if one.rule not in earlier)
        because = state_now[need_id] if state_now[need_id] not in ("open", state_then[need_id]) else ""
        because = because or (LEAVES if event.kind == "supporter_left" else "")
        if new or because:
            status = state.status_of(need_id, who)
            found.append(Touched(need_id, who, status, held.get(need_id) == who, new, because))
    return tuple(found)


def _market_of(inputs: Inputs, supporter_of: Mapping[str, str], people: Collection[str]) -> Market:
    """Return the market of some people and of the needs that they serve, whether or not those are open."""
    theirs = {need_id for need_id, who in supporter_of.items() if who in people}
    everything, decisions, evidence = inputs.all_needs, inputs.decisions, inputs.accreditation
    about = decisions["need_id"].isin(theirs) & decisions["supporter_id"].isin(people)
    return open_market(
        replace(
            inputs,
            needs=everything[everything["need_id"].isin(theirs)].reset_index(drop=True),
            not_open=everything.iloc[:0],
            supporters=_of(inputs.supporters, people),
            accreditation=None if evidence is None else _of(evidence, people),
            decisions=decisions[about].reset_index(drop=True),
            baseline=None,
        )
    )


def _of(frame: pd.DataFrame, people: Collection[str]) -> pd.DataFrame:
    return frame[frame["supporter_id"].isin(people)].reset_index(drop=True)


def _broken(
    market: Market, supporter_of: Mapping[str, str], pairs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Broken, ...]]:
    """Return by pair the rules that it breaks, by itself or with all that its supporter has."""
    inputs = market.inputs
    need = positions(inputs.needs["need_id"], pd.Series([one for one, _ in pairs], dtype="object"))
    supporter = positions(inputs.supporters["supporter_id"], pd.Series([who for _, who in pairs], dtype="object"))
    km = market.rulebook.distance_km(need, supporter)
    flags = market.rulebook.broken(need, supporter, km)
    against = np.flatnonzero(np.logical_or.reduce(list(flags.values())))
    found: dict[tuple[str, str], list[Broken]] = {pair: [] for pair in pairs}
    listed = list(pairs)
    for at in against.tolist():
        # A bar is recorded by itself, and is not what a change of a row touches.
        rules = [rule for rule in RULES if flags[rule][at] and rule not in ("forbidden", "declined")]
        found[listed[at]] += [
            Broken(rule, bar_phrase(market, int(need[at]), int(supporter[at]), rule, float(km[at]))) for rule in rules
        ]
    for who, over in _overfull(inputs, supporter_of):
        for pair in listed:
            if pair[1] == who and over.rule not in {one.rule for one in found[pair]}:
                found[pair].append(over)
    return {pair: tuple(rules) for pair, rules in found.items()}


def _overfull(inputs: Inputs, supporter_of: Mapping[str, str]) -> Iterator[tuple[str, Broken]]:
    served = inputs.needs.assign(supporter_id=inputs.needs["need_id"].map(supporter_of))
    taken = served.groupby("supporter_id")["days"].agg(["size", "sum"])
    people = inputs.supporters.merge(taken, left_on="supporter_id", right_index=True)
    for row in people[people["size"] > people["max_deployments"]].to_dict("records"):
        offer = counted(int(row["max_deployments"]), "place")
        yield str(row["supporter_id"]), Broken(PLACES, f"offers {offer} and has {counted(int(row['size']), 'need')}")
    for row in people[people["sum"].round(2) > people["days_available"]].to_dict("records"):
        yield (
            str(row["supporter_id"]),
            Broken(DAYS, f"offers {row['days_available']:g} days and has needs of {row['sum']:g}"),
        )


def barred_about(state: RoundState, event: Event) -> tuple[Bar, ...]:
    """Return the declines and bans about the needs and people that an event changes; they stay recorded."""
    needs, people = subjects(event)
    return tuple(one for pair, one in sorted(state.barred.items()) if pair[0] in needs or pair[1] in people)


def kept(one: Touched, *, by: str, why: str = "") -> Event | None:
    """Return the pin by which a held deployment stays, naming its rules; None if it stays without one."""
    if not one.is_held or not (one.broken or one.because not in ("", LEAVES)):
        return None
    broken = ";".join(each.rule for each in one.broken)
    about = {"need_id": one.need_id, "supporter_id": one.supporter_id, **({"broken": broken} if broken else {})}
    return new_event("pin", by=by, why=why, **about)


def ended(one: Touched, *, by: str, why: str = "") -> Event:
    """Return the status that ends a deployment; it bars no one."""
    return new_event("status", by=by, why=why, need_id=one.need_id, supporter_id=one.supporter_id, status="withdrawn")
