"""Fairness: how a plan serves areas, phases, trusts and disadvantage, and how it uses what people offer.

Counts and means only; whether they are fair is for people to judge.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from matching.inputs.groups import group_keys
from matching.inputs.inputs import Inputs
from matching.plan.write import Plan
from matching.tables.csv_out import number_text, spreadsheet_safe
from matching.tables.formats import PRIORITIES
from matching.tables.grid import Kilometres, distance_km, rounded_km

_Numbers = NDArray[np.int64] | pd.Series

EQUITY_COLUMNS = ("by", "group", "needs", "met", "met_percent", "mean_score", "mean_distance_km")
FAIRNESS_COLUMNS = (
    "designation",
    "people",
    "people_without_deployment",
    "places_offered",
    "places_used",
    "places_used_percent",
    "people_with_day_limit",
    "days_offered",
    "days_used",
    "days_used_percent",
    "days_used_without_limit",
)
TOTAL, ALL_NEEDS, ALL_PEOPLE = "total", "all needs", "all"
NOT_KNOWN, NO_TRUST = "not known", "no trust"
FSM_QUINTILES = ("1 (lowest)", "2", "3", "4", "5 (highest)")


def equity(plan: Plan, inputs: Inputs) -> pd.DataFrame:
    """Return how the plan serves each group of needs.

    Parameters
    ----------
    inputs : Inputs
        Of the plan.

    Returns
    -------
    DataFrame
        `EQUITY_COLUMNS`, all text. First the total, then one row for each group that has needs, by local authority,
        region, phase, trust, FSM quintile and priority; `not known` and `no trust` come last. `met_percent` has one
        decimal; the means are over the deployments of the group, and blank where it has none.

    Notes
    -----
    Schools with one trust code are of one trust, and so is a school without a code whose trust's name, however it is
    spelt, has no other code; it is called by the first of its spellings. Trusts that would be called the same have
    their code in brackets.

    FSM quintiles are over every school of the table with a known `fsm_percent`, whether or not it has a need: of n such
    schools, one with k of them below it is in quintile floor(5 k / n) + 1. So schools with equal percentages share a
    quintile, and quintile 5 has the highest. Means are of the scores as plan.csv holds them and of the distances before
    they are rounded. Distances are rounded half up, and the other figures half to even from whole numbers, so that
    anyone who counts again gets the same text.
    """
    needs = _needs_with_groups(plan, inputs)
    orders = {
        "local authority": (),
        "region": (),
        "phase": inputs.vocabulary.phases,
        "trust": (),
        "FSM quintile": FSM_QUINTILES,
        "priority": PRIORITIES,
    }
    tables = [_counted(needs.assign(**{TOTAL: ALL_NEEDS}), TOTAL, ())]
    tables += [_counted(needs, by, order) for by, order in orders.items()]
    return pd.concat(tables, ignore_index=True)[list(EQUITY_COLUMNS)].astype("object")


def fsm_quintiles(fsm_percent: pd.Series) -> pd.Series:
    """Return the quintile of each school of the table, by name; `not known` where it has no percentage.

    Parameters
    ----------
    fsm_percent : Series of float
        Of every school of the table; not a number where it is blank.
    """
    known = fsm_percent.dropna()
    below = known.rank(method="min").astype(int) - 1
    names = np.array(FSM_QUINTILES, dtype=object)[5 * below.to_numpy() // max(len(known), 1)]
    return pd.Series(names, index=known.index, dtype="object").reindex(fsm_percent.index, fill_value=NOT_KNOWN)


def workload_fairness(plan: Plan) -> pd.DataFrame:
    """Return what the people of each designation offer, and how much of it the plan uses.

    Returns
    -------
    DataFrame
        `FAIRNESS_COLUMNS`, all text: the people who can be deployed, by designation, then `all`. `days_offered`,
        `days_used` and their percentage are of the people with a limit, and `days_used_without_limit` of the others.
    """
    workload = plan.workload
    limited = workload["days_available"] != ""
    used, offered = _hundredths(workload["days_used"]), _hundredths(workload["days_available"].where(limited, "0"))
    people = pd.DataFrame(
        {
            "designation": workload["designation"],
            "people": 1,
            "people_without_deployment": workload["deployments"] == "0",
            "places_offered": workload["max_deployments"].astype(int),
            "places_used": workload["deployments"].astype(int),
            "people_with_day_limit": limited,
            "days_offered": offered,
            "days_used": used.where(limited, 0),
            "days_used_without_limit": used.mask(limited, 0),
        }
    )
    by_designation = people.groupby("designation").sum()
    sums = pd.concat([by_designation, by_designation.sum().to_frame(ALL_PEOPLE).T]).astype("int64")
    table = sums.astype(str).assign(
        places_used_percent=_percent(sums["places_used"], sums["places_offered"]),
        days_used_percent=_percent(sums["days_used"], sums["days_offered"]),
    )
    days = ["days_offered", "days_used", "days_used_without_limit"]
    table[days] = (sums[days] / 100).map(number_text)
    return table.reset_index(names="designation")[list(FAIRNESS_COLUMNS)].astype("object")


def distances_km(plan: Plan, inputs: Inputs) -> Kilometres:
    """Return how far apart the schools of each deployment are, in km, before it is rounded for plan.csv."""
    schools = inputs.schools.set_index("urn")[["easting", "northing"]]
    to, home = (schools.loc[plan.deployments[column]].to_numpy().T for column in ("school_urn", "home_school_urn"))
    return distance_km(*to, *home)


def mean_distance_km(plan: Plan, inputs: Inputs) -> float:
    """Return the mean distance of the deployments, rounded to two decimals; 0 without a deployment."""
    return float(rounded_km(distances_km(plan, inputs).mean(keepdims=True))[0]) if len(plan.deployments) else 0.0


def _mean_km(sums: pd.Series, counts: pd.Series) -> list[str]:
    means = rounded_km((sums / counts.where(counts > 0)).to_numpy())
    return ["" if np.isnan(one) else f"{one:.2f}" for one in means.tolist()]


def _needs_with_groups(plan: Plan, inputs: Inputs) -> pd.DataFrame:
    rows = pd.concat([plan.deployments, plan.unmet], ignore_index=True)
    schools = inputs.schools[["urn", "local_authority", "region", "phase"]]
    quintile, trust = fsm_quintiles(inputs.schools["fsm_percent"]), _trusts(inputs.schools)
    schools = schools.assign(quintile=quintile, trust=trust).set_index("urn")
    # By label, so that inputs of another plan are an error and not another school's figures.
    school = schools.loc[rows["school_urn"]]
    met = np.arange(len(rows)) < len(plan.deployments)
    return pd.DataFrame(
        {
            "met": met.astype(int),
            "score_milli": _whole(rows["score"], 1000),
            "distance_km": np.concatenate([distances_km(plan, inputs), np.zeros(len(plan.unmet))]),
            "local authority": _labels(school["local_authority"], NOT_KNOWN),
            "region": _labels(school["region"], NOT_KNOWN),
            "phase": _labels(school["phase"], NOT_KNOWN),
            "trust": _labels(school["trust"], NO_TRUST),
            "FSM quintile": school["quintile"].to_numpy(),
            "priority": rows["priority"].to_numpy(),
        }
    )


def _trusts(schools: pd.DataFrame) -> pd.Series:
    """Return what the trust of each school is called; blank for none."""
    names, keys = schools["trust"], group_keys(schools["trust"])
    code = schools["trust_code"].mask(schools["trust_code"] == "")
    of_name = code.groupby(keys.mask(keys == ""))
    code = code.fillna(of_name.transform("first").where(of_name.transform("nunique") == 1)).fillna("")
    group = ("code " + code).where(code != "", ("name " + keys).where(keys != "", ""))
    spelt = pd.DataFrame({"name": names.where(names != "", "trust " + code), "blank": names == "", "code": code})
    first = spelt.set_index(group).sort_values(["blank", "name"]).groupby(level=0).first()
    twice = first["name"].duplicated(keep=False) & (first.index != "")
    called = first["name"].where(~twice, first["name"] + " (" + first["code"].replace("", "no code") + ")")
    return group.map(called.mask(called.index == "", ""))


def _labels(cells: pd.Series, blank: str) -> list[str]:
    names = {cell: spreadsheet_safe(cell) if cell else blank for cell in cells.unique().tolist()}
    return [names[cell] for cell in cells.tolist()]


def _counted(needs: pd.DataFrame, by: str, order: Sequence[str]) -> pd.DataFrame:
    place = {name: number for number, name in enumerate(order)}
    sums = needs.assign(needs=1).groupby(by)[["needs", "met", "score_milli", "distance_km"]].sum()
    sums = sums.loc[sorted(sums.index, key=lambda one: (one in (NOT_KNOWN, NO_TRUST), place.get(one, -1), one))]
    return pd.DataFrame(
        {
            "by": by,
            "group": sums.index.to_list(),
            "needs": sums["needs"].astype(str).to_list(),
            "met": sums["met"].astype(str).to_list(),
            "met_percent": _percent(sums["met"], sums["needs"]),
            "mean_score": _mean(sums["score_milli"], sums["met"], 3),
            "mean_distance_km": _mean_km(sums["distance_km"], sums["met"]),
        }
    )


def _whole(cells: pd.Series, unit: int) -> NDArray[np.int64]:
    """Return texts as whole numbers of 1/unit; 0 where they are blank."""
    numbers = np.asarray(pd.to_numeric(cells).fillna(0), dtype=float)
    whole: NDArray[np.int64] = np.rint(unit * numbers).astype(np.int64)
    return whole


def _hundredths(cells: pd.Series) -> pd.Series:
    return pd.Series(_whole(cells, 100), index=cells.index)


# Of whole numbers, so that halves are exact and no rounding depends on a float's last bit.
def _mean(sums: _Numbers, counts: _Numbers, decimals: int) -> list[str]:
    return [
        f"{round(total / count) / 10**decimals:.{decimals}f}" if count else ""
        for total, count in zip(sums.tolist(), counts.tolist(), strict=True)
    ]


def _percent(part: _Numbers, whole: _Numbers) -> list[str]:
    return _mean(1000 * part, whole, 1)
