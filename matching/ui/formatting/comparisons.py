"""Tables of what differs between two plans, under the headings of the screens."""

from collections.abc import Mapping
from decimal import Decimal

import pandas as pd

from matching.plan.compare import FIGURES, KEPT_BONUS, SCORES
from matching.rounds.desk.money import in_pounds
from matching.tables.formats import PRIORITIES
from matching.whatif.why_not import WhyNot

NO_SUPPORTER = "No supporter"

_KINDS = {
    "gained": "Newly met",
    "lost": "No longer met",
    "moved": "Another supporter",
    "added": "New need",
    "removed": "Need removed",
    "paused": "Need paused",
    "withdrawn": "Need withdrawn",
    "resumed": "Need open again",
}


def components(answer: WhyNot, other: str) -> pd.DataFrame:
    """Return the components of a score, next to those of the person in the plan now if there is one (`other`)."""
    parts = answer.components
    table = pd.DataFrame(
        {
            "Part": parts["component"].str.capitalize(),
            "Weight": parts["weight"],
            "Fit": parts["fit"],
            "Adds": parts["adds"],
        }
    )
    # Short headings, because a phone shows them next to each figure; the caption names the person.
    return table.assign(**{"Fit now": parts["chosen_fit"], "Adds now": parts["chosen_adds"]}) if other else table


def levels(table: pd.DataFrame, now: str, then: str) -> pd.DataFrame:
    """Return the four levels before and after; `table` has level, two numbers and their difference."""
    _, first, second, difference = table.columns
    return pd.DataFrame(
        {
            "Level": [_level_words(one) for one in table["level"]],
            now: [_number(*one) for one in zip(table["level"], table[first], strict=True)],
            then: [_number(*one) for one in zip(table["level"], table[second], strict=True)],
            "Difference": [_signed(*one) for one in zip(table["level"], table[difference], strict=True)],
        }
    )


def pounds(before: Decimal, after: Decimal) -> tuple[str, str, str]:
    """Return two amounts and their difference in words."""
    difference = after - before
    sign = "+" if difference > 0 else "\N{MINUS SIGN}" if difference < 0 else ""
    return in_pounds(before), in_pounds(after), f"{sign}{in_pounds(abs(difference))}"


def _level_words(level: str) -> str:
    if level in PRIORITIES:
        return f"{level.capitalize()} needs met"
    if level == "mean_distance_km":
        return "Mean distance (km)"
    words = (SCORES | FIGURES)[level]
    return words[0].upper() + words[1:]


def _decimals(level: str) -> int:
    return 2 if level == "mean_distance_km" else 3 if level in (*SCORES, KEPT_BONUS, "mean_score") else 0


def _number(level: str, value: float) -> str:
    return f"{value:,.{_decimals(level)}f}"


def _signed(level: str, value: float) -> str:
    rounded = round(value, _decimals(level))
    return f"{rounded:+,.{_decimals(level)}f}".replace("-", "\N{MINUS SIGN}") if rounded else "0"


def moves(changes: pd.DataFrame) -> pd.DataFrame:
    """Return the changes from one plan to another; `changes` has `matching.plan.compare.CHANGE_COLUMNS`."""
    return pd.DataFrame(
        {
            "Need": changes["need_id"],
            "Priority": changes["priority"],
            "School": changes["school_name"],
            "Focus": changes["focus"],
            "Change": changes["change"].map(_KINDS),
            "Before": _side(changes, "before"),
            "After": _side(changes, "after"),
        }
    )


def _side(changes: pd.DataFrame, side: str) -> list[str]:
    columns = [f"supporter_name_{side}", f"supporter_id_{side}", f"distance_km_{side}"]
    return [
        f"{name} ({identifier}), {km} km" if identifier else NO_SUPPORTER
        for name, identifier, km in changes[columns].itertuples(index=False, name=None)
    ]


def compared_workload(table: pd.DataFrame) -> pd.DataFrame:
    """Return whose number of deployments differs; `table` is that of `matching.plan.compare.Comparison`."""
    return pd.DataFrame(
        {
            "Person": table["supporter_name"] + " (" + table["supporter_id"] + ")",
            "Before": table["before"],
            "After": table["after"],
        }
    )


def disturbed(people: pd.DataFrame, need_names: Mapping[str, str]) -> pd.DataFrame:
    """Return the people whose deployments a new plan changes, those who lose one first.

    Parameters
    ----------
    people : DataFrame
        As `matching.whatif.rerun.Preview` has them.
    need_names : mapping of str to str
        Each need in words, by need_id.
    """
    left = _not_in(people["had"], people["gets"], need_names)
    new = _not_in(people["gets"], people["had"], need_names)
    table = pd.DataFrame(
        {
            "Person": people["supporter_name"] + " (" + people["supporter_id"] + ")",
            "Loses": [one or "–" for one in left],
            "Gains": [one or "–" for one in new],
            "Because": people["because"],
        }
    )
    order = people.assign(has_lost=[not one for one in left]).sort_values(["has_lost", "supporter_id"], kind="stable")
    table = table.loc[order.index]
    return table if table["Because"].any() else table.drop(columns="Because")


def _not_in(these: pd.Series, those: pd.Series, need_names: Mapping[str, str]) -> list[str]:
    """Return the needs of each cell that the cell next to it lacks, by name."""
    cells = [(first.split(";"), set(second.split(";"))) for first, second in zip(these, those, strict=True)]
    return ["; ".join(need_names.get(one, one) for one in first if one and one not in other) for first, other in cells]
