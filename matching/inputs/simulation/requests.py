"""Made-up needs of given schools, and a few decisions about them."""

from itertools import cycle

import numpy as np
import pandas as pd

from matching.inputs.simulation.draws import Chance, Flags, Floats, Positions, between, drawn, favourites, shuffled
from matching.inputs.simulation.supporters import AS_AT, identifiers, phase_positions, specialism_weights
from matching.tables.grid import distance_km
from matching.tables.vocabulary import Vocabulary, standard_vocabulary

_WHOLE_SCHOOL_SHARE = {"headship": 0.12, "whole-school improvement": 0.08}

# How much more often a school asks for support than one graded good; a school without a grade counts as good.
_ASKING = {
    "Inadequate": 12.0,
    "Special Measures": 12.0,
    "Serious Weaknesses": 12.0,
    "Requires improvement": 8.0,
    "Outstanding": 0.3,
}
_PRIORITY_SHARE = {"critical": 0.1, "high": 0.25, "normal": 0.65}
_DAYS_FOR_SPECIALISM, _DAYS_FOR_WHOLE_SCHOOL = (1, 8), (5, 10)

_DECISION_REASONS = {
    "pin": "Already at work there; both heads wish to go on.",
    "forbid": "Worked at the school until last year.",
    "declined": "Cannot travel there this year.",
}


def made_up_needs(area: pd.DataFrame, count: int, chance: Chance, with_days: bool) -> pd.DataFrame:
    """Return `count` needs of the schools of an area, in the columns of their table."""
    vocabulary = standard_vocabulary()
    focuses = list(vocabulary.focuses.values())
    school = drawn(chance, [_ASKING.get(grade, 1.0) for grade in area["ofsted"]], count)
    focus = _focuses(school, phase_positions(area, vocabulary), vocabulary, chance)
    is_specialism = np.array([one.is_specialism for one in focuses])[focus]
    days = np.where(
        is_specialism, between(chance, *_DAYS_FOR_SPECIALISM, count), between(chance, *_DAYS_FOR_WHOLE_SCHOOL, count)
    )
    return pd.DataFrame(
        {
            "need_id": identifiers("N", count),
            "school_urn": area["urn"].to_numpy()[school],
            "focus": np.array([one.name for one in focuses])[focus],
            "designations": "",
            "days": days.astype(np.float64) if with_days else np.nan,
            "priority": np.array(list(_PRIORITY_SHARE))[drawn(chance, list(_PRIORITY_SHARE.values()), count)],
            "package": "",
            "notes": "",
        }
    )


def _focuses(school: Positions, school_phase: Positions, vocabulary: Vocabulary, chance: Chance) -> Positions:
    """Return the focus of each need; those of one school differ until it has named them all."""
    asking, which = np.unique(school, return_inverse=True)
    by_urgency = favourites(chance, _focus_weights(vocabulary)[school_phase[asking]])
    earlier = pd.Series(school).groupby(school).cumcount().to_numpy(dtype=np.intp)
    focus: Positions = by_urgency[which, earlier % by_urgency.shape[1]]
    return focus


def _focus_weights(vocabulary: Vocabulary) -> Floats:
    """Return how often each focus (column) is requested by schools of each phase (row)."""
    by_specialism = specialism_weights(vocabulary)
    focuses = vocabulary.focuses.values()
    is_specialism = np.array([focus.is_specialism for focus in focuses])
    whole_school = [_WHOLE_SCHOOL_SHARE.get(focus.name, 0.0) for focus in focuses if not focus.is_specialism]
    weights = np.empty((len(by_specialism), len(focuses)))
    weights[:, ~is_specialism] = whole_school
    weights[:, is_specialism] = by_specialism / by_specialism.sum(axis=1, keepdims=True) * (1 - sum(whole_school))
    return weights


def made_up_decisions(area: pd.DataFrame, people: pd.DataFrame, needs: pd.DataFrame, chance: Chance) -> pd.DataFrame:
    """Return a few decisions of each kind; no two share a need or a supporter, so that every pin can be kept."""
    count = min(len(people), len(needs), 5 + len(needs) // 1000)
    columns = ["phase", "trust", "federation", "easting", "northing"]
    # An area may have no federations.
    schools = area.set_index("urn").reindex(columns=columns, fill_value="")
    people = people.join(schools.drop(columns="phase"), on="school_urn")
    needs = needs.iloc[shuffled(chance, len(needs))[:count]].join(schools, on="school_urn")
    free = np.ones(len(people), dtype=bool)
    rows = []
    for (_, need), kind in zip(needs.iterrows(), cycle(_DECISION_REASONS)):
        suits = free & _suits(people, need)
        home = people["easting"].to_numpy(), people["northing"].to_numpy()
        km = distance_km(*home, need["easting"], need["northing"])
        likely = np.where(suits if suits.any() else free, km, np.inf)
        nearest = int(np.argmin(likely))
        free[nearest] = False
        # A pin must not send a supporter where they cannot serve.
        possible = "forbid" if kind == "pin" and not suits.any() else kind
        rows.append(_decision(possible, str(people["supporter_id"].iat[nearest]), need))
    return pd.DataFrame(rows)


def _decision(kind: str, supporter_id: str, need: pd.Series) -> dict[str, str]:
    """Return one row of the decisions table; `forbid` is about every need of the school."""
    of_school = kind == "forbid"
    return {
        "kind": kind,
        "supporter_id": supporter_id,
        "need_id": "" if of_school else need["need_id"],
        "school_urn": need["school_urn"] if of_school else "",
        "reason": _DECISION_REASONS[kind],
        "by": "coordinator",
        "on": str(AS_AT),
    }


def _suits(people: pd.DataFrame, need: pd.Series) -> Flags:
    """Return whether each supporter could serve the need if it were near enough."""
    focus = standard_vocabulary().focuses[need["focus"]]
    able = (
        people["designation"].isin(focus.accepted_designations)
        & _holds(people["phases"], need["phase"])
        & ~(people["days_available"] < need["days"])
        & (people["school_urn"] != need["school_urn"])
        & (people["conflicts"] != need["school_urn"])
    )
    for group in ("trust", "federation"):
        able &= (people[group] != need[group]) | (people[group] == "")
    if focus.is_specialism:
        able &= _holds(people["specialisms"], focus.name)
    return np.asarray(able, dtype=np.bool_)


def _holds(cells: pd.Series, word: str) -> pd.Series:
    return (";" + cells + ";").str.contains(f";{word};", regex=False)
