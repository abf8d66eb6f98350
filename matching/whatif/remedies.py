"""The small changes that a repair may consist of: each in words, and the inputs with it made.

`candidates` finds which of them to try, and `repairs` what they achieve.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pandas as pd

from matching.inputs.inputs import Inputs
from matching.pairs.market import Market
from matching.plan.phrases import counted_days, day_in_words, person


class Kind(StrEnum):
    """What a change is about."""

    # One supporter.
    PLACE = "place"
    DAYS = "days"
    DISTANCE = "distance"
    DECISION = "decision"
    # One need.
    DESIGNATION = "designation"
    FEWER_DAYS = "fewer_days"
    LATER = "later"
    PACKAGE = "package"
    # The policy, and so every supporter.
    POLICY_DISTANCE = "policy_distance"
    SAME_TRUST = "same_trust"
    SAME_FEDERATION = "same_federation"
    SPECIALISM = "specialism"
    SCHOOL_LIMIT = "school_limit"
    HOME_LIMIT = "home_limit"


OF_POLICY = frozenset(
    {
        Kind.POLICY_DISTANCE,
        Kind.SAME_TRUST,
        Kind.SAME_FEDERATION,
        Kind.SPECIALISM,
        Kind.SCHOOL_LIMIT,
        Kind.HOME_LIMIT,
    }
)
"""The kinds that change the policy."""
OF_NEED = frozenset({Kind.DECISION, Kind.DESIGNATION, Kind.FEWER_DAYS, Kind.LATER})
"""The kinds that make no difference to any other need, unless someone takes this one."""


def related_specialisms(market: Market, need: int, supporter: int) -> tuple[str, ...]:
    """Return a supporter's specialisms in the area of the need's focus; none where related ones have no fit."""
    inputs = market.inputs
    focuses = inputs.vocabulary.focuses
    focus = focuses[market.needs[need]["focus"]]
    if not focus.is_specialism or inputs.policy.specialism_fit.related == 0:
        return ()
    held = sorted(market.supporters[supporter]["specialisms"])
    return tuple(one for one in held if focuses[one].is_specialism and focuses[one].area == focus.area)


def _more_places(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    people = inputs.supporters
    places = int(market.rulebook.places[supporter] + size)
    more = "One more place" if size == 1 else f"{size:g} more places"
    words = f"{more} with {person(market, supporter)}"
    return words, replace(inputs, supporters=_with_cell(people, "max_deployments", supporter, places))


def _more_days(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    # In hundredths, as everywhere: 0.1 more than 0.2 is 0.3.
    days = round(float(market.rulebook.days_offered[supporter]) + 100 * size) / 100
    words = f"{size:g} more {'day' if size == 1 else 'days'} with {person(market, supporter)}"
    return words, replace(inputs, supporters=_with_cell(inputs.supporters, "days_available", supporter, days))


def _further(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    """More km for one supporter, and for the whole designation where the policy's limit is below that."""
    row, limit = market.supporters[supporter], float(market.rulebook.limit_km[supporter]) + size
    words = f"Letting {person(market, supporter)} travel {size:g} km further"
    if row["max_distance_km"] < limit:
        people = _with_cell(inputs.supporters, "max_distance_km", supporter, limit)
        inputs = replace(inputs, supporters=people)
    limits = inputs.policy.max_distance_km
    if limits[row["designation"]] < limit:
        words += f", with a policy limit of {limit:g} km for every {row['designation']},"
        inputs = _with_policy(inputs, max_distance_km={**limits, row["designation"]: limit})
    return words, inputs


