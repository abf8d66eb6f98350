"""Two plans side by side: what each reaches, and which needs and people differ.

Both are compared as they were written; whether each of them holds is for `verify`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from matching.errors import counted, joined
from matching.inputs.inputs import Inputs
from matching.pairs.rules import Rulebook, positions
from matching.plan.equity import mean_distance_km
from matching.plan.phrases import need_in_words
from matching.plan.write import Plan
from matching.tables.formats import NEED_STATES
from matching.tables.policy import Policy

CHANGE_COLUMNS = (
    "need_id",
    "school_urn",
    "school_name",
    "focus",
    "priority",
    "change",
    "supporter_id_before",
    "supporter_name_before",
    "score_before",
    "distance_km_before",
    "supporter_id_after",
    "supporter_name_after",
    "score_after",
    "distance_km_after",
)
CHANGES = {
    "gained": "newly met",
    "lost": "no longer met",
    "moved": "met by a different supporter",
    "added": "only in the second plan",
    "removed": "only in the first plan",
    "paused": "paused in the second plan",
    "withdrawn": "withdrawn in the second plan",
    "resumed": "open again in the second plan",
}
"""Every kind of change of a need and its words, in the order in which they are listed."""

SCORES = {
    "score": "total score",
    "score_by_first": "total score under the first plan's rules",
    "score_by_second": "total score under the second plan's rules",
}
"""The sum of the scores, in words. Plans that score pairs by different rules have it under both."""

KEPT_BONUS = "kept_bonus"
FIGURES = {
    KEPT_BONUS: "what a rerun adds for deployments that it keeps",
    "deployments": "deployments",
    "unmet": "unmet needs",
    "people": "people with a deployment",
    "mean_score": "mean score",
    "mean_distance_km": "mean distance in km",
}
"""What is compared next to needs met and scores, in words."""

_OF_EACH_PLAN = ("supporter_id", "supporter_name", "score", "distance_km")
_ABOUT = ("school_urn", "school_name", "focus", "priority")


@dataclass(frozen=True)
class Comparison:
    """What differs between two plans.

    Attributes
    ----------
    levels : DataFrame
        level, before, after and difference: needs met by priority, then those of `SCORES` and `FIGURES` that apply.
    changes : DataFrame
        `CHANGE_COLUMNS`, all text, one row for each need that is not served alike, by kind of change, then need_id.
    workload : DataFrame
        supporter_id, supporter_name, before and after (deployments), for each person whose number differs.
    scores_alike : bool
        Whether both plans score a pair by the same weights, fits and limits.
    """

    levels: pd.DataFrame
    changes: pd.DataFrame
    workload: pd.DataFrame
    scores_alike: bool = True

    def sentences(self) -> list[str]:
        """Return the comparison in a few sentences."""
        kinds = self.changes["change"].value_counts()
        phrases = [f"{counted(int(kinds[kind]), 'need')} {CHANGES[kind]}" for kind in CHANGES if kind in kinds]
        if not phrases:
            return ["Both plans serve every need in the same way.", *self._rules()]
        people = set(self.changes["supporter_id_before"]) | set(self.changes["supporter_id_after"])
        return [
            f"{'; '.join(phrases)}.",
            *self._not_open(),
            f"{counted(len(people - {''}), 'person is', 'people are')} affected.",
            *self._rules(),
        ]

    def _rules(self) -> list[str]:
        return [] if self.scores_alike else ["The plans score by different rules, so each total is given under both."]

    def _not_open(self) -> Iterator[str]:
        for state in NEED_STATES[1:]:
            rows = self.changes[self.changes["change"] == state]
            if len(rows):
                columns = (rows["focus"], rows["school_name"], rows["need_id"])
                named = [need_in_words(*row) for row in zip(*columns, strict=True)]
                yield f"{joined(named)} {'is' if len(named) == 1 else 'are'} {state}."


def compare(
    before: Plan,
    after: Plan,
    inputs_of: Callable[[], tuple[Inputs, Inputs]],
    *,
    mean_km: tuple[float, float] | None = None,
) -> Comparison:
    """Return what differs between two plans, need by need and person by person.

    Parameters
    ----------
    inputs_of : callable
        Returns the inputs of both plans; called only where they are needed.
    mean_km : tuple of float, optional
        The mean distance of each plan, if it is known; else it is taken from the inputs.
    """
    plans, alike = (before, after), _scoring(before) == _scoring(after)
    means = mean_km or tuple(map(mean_distance_km, plans, inputs_of()))
    scores: list[Mapping[str, float]] = [{"score": _points(plan)} for plan in plans]
    if not alike:
        one, other = inputs_of()
        scores = [
            {"score_by_first": _points(before), "score_by_second": _points_under(before, one, other.policy)},
            {"score_by_first": _points_under(after, other, one.policy), "score_by_second": _points(after)},
        ]
    sides = [_reached(*side) for side in zip(plans, scores, means, strict=True)]
    return Comparison(_levels(*sides), _changes(before, after), _workload(before, after), alike)


def _scoring(plan: Plan) -> dict[str, Any]:
    """Return the parts of a plan's policy that a score depends on."""
    parts = ("weights", "max_distance_km", "specialism_fit", "related_specialisms", "phase_fit")
    return {name: plan.manifest["policy"].get(name) for name in parts}


