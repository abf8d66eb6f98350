"""What is handed over of the support of a round: what the schools say of it, and all of it as one workbook."""

import pandas as pd

from matching.rounds.desk.support import RATINGS
from matching.rounds.desk.support_table import SUPPORT_COLUMNS, as_text, invoice_table, totals
from matching.rounds.history.events import HELD
from matching.rounds.history.state import RoundState
from matching.tables.csv_out import spreadsheet_safe, workbook_bytes

GROUPS = {"local_authority": "local authority", "designation": "designation", "focus": "focus"}
"""The columns of the support table by which evaluations are counted, with their names."""
TOTAL, ALL, NOT_KNOWN = "total", "All deployments", "Not known"
_RATED = {f"rated_{number}": number for number in RATINGS}
SUMMARY_COLUMNS = ("by", "group", "deployments", "evaluated", *_RATED)
EVALUATION_COLUMNS = (
    "need_id",
    "school_name",
    "local_authority",
    "focus",
    "supporter_id",
    "supporter_name",
    "designation",
    "on",
    "rating",
    "rating_in_words",
)


def evaluations_table(table: pd.DataFrame, state: RoundState, *, private: bool = False) -> pd.DataFrame:
    """Return the last evaluation of each deployment as text, `EVALUATION_COLUMNS`; no cell runs as a formula.

    Parameters
    ----------
    table : DataFrame
        As `matching.rounds.desk.support_table.support_table` returns it.
    state : RoundState
    private : bool
        Whether the words of the schools are in a last column, `impact`.
    """
    rows = []
    for row in table.to_dict("records"):
        found = state.support.evaluations.get((row["need_id"], row["supporter_id"]))
        if found:
            last = found[-1]
            said = {"on": last.on.isoformat(), "rating": last.rating, "rating_in_words": RATINGS[last.rating]}
            rows.append({**{str(name): cell for name, cell in row.items()}, **said, "impact": last.text})
    columns = [*EVALUATION_COLUMNS, *(["impact"] if private else [])]
    return pd.DataFrame(rows, columns=columns, dtype="object").map(lambda one: spreadsheet_safe(str(one)))


def evaluation_summary(table: pd.DataFrame, state: RoundState) -> pd.DataFrame:
    """Return the number of evaluations with each rating: in all, and by each of `GROUPS`.

    Returns
    -------
    DataFrame
        `SUMMARY_COLUMNS`: `deployments` counts those that are agreed, active, paused or completed or were evaluated.
        A mean of ratings is not given: the steps between them are not equal.
    """
    last = {pair: found[-1].rating for pair, found in state.support.evaluations.items()}
    rated = [last.get(pair, "") for pair in zip(table["need_id"], table["supporter_id"], strict=True)]
    counted = table.assign(rating=rated)
    counted = counted[counted["status"].isin(HELD) | (counted["rating"] != "")]
    rows = [(TOTAL, ALL, *_counts(counted))]
    for column, name in GROUPS.items():
        rows += [(name, str(group) or NOT_KNOWN, *_counts(part)) for group, part in counted.groupby(column, sort=True)]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _counts(rows: pd.DataFrame) -> tuple[int, ...]:
    ratings = rows["rating"]
    return len(rows), int((ratings != "").sum()), *(int((ratings == number).sum()) for number in RATINGS)


# ---- the workbook ---------------------------------------------------------------------------------------------------

_TOTALS = {
    "By supporter": ("supporter_name", "supporter_id", "designation"),
    "By home school": ("home_school_name", "home_school_urn"),
    "By school": ("school_name", "school_urn"),
    "By fund": ("fund",),
}
_SUMS = ("deployments", "days_agreed", "days_logged", "cost_agreed", "cost_logged")
_NUMBER_COLUMNS = {"rate", "without_rate", "amount", "evaluated", *_SUMS, *(f"rated_{one}" for one in range(1, 5))}


def support_workbook(table: pd.DataFrame, state: RoundState, *, private: bool = False) -> bytes:
    """Return the support as one workbook; no cell is a formula or a link.

    Parameters
    ----------
    table : DataFrame
        As `matching.rounds.desk.support_table.support_table` returns it.
    state : RoundState
    private : bool
        Whether it holds the words of the schools on the impact.

    Notes
    -----
    Money is there only if the round has rates, and `without_rate` only if a designation has none. The last row of each
    sheet of totals is their sum.
    """
    sheets = {"Days": as_text(table, _without_money(SUPPORT_COLUMNS, state))}
    invoice = invoice_table(table)
    if len(invoice) and state.rates:
        sheets["Invoice"] = invoice
    for title, by in _TOTALS.items():
        if title != "By fund" or (table["fund"] != "").any():
            sheets[title] = _with_total(table, by, state)
    summary = evaluation_summary(table, state)
    if summary["evaluated"].any():
        sheets["Evaluation summary"] = summary.astype(str).map(spreadsheet_safe)
        sheets["Evaluations"] = evaluations_table(table, state, private=private)
    return workbook_bytes(sheets, _NUMBER_COLUMNS)


def _with_total(table: pd.DataFrame, by: tuple[str, ...], state: RoundState) -> pd.DataFrame:
    sums = _without_money(_SUMS, state)
    if state.rates and table["rate"].isna().any():
        sums.append("without_rate")
    rows = as_text(totals(table, *by), [*by, *sums])
    last = as_text(totals(table.assign(all=""), "all"), sums)
    last.insert(0, by[0], "Total")
    return pd.concat([rows, last], ignore_index=True).fillna("")


def _without_money(columns: tuple[str, ...], state: RoundState) -> list[str]:
    return [one for one in columns if state.rates or not one.startswith(("cost", "rate"))]
