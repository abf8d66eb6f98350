"""Two plans side by side: what each reaches, and which needs and people differ.

Both are compared as they were written; whether each of them holds is for `verify`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from matching.errors import counted, joined
from matching.plan.phrases import need_in_words
from matching.plan.write import Plan
from matching.tables.formats import NEED_STATES

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

FIGURES = {
    "deployments": "deployments",
    "unmet": "unmet needs",
    "people": "people with a deployment",
    "mean_score": "mean score",
    "mean_distance_km": "mean distance in km",
}
"""What is compared next to the levels of the objective, in words."""

_OF_EACH_PLAN = ("supporter_id", "supporter_name", "score", "distance_km")
_ABOUT = ("school_urn", "school_name", "focus", "priority")


@dataclass(frozen=True)
class Comparison:
    """What differs between two plans.

    Attributes
    ----------
    levels : DataFrame
        level, before, after and difference: the four levels of the objective, then the other `FIGURES`.
    changes : DataFrame
        `CHANGE_COLUMNS`, all text, one row for each need that is not served alike, by kind of change, then need_id.
    workload : DataFrame
        supporter_id, supporter_name, before and after (deployments), for each person whose number differs.
    """

    levels: pd.DataFrame
    changes: pd.DataFrame
    workload: pd.DataFrame

    def sentences(self) -> list[str]:
        """Return the comparison in a few sentences."""
        kinds = self.changes["change"].value_counts()
        phrases = [f"{counted(int(kinds[kind]), 'need')} {CHANGES[kind]}" for kind in CHANGES if kind in kinds]
        if not phrases:
            return ["Both plans serve every need in the same way."]
        people = set(self.changes["supporter_id_before"]) | set(self.changes["supporter_id_after"])
        return [
            f"{'; '.join(phrases)}.",
            *self._not_open(),
            f"{counted(len(people - {''}), 'person is', 'people are')} affected.",
        ]

    def _not_open(self) -> Iterator[str]:
        for state in NEED_STATES[1:]:
            rows = self.changes[self.changes["change"] == state]
            if len(rows):
                columns = (rows["focus"], rows["school_name"], rows["need_id"])
                named = [need_in_words(*row) for row in zip(*columns, strict=True)]
                yield f"{joined(named)} {'is' if len(named) == 1 else 'are'} {state}."


def compare(before: Plan, after: Plan) -> Comparison:
    """Return what differs between two plans, need by need and person by person."""
    return Comparison(_levels(before, after), _changes(before, after), _workload(before, after))


def _levels(before: Plan, after: Plan) -> pd.DataFrame:
    sides = [_reached(plan) for plan in (before, after)]
    rows = [(name, sides[0][name], sides[1][name], round(sides[1][name] - sides[0][name], 3)) for name in sides[0]]
    return pd.DataFrame(rows, columns=["level", "before", "after", "difference"])


def _reached(plan: Plan) -> dict[str, float]:
    score = pd.to_numeric(plan.deployments["score"])
    distance_km = pd.to_numeric(plan.deployments["distance_km"])
    return {
        **{level["level"]: level["value"] for level in plan.manifest["objective"]},
        "deployments": len(plan.deployments),
        "unmet": len(plan.unmet),
        "people": plan.deployments["supporter_id"].nunique(),
        "mean_score": round(float(score.mean()), 3) if len(score) else 0.0,
        "mean_distance_km": round(float(distance_km.mean()), 2) if len(score) else 0.0,
    }


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
