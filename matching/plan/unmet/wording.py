"""The words of an unmet need: why it is unmet, and what comes nearest to meeting it.

Each sentence is made here, from facts that the other files of this package find, and nowhere else. What an ineligible
supporter lacks is a phrase of `plan/phrases`, because other answers use it too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matching.errors import counted, joined
from matching.pairs.market import Market
from matching.plan.phrases import counted_days, day_in_words, holders, sentence_case, specialists
from matching.solve.problem import Positions
from matching.tables.grid import kilometres

STILL_OPEN = "still_open"
"""Only of a plan changed by hand: in the best plan no free supporter is eligible for an unmet need."""


@dataclass(frozen=True)
class Unmet:
    """Why one need is unmet: the reason's code, the reason, and the nearest option; the last two are sentences."""

    code: str
    reason: str
    nearest_option: str


# ---- no one is eligible --------------------------------------------------------------------------------------------


def none_in_reach(market: Market, need: int, deployable: int) -> str:
    """Return the reason where none of the people who can be deployed is near enough."""
    one, _ = holders(market.needs[need]["designations"])
    if not deployable:
        return f"There is no accredited {one} who offers a place."
    each = "their distance limit" if deployable == 1 else "the distance limit of each"
    people = counted(deployable, "person", "people")
    return f"No {one} is near enough: {people} can be deployed, and the school is beyond {each}."


def no_specialism(market: Market, need: int, deployable: int) -> str:
    """Return the reason where none of the people who can be deployed has the specialism."""
    row, (is_specialism, has_related) = market.needs[need], _focus_of(market, need)
    one, several = holders(row["designations"])
    what = f"{row['focus']} or a related specialism" if has_related else f"{row['focus']} as a specialism"
    has, lacks = f"has {what}", f"does not have {what}"
    if not is_specialism:
        has, lacks = f"can support {row['focus']}", f"cannot support {row['focus']}"
    if deployable == 1:
        return f"The only {one} who can be deployed {lacks}."
    return f"None of the {deployable:,} {several} who can be deployed {has}."


def no_one_left(market: Market, need: int, code: str, last: Positions) -> str:
    """Return the reason where the `last` people with the specialism all break the rule of this code."""
    row, (is_specialism, has_related) = market.needs[need], _focus_of(market, need)
    one, several = specialists(row["focus"], or_related=has_related) if is_specialism else holders(row["designations"])
    limits, offered = market.rulebook.limit_km[last], market.rulebook.days_offered[last]
    only, some = _ONLY_ONE[code], _SEVERAL[code]
    if code == "too_far" and limits.min() != limits.max():
        some = _BEYOND_EACH_LIMIT
    # Without the decision, people who lack the days would still not be eligible.
    lacks_days = market.rulebook.days_asked[need] > offered.min()
    return (only if len(last) == 1 else some).format(
        left=len(last),
        one=one,
        several=several,
        phase=market.school_of(need)["phase"],
        limit=f"{limits[0]:g}",
        considered="near enough" if lacks_days else "otherwise eligible",
        day=day_in_words(market.rulebook.day_of(need)),
        days=counted_days(row["days"]),
        most=f"{offered.max() / 100:g}",
    )


def _focus_of(market: Market, need: int) -> tuple[bool, bool]:
    """Return whether a need's focus is a specialism, and whether the policy counts others as related to it."""
    focus = market.needs[need]["focus"]
    return market.inputs.vocabulary.focuses[focus].is_specialism, bool(
        market.inputs.policy.related_specialisms.get(focus)
    )


_NOT_INDEPENDENT = "works at this school or in its trust or federation, or has declared a conflict with it"
# By code: the sentence where one person is left, and where several are.
_ONLY_ONE: Mapping[str, str] = {
    "no_phase": "The only {one} who can be deployed does not support the {phase} phase.",
    "too_far": "The only {one} for the {phase} phase is more than {limit} km from the school.",
    "not_independent": f"The only {{one}} near enough {_NOT_INDEPENDENT}.",
    "not_available": "The only {one} near enough and independent of the school is not available on {day}.",
    "decided_against": "The only person {considered} has declined or been forbidden.",
    "too_many_days": "The need is for {days}, and the only person otherwise eligible offers {most}.",
}
_SEVERAL: Mapping[str, str] = {
    "no_phase": "None of the {left:,} {several} who can be deployed supports the {phase} phase.",
    "too_far": "None of the {left:,} {several} for the {phase} phase is within {limit} km of the school.",
    "not_independent": f"Each of the {{left:,}} {{several}} near enough {_NOT_INDEPENDENT}.",
    "not_available": "None of the {left:,} {several} near enough and independent of the school is available on {day}.",
    "decided_against": "Each of the {left:,} people {considered} has declined or been forbidden.",
    "too_many_days": "The need is for {days}, and none of the {left:,} people otherwise eligible offers more than "
    "{most}.",
}
_BEYOND_EACH_LIMIT = "The school is beyond the distance limit of each of the {left:,} {several} for the {phase} phase."


