"""The workbook of the support of a round: days and cost, invoices, totals and evaluations, a sheet for each."""

import pandas as pd

from matching.rounds.desk.evaluations import evaluation_summary, evaluations_table
from matching.rounds.desk.support_table import SUPPORT_COLUMNS, as_text, invoice_table, totals
from matching.rounds.history.state import RoundState
from matching.tables.csv_out import spreadsheet_safe, workbook_bytes

_TOTALS = {
    "By supporter": ("supporter_name", "supporter_id", "designation"),
    "By home school": ("home_school_name", "home_school_urn"),
    "By school": ("school_name", "school_urn"),
    "By fund": ("fund",),
}
_SUMS = ("deployments", "days_agreed", "days_logged", "cost_agreed", "cost_logged")
_NUMBERS = {"rate", "amount", "evaluated", *_SUMS, *(f"rated_{one}" for one in range(1, 5))}


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
    Money is there only if the round has rates. The last row of each sheet of totals is their sum.
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
    return workbook_bytes(sheets, _NUMBERS)


def _with_total(table: pd.DataFrame, by: tuple[str, ...], state: RoundState) -> pd.DataFrame:
    sums = _without_money(_SUMS, state)
    rows = as_text(totals(table, *by), [*by, *sums])
    last = as_text(totals(table.assign(all=""), "all"), sums)
    last.insert(0, by[0], "Total")
    return pd.concat([rows, last], ignore_index=True).fillna("")


def _without_money(columns: tuple[str, ...], state: RoundState) -> list[str]:
    return [one for one in columns if state.rates or not one.startswith(("cost", "rate"))]
