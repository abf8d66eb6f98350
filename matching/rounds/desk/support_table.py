"""The support of a round as one table: the days agreed and logged of each deployment, and what they cost.

Days and pounds are exact decimals. A sum is the sum of the rounded rows, so that every total adds up to the penny.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import pandas as pd

from matching.inputs.inputs import Inputs
from matching.rounds.desk.money import cost
from matching.rounds.desk.support import Terms, plain
from matching.rounds.history.state import RoundState
from matching.tables.csv_out import spreadsheet_safe

SUPPORT_COLUMNS = (
    "need_id",
    "supporter_id",
    "supporter_name",
    "designation",
    "home_school_urn",
    "home_school_name",
    "school_urn",
    "school_name",
    "local_authority",
    "focus",
    "fund",
    "status",
    "start",
    "end",
    "days_agreed",
    "days_logged",
    "first_visit",
    "last_visit",
    "rate",
    "cost_agreed",
    "cost_logged",
)
INVOICE_COLUMNS = (
    *SUPPORT_COLUMNS[:11],
    "first_visit",
    "last_visit",
    "days_logged",
    "rate",
    "amount",
)
_SUMMED = ("days_agreed", "days_logged", "cost_agreed", "cost_logged")
_NOTHING = Decimal(0)


def support_table(
    state: RoundState,
    supporter_of: Mapping[str, str],
    inputs: Inputs,
    first: date | None = None,
    last: date | None = None,
) -> pd.DataFrame:
    """Return the deployments as they are now, and those that have ended after a visit, with their days and cost.

    Parameters
    ----------
    state : RoundState
    supporter_of : mapping of str to str
        The supporter_id by need_id as things are now.
    inputs : Inputs
        Of the register.
    first, last : date, optional
        The days between which visits count; all unless given.

    Returns
    -------
    DataFrame
        `SUPPORT_COLUMNS` by need and supporter. Days and pounds are decimals, and pounds None where there is no rate.
        Of a deployment that has ended, no days are agreed.
    """
    support, rates = state.support, state.rates
    pairs = sorted({*supporter_of.items(), *support.visits})
    needs = inputs.all_needs.set_index("need_id")[["school_urn", "focus", "fund", "days"]].to_dict("index")
    people = inputs.supporters.set_index("supporter_id")[["name", "designation", "school_urn"]].to_dict("index")
    schools = inputs.schools.set_index("urn")[["name", "local_authority"]].to_dict("index")
    rows = []
    for pair in pairs:
        need, person = needs.get(pair[0], {}), people.get(pair[1], {})
        school, home = (schools.get(one.get("school_urn", ""), {}) for one in (need, person))
        terms, rate = support.terms.get(pair, Terms(0)), rates.get(person.get("designation", ""))
        is_now = supporter_of.get(pair[0]) == pair[1]
        visits = [one for one in support.visits.get(pair, ()) if (first or one.on) <= one.on <= (last or one.on)]
        agreed = support.days_agreed(pair, need.get("days", 0.0)) if is_now else _NOTHING
        logged = sum((one.days for one in visits), _NOTHING)
        rows.append(
            (
                *pair,
                person.get("name", pair[1]),
                person.get("designation", ""),
                person.get("school_urn", ""),
                home.get("name", ""),
                need.get("school_urn", ""),
                school.get("name", ""),
                school.get("local_authority", ""),
                need.get("focus", ""),
                need.get("fund", ""),
                state.status_of(*pair),
                terms.start,
                terms.end,
                agreed,
                logged,
                visits[0].on if visits else None,
                visits[-1].on if visits else None,
                rate,
                cost(agreed, rate),
                cost(logged, rate),
            )
        )
    return pd.DataFrame(rows, columns=list(SUPPORT_COLUMNS), dtype="object")


def totals(table: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Return the days and pounds of `support_table` by some of its columns: the sums of its rows.

    Columns: those, deployments, days_agreed, days_logged, cost_agreed, cost_logged (None where no cost is known), and
    without_rate (deployments whose cost is not known and not in the sums).
    """
    rows = [
        [*key, len(group), *(_known_total(group, column) for column in _SUMMED), int(group["rate"].isna().sum())]
        for key, group in table.groupby(list(by), sort=True)
    ]
    return pd.DataFrame(rows, columns=[*by, "deployments", *_SUMMED, "without_rate"], dtype="object")


def total(table: pd.DataFrame, column: str) -> Decimal:
    """Return the sum of a column of days or pounds of `support_table`, without what is not known."""
    return sum((one for one in table[column] if not pd.isna(one)), _NOTHING)


def _known_total(rows: pd.DataFrame, column: str) -> Decimal | None:
    return None if rows[column].isna().all() else total(rows, column)


def plan_cost(deployments: pd.DataFrame, state: RoundState) -> Decimal:
    """Return what the deployments of any plan of a round cost: the sum of their rounded costs, where there is a rate.

    Parameters
    ----------
    deployments : DataFrame
        Of a plan; their days count unless the round has terms with days.
    state : RoundState
    """
    columns = ["need_id", "supporter_id", "days", "designation"]
    costs = (
        cost(state.support.days_agreed((need_id, who), float(days)), state.rates.get(designation))
        for need_id, who, days, designation in deployments[columns].itertuples(index=False, name=None)
    )
    return sum((one for one in costs if one is not None), _NOTHING)


# ---- what is handed over -------------------------------------------------------------------------------------------


def invoice_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return `INVOICE_COLUMNS` as text, a row for each deployment with visits in `support_table`.

    The amount is blank without a rate. No cell runs as a formula.
    """
    rows = table[table["days_logged"] > 0]
    return as_text(rows.assign(amount=rows["cost_logged"]), INVOICE_COLUMNS)


def workload_with_days(workload: pd.DataFrame, table: pd.DataFrame, *, with_cost: bool) -> pd.DataFrame:
    """Return the workload of a plan with `days_logged` and, on request, `cost_agreed` and `cost_logged`, as text."""
    sums = totals(table, "supporter_id").set_index("supporter_id").to_dict("index")
    columns = ["days_logged", *(["cost_agreed", "cost_logged"] if with_cost else [])]
    return workload.assign(
        **{
            column: [_cell(column, sums.get(one, {}).get(column, _NOTHING)) for one in workload["supporter_id"]]
            for column in columns
        }
    )


def as_text(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return some columns of a table of the support as text; no cell runs as a formula."""
    return pd.DataFrame(
        {name: [_cell(name, one) for one in rows[name]] for name in columns}, columns=list(columns), dtype="object"
    )


def _cell(column: str, value: object) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    if isinstance(value, Decimal):
        return plain(value) if column.startswith("days") else f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else spreadsheet_safe(str(value))
