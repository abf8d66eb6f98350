"""What placing a supporter by hand breaks: rules of the pair, and limits on all that a person or a school has."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matching.errors import DataError, Problem, counted, joined
from matching.inputs.inputs import Inputs
from matching.pairs.market import Market
from matching.pairs.rules import HOME_LIMIT, RULES, SCHOOL_LIMIT, positions
from matching.pairs.side_constraints import OutcomeCounts
from matching.plan.phrases import bar_phrases, needs_in_words
from matching.rounds.history.events import Event
from matching.rounds.history.state import RoundState, live_supporters, state_of
from matching.solve.problem import UNMET, Positions
from matching.whatif.resolve import position_of, position_of_need

PLACES, DAYS = "places", "days"
"""Codes of what a person offers, which a placement may break by itself or together with other needs."""


@dataclass(frozen=True)
class Broken:
    """A rule that a placement breaks: its code in `RULE_CODES`, and the end of a sentence about the supporter."""

    rule: str
    words: str


def broken_rules(market: Market, supporter_of: Mapping[str, str], need_id: str, supporter_id: str) -> list[Broken]:
    """Return every rule that placing a supporter at a need would break: of the pair, places and days, and limits.

    Raises
    ------
    DataError
        The need or the supporter is not in the inputs.
    """
    need = position_of_need(market.inputs, need_id)
    supporter = position_of(market.inputs.supporters["supporter_id"], supporter_id, "supporter")
    flags = market.rulebook.broken(np.array([need]), np.array([supporter]))
    names = [rule for rule in RULES if flags[rule][0]]
    found = [Broken(*one) for one in zip(names, bar_phrases(market, need, supporter), strict=True)]
    return [
        *found,
        *(one for one in _overfull(market, supporter_of, need, supporter) if one.rule not in names),
        *_over_limits(market, supporter_of, need, supporter),
    ]


def _overfull(market: Market, supporter_of: Mapping[str, str], need: int, supporter: int) -> Iterator[Broken]:
    need_id = str(market.needs[need]["need_id"])
    row = market.supporters[supporter]
    theirs = [one for one, who in supporter_of.items() if who == row["supporter_id"] and one != need_id]
    if not theirs:
        return
    listed = _in_words(market.inputs, theirs)
    if len(theirs) + 1 > row["max_deployments"]:
        offer = counted(int(row["max_deployments"]), "place")
        yield Broken(PLACES, f"offers {offer} and would then have {len(theirs) + 1} needs (also {listed})")
    asked = days_asked(market.inputs, [*theirs, need_id])
    if asked > row["days_available"]:
        yield Broken(DAYS, f"offers {row['days_available']:g} days, and with {listed} it would take {asked:g}")


def _over_limits(market: Market, supporter_of: Mapping[str, str], need: int, supporter: int) -> Iterator[Broken]:
    inputs, rules = market.inputs, market.inputs.policy.rules
    counts = OutcomeCounts(market.rulebook, outcome_of(inputs, supporter_of))
    pair = (np.array([need]), np.array([supporter]))
    if counts.over_school(*pair)[0]:
        yield Broken(
            SCHOOL_LIMIT,
            f"would be one more supporter at the school than the {rules.max_supporters_per_school} allowed",
        )
    if counts.over_home(*pair)[0]:
        yield Broken(
            HOME_LIMIT,
            f"would be one more deployment away from their own school than the {rules.max_per_home_school} allowed",
        )


def outcome_of(inputs: Inputs, supporter_of: Mapping[str, str]) -> Positions:
    """Return the position of each need's supporter, or `UNMET`."""
    outcome = np.full(len(inputs.needs), UNMET, dtype=np.intp)
    at = positions(inputs.needs["need_id"], pd.Series(list(supporter_of), dtype="object"))
    who = positions(inputs.supporters["supporter_id"], pd.Series(list(supporter_of.values()), dtype="object"))
    # A need of the accepted plan may not be open any more.
    outcome[at[at >= 0]] = who[at >= 0]
    return outcome


def refuse_overfull(
    inputs: Inputs, deployments: Mapping[str, str], events: Sequence[Event], more: Sequence[Event]
) -> None:
    """Refuse events after which a supporter would have more than their places or days.

    Parameters
    ----------
    inputs : Inputs
        Of the register.
    deployments : mapping of str to str
        Of the accepted plan: the supporter_id by need_id.
    events, more : sequence of Event
        What happened to the round, and what is to be recorded next, with numbers.

    Raises
    ------
    DataError
        A supporter would have too much because of `more`, and no placement accepts that by name of the rule.
    """
    known = _overfull_people(inputs, deployments, state_of(events))
    then = _overfull_people(inputs, deployments, state_of([*events, *more]))
    if problems := [one for one in then if one not in known]:
        raise DataError(problems)


def _overfull_people(inputs: Inputs, deployments: Mapping[str, str], state: RoundState) -> list[Problem]:
    serves = live_supporters(deployments, state)
    held = pd.DataFrame({"need_id": list(serves), "supporter_id": list(serves.values())}, dtype="object")
    held = held.merge(inputs.needs[["need_id", "days"]], on="need_id")
    people = inputs.supporters[["supporter_id", "name", "max_deployments", "days_available"]]
    taken = people.merge(held.groupby("supporter_id")["days"].agg(["size", "sum"]), on="supporter_id")
    over_places = taken["size"] > taken["max_deployments"]
    over_days = taken["sum"].round(2) > taken["days_available"]
    accepted = {(one.supporter_id, rule) for one in state.placements.values() for rule in one.broken}
    problems = []
    for row in taken[over_places | over_days].assign(places=over_places, days=over_days).to_dict("records"):
        who = row["supporter_id"]
        if (row["places"] and (who, PLACES) not in accepted) or (row["days"] and (who, DAYS) not in accepted):
            theirs = _in_words(inputs, held.loc[held["supporter_id"] == who, "need_id"])
            message = f"{row['name']} would then have {theirs}, which is more than they offer."
            fix = "Place another supporter at one of these needs first."
            problems.append(Problem("plan", None, "supporter_id", str(who), message, fix))
    return problems


def _in_words(inputs: Inputs, need_ids: Iterable[str]) -> str:
    return joined([words for _, words in sorted(needs_in_words(inputs, need_ids).items())])


def places_asked(inputs: Inputs, need_ids: Collection[str]) -> float:
    """Return how many places these needs take up."""
    return len(need_ids)


def days_asked(inputs: Inputs, need_ids: Collection[str]) -> float:
    """Return how many days these needs take, to the hundredth."""
    asked = inputs.needs.loc[inputs.needs["need_id"].isin(need_ids), "days"]
    return round(float(asked.sum()), 2)
