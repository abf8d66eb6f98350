"""The table of unmet needs, on the Plan screen and before approval."""

import pandas as pd

from matching.tables.formats import PRIORITIES

PRIORITY_COLOURS = dict(zip(PRIORITIES, ("red", "yellow", "grey"), strict=True))


def unmet_table(unmet: pd.DataFrame) -> pd.DataFrame:
    """Return unmet needs under the headings of the screens, the most urgent first.

    Parameters
    ----------
    unmet : DataFrame
        Columns need_id, priority, school, focus, reason and nearest_option.
    """
    rank = unmet["priority"].astype(str).map({priority: place for place, priority in enumerate(PRIORITIES)})
    rows = unmet.assign(rank=rank).sort_values(["rank", "need_id"])
    return pd.DataFrame(
        {
            "Need": rows["need_id"],
            "Priority": rows["priority"].astype(str),
            "School": rows["school"],
            "Focus": rows["focus"],
            "Why it is unmet": rows["reason"],
            "Nearest option": rows["nearest_option"],
        }
    )