def _same_trust(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    rules = inputs.policy.rules.model_copy(update={"same_trust": "allow"})
    return "Allowing supporters from the same trust", _with_policy(inputs, rules=rules)


def _same_federation(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    rules = inputs.policy.rules.model_copy(update={"same_federation": "allow"})
    return "Allowing supporters from the same federation", _with_policy(inputs, rules=rules)


def _other_designation(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    code = market.supporters[supporter]["designation"]
    accepted = (*market.needs[need]["designations"], code)
    words = f"Accepting an {code} as well, {person(market, supporter)},"
    return words, replace(inputs, needs=_with_cell(inputs.needs, "designations", need, accepted))


def _related_specialism(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    focus, also = market.needs[need]["focus"], related_specialisms(market, need, supporter)[0]
    known = inputs.policy.related_specialisms
    related = {**known, focus: tuple(sorted({*known.get(focus, ()), also}))}
    return f"Counting {also} as related to {focus} in the policy", _with_policy(inputs, related_specialisms=related)


def _undone_decision(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    decisions = inputs.decisions
    undone = (decisions["need_id"] == market.needs[need]["need_id"]) & (
        decisions["supporter_id"] == market.supporters[supporter]["supporter_id"]
    )
    kinds = set(decisions.loc[undone, "kind"])
    verbs = [verb for kind, verb in (("forbid", "is forbidden"), ("declined", "has declined")) if kind in kinds]
    words = f"Undoing the decision that {person(market, supporter)} {' and '.join(verbs)}"
    return words, replace(inputs, decisions=decisions[~undone].reset_index(drop=True))


def _fewer_days(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    asked = int(market.rulebook.days_asked[need])
    left = round(asked - 100 * size) / 100
    words = f"Shortening this need by {counted_days(size)} (from {asked / 100:g} to {left:g})"
    return words, replace(inputs, needs=_with_cell(inputs.needs, "days", need, left))


def _later_start(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    day = market.rulebook.day_of(need)
    later = day + timedelta(days=size)
    words = f"Letting this need start by {day_in_words(later)} instead of {day_in_words(day)}"
    return words, replace(inputs, needs=_with_cell(inputs.needs, "start_by", need, later))


def _out_of_package(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    row = market.needs[need]
    words = f"Taking {row['need_id']} out of package {row['package']}"
    return words, replace(inputs, needs=_with_cell(inputs.needs, "package", need, ""))


def _more_at_schools(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    limit = (inputs.policy.rules.max_supporters_per_school or 0) + int(size)
    rules = inputs.policy.rules.model_copy(update={"max_supporters_per_school": limit})
    return f"Allowing {limit:,} people at each school instead of {limit - size:,g}", _with_policy(inputs, rules=rules)


def _more_from_homes(market: Market, inputs: Inputs, need: int, supporter: int, size: float) -> tuple[str, Inputs]:
    limit = (inputs.policy.rules.max_per_home_school or 0) + int(size)
    rules = inputs.policy.rules.model_copy(update={"max_per_home_school": limit})
    words = f"Allowing {limit:,} deployments from each home school instead of {limit - size:,g}"
    return words, _with_policy(inputs, rules=rules)


def _with_cell(frame: pd.DataFrame, column: str, row: int, value: Any) -> pd.DataFrame:
    cells = frame[column].tolist()
    cells[row] = value
    return frame.assign(**{column: pd.Series(cells, index=frame.index, dtype=frame[column].dtype)})


def _with_policy(inputs: Inputs, **sections: Any) -> Inputs:
    return replace(inputs, policy=inputs.policy.model_copy(update=sections))


CHANGES: Mapping[Kind, Callable[[Market, Inputs, int, int, float], tuple[str, Inputs]]] = {
    Kind.PLACE: _more_places,
    Kind.DAYS: _more_days,
    Kind.DISTANCE: _further,
    Kind.DECISION: _undone_decision,
    Kind.DESIGNATION: _other_designation,
    Kind.FEWER_DAYS: _fewer_days,
    Kind.LATER: _later_start,
    Kind.PACKAGE: _out_of_package,
    Kind.POLICY_DISTANCE: _further,
    Kind.SAME_TRUST: _same_trust,
    Kind.SAME_FEDERATION: _same_federation,
    Kind.SPECIALISM: _related_specialism,
    Kind.SCHOOL_LIMIT: _more_at_schools,
    Kind.HOME_LIMIT: _more_from_homes,
}
"""By kind: the change in words that begin a sentence, and the inputs with it made."""