def _milli(plan: Plan) -> pd.Series:
    return (1000 * pd.to_numeric(plan.deployments["score"])).round().astype("int64")


def _points(plan: Plan) -> float:
    return float(_milli(plan).sum()) / 1000


def _points_under(plan: Plan, inputs: Inputs, policy: Policy) -> float:
    """Return the total score that a plan's deployments have under another policy."""
    rulebook = Rulebook(replace(inputs, policy=policy), np.ones(len(inputs.supporters), dtype=bool))
    need, supporter = (
        positions(table[key], plan.deployments[key])
        for table, key in ((inputs.needs, "need_id"), (inputs.supporters, "supporter_id"))
    )
    return float(rulebook.fits(need, supporter).score_milli.sum()) / 1000


def _reached(plan: Plan, scores: Mapping[str, float], mean_km: float) -> dict[str, float]:
    *counts, last = plan.manifest["objective"]
    milli = _milli(plan)
    return {
        **{level["level"]: level["value"] for level in counts},
        **scores,
        KEPT_BONUS: round(last["value"] - _points(plan), 3),
        "deployments": len(plan.deployments),
        "unmet": len(plan.unmet),
        "people": plan.deployments["supporter_id"].nunique(),
        "mean_score": round(float(milli.mean()) / 1000, 3) if len(milli) else 0.0,
        "mean_distance_km": mean_km,
    }


def _levels(before: Mapping[str, float], after: Mapping[str, float]) -> pd.DataFrame:
    # Means of scores by different rules cannot be compared.
    without = set() if "score" in before else {"mean_score"}
    if not (before[KEPT_BONUS] or after[KEPT_BONUS]):
        without.add(KEPT_BONUS)
    names = [name for name in before if name not in without]
    rows = [(name, before[name], after[name], round(after[name] - before[name], 3)) for name in names]
    return pd.DataFrame(rows, columns=["level", "before", "after", "difference"])


def _changes(before: Plan, after: Plan) -> pd.DataFrame:
    both = _by_need(before).merge(_by_need(after), on="need_id", how="outer", suffixes=("_before", "_after"))
    was, is_now = both["supporter_id_before"], both["supporter_id_after"]
    change = np.select(
        [was.isna(), is_now.isna(), was == is_now, was == "", is_now == ""],
        ["added", "removed", "", "gained", "lost"],
        "moved",
    )
    about = {name: both[f"{name}_after"].fillna(both[f"{name}_before"]) for name in _ABOUT}
    frame = both.assign(**about, change=change).fillna("").reset_index()
    # Why a need is only in one of them; format 1 knew no states.
    states = [plan.manifest.get("not_open", {}) for plan in (before, after)]
    is_gone, is_new = frame["change"] == "removed", frame["change"] == "added"
    frame.loc[is_gone, "change"] = [states[1].get(one, "removed") for one in frame.loc[is_gone, "need_id"]]
    frame.loc[is_new, "change"] = ["resumed" if one in states[0] else "added" for one in frame.loc[is_new, "need_id"]]
    kept = frame[frame["change"] != ""]
    order = kept["change"].map({kind: place for place, kind in enumerate(CHANGES)})
    return kept.assign(order=order).sort_values(["order", "need_id"], ignore_index=True)[list(CHANGE_COLUMNS)]


def _by_need(plan: Plan) -> pd.DataFrame:
    """Return every need of a plan; the columns about a supporter are blank where it is unmet."""
    columns = ["need_id", *_ABOUT, *_OF_EACH_PLAN]
    needs = pd.concat([plan.deployments, plan.unmet]).reindex(columns=columns).fillna("")
    return needs.set_index("need_id")


def _workload(before: Plan, after: Plan) -> pd.DataFrame:
    sides = [plan.workload.set_index("supporter_id") for plan in (before, after)]
    names = pd.concat([side["supporter_name"] for side in sides])
    names = names[~names.index.duplicated(keep="last")].sort_index()
    counts = [side["deployments"].astype(int).reindex(names.index).fillna(0).astype(int) for side in sides]
    frame = pd.DataFrame({"supporter_name": names, "before": counts[0], "after": counts[1]})
    return frame[frame["before"] != frame["after"]].reset_index(names="supporter_id")