def no_holder() -> str:
    """Return the nearest option where no supporter holds an accepted designation."""
    return "No one in the supporters table holds a designation that this need accepts."


def nearest_person(who: str, km: float | None, obstacles: Sequence[str]) -> str:
    """Return the nearest option: a supporter and every rule in the way; `km` is None where a rule states it."""
    away = "" if km is None else f", {kilometres(km)} away,"
    return f"{who}{away} {joined(obstacles)}."


# ---- no one eligible is free ---------------------------------------------------------------------------------------


def no_one_free(eligible: int, with_place: int, days: float, why_full: str) -> str:
    """Return the reason where every eligible supporter lacks a place, or has one but not the days (`with_place`)."""
    needed = f"the {counted_days(days)} needed"
    subject = "The only eligible person" if eligible == 1 else f"None of the {eligible:,} eligible people"
    if with_place == eligible == 1:
        return f"{subject} has a place left, but not {needed}."
    if with_place == eligible:
        return f"{subject} has {needed}, although each has a place left."
    full = WHY_FULL[why_full]
    if with_place:
        lacking = f"{with_place:,} {'has' if with_place == 1 else 'have'} a place left but not {needed}"
        return f"Of the {eligible:,} eligible people, {lacking}. The others have no place left{full}."
    return f"{subject} has {'no' if eligible == 1 else 'a'} place left{full}."


WHY_FULL: Mapping[str, str] = {
    "as_urgent": ": their places go to needs of the same or higher priority",
    "no_gain": ", and giving up a less urgent need would not meet more",
    "less_urgent": ": some of their places go to less urgent needs",
    "pinned": ": some of their places go to needs that are pinned to them",
}
"""By a short key: what the places of supporters without one left are used for."""


def one_more(who: str, *, places: int, days: float, km: float, score: float) -> str:
    """Return the nearest option: what one supporter would have to offer as well, to take the need."""
    more = ["one more place" if places == 1 else f"{places:,} more places"] if places > 0 else []
    if days > 0:
        more.append(f"{days:g} more {'day' if days == 1 else 'days'}")
    words = sentence_case(" and ".join(more))
    return f"{words} with {who} would meet this need ({kilometres(km)} away, score {score:.3f})."


def still_open(free: int, first: str) -> Unmet:
    """Return the reason where eligible supporters are free; `first` is one of them."""
    reason = f"{_people_with_both(free)}, but the plan does not use them."
    return Unmet(STILL_OPEN, reason, f"{first} could take this need with nothing else changed.")


def school_limit(free: int, first: str, limit: int) -> Unmet:
    """Return the reason where the school has as many supporters as it may."""
    come = counted(limit, "person comes", "people come")
    reason = f"{_people_with_both(free)}, but {come} to this school already, which is the limit."
    return Unmet(
        "school_limit", reason, f"If one more person were allowed at the school, {first} could take this need."
    )


def home_limit(free: int, first: str, home: str, limit: int, *, or_school: bool) -> Unmet:
    """Return the reason where home schools have as many deployments as they may; `or_school`: or the need's school."""
    already = counted(limit, "deployment leaves", "deployments leave")
    reason = f"{_people_with_both(free)}, but {already} their own school already, which is the limit."
    if or_school:
        reason = f"{_people_with_both(free)}, but each would take this school or their own over its limit."
    option = f"If one more deployment were allowed from {home}, {first} could take this need."
    return Unmet("home_limit", reason, option)


def _people_with_both(free: int) -> str:
    return f"{counted(free, 'eligible person has', 'eligible people have')} a place and the days"


# ---- packages ------------------------------------------------------------------------------------------------------


def package_ineligible(needs: int, package: str, need_id: str, why: Unmet) -> Unmet:
    """Return the reason where no one is eligible for one need of the package, `why` of which is given."""
    reason = f"{_package(needs, package)}, and no one is eligible for {need_id}. {why.reason}"
    return Unmet("package", reason, why.nearest_option)


def package_full(needs: int, package: str, need_id: str, nearest_option: str) -> Unmet:
    """Return the reason where no one eligible is free for one need of the package."""
    reason = f"{_package(needs, package)}, and no one eligible for {need_id} is free."
    return Unmet("package", reason, nearest_option)


def package_short(needs: int, package: str, eligible: str) -> Unmet:
    """Return the reason where the free supporters cannot take all of the package; `eligible` could take this need."""
    reason = f"{_package(needs, package)}, and the people who are free cannot take all of them."
    return Unmet("package", reason, f"{eligible} is eligible for this need.")


def _package(needs: int, package: str) -> str:
    return f"The {counted(needs, 'need')} of package {package} must be met together or not at all"
