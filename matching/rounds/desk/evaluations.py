"""What the receiving schools say of the support: ratings by group, and their words where the user shares them."""

import pandas as pd

from matching.rounds.desk.support import RATINGS
from matching.rounds.history.events import HELD
from matching.rounds.history.state import RoundState
from matching.tables.csv_out import spreadsheet_safe

GROUPS = {"local_authority": "local authority", "designation": "designation", "focus": "focus"}
"""The columns of the support table by which evaluations are counted, with their names."""
TOTAL, ALL, NOT_KNOWN = "total", "all deployments", "not known"
_NUMBERS = {f"rated_{number}": number for number in RATINGS}
SUMMARY_COLUMNS = ("by", "group", "deployments", "evaluated", *_NUMBERS)
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
