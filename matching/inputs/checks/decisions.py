"""Decisions about needs and supporters: one row for each need, and which of them contradict each other."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from matching.errors import Problem, counted, joined
from matching.tables.table_reader import Table

DECISION_COLUMNS = ("row", "kind", "supporter_id", "need_id", "reason", "by", "on", "rules_broken")


def for_each_need(decisions: pd.DataFrame, needs: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each need that a decision is about.

    Parameters
    ----------
    decisions : DataFrame
        DECISION_COLUMNS and `school_urn`; a row without a need_id is about every need of that school.
    needs : DataFrame
        With need_id and school_urn.

    Returns
    -------
    DataFrame
        DECISION_COLUMNS, sorted by need, supporter, kind, reason and by.
    """
    of_school = decisions[decisions["need_id"] == ""].drop(columns="need_id")
    spread = of_school.merge(needs[["need_id", "school_urn"]], on="school_urn")
    both = pd.concat([decisions[decisions["need_id"] != ""], spread[decisions.columns]], ignore_index=True)
    return in_order(both)


def in_order(decisions: pd.DataFrame) -> pd.DataFrame:
    """Return DECISION_COLUMNS of the decisions in an order that does not depend on the order of the rows."""
    order = ["need_id", "supporter_id", "kind", "reason", "by"]
    return decisions[list(DECISION_COLUMNS)].sort_values(order, ignore_index=True)


def no_decisions() -> pd.DataFrame:
    """Return a table of decisions without a row."""
    return pd.DataFrame(columns=list(DECISION_COLUMNS), dtype="object")


def scope_problems(decisions: Table, needs: Table, schools: set[str] | None) -> Iterator[Problem]:
    """Yield what is wrong with the needs and schools that decisions name; `schools` are the known URNs."""
    school_of = dict(zip(needs.frame["need_id"], needs.frame["school_urn"], strict=True))
    asking = set(school_of.values()) | needs.misfit_cells
    columns = ["row", "need_id", "school_urn"]
    for row, need_id, school_urn in decisions.frame[columns].itertuples(index=False):
        if need_id == "" and school_urn == "":
            message, fix = "The decision names neither a need nor a school.", "Give need_id or school_urn."
            yield Problem(decisions.name, row, "need_id", "", message, fix)
        elif need_id == "" and school_urn and school_urn not in asking:
            if schools is not None and school_urn not in schools:
                continue  # an unknown school is a problem of its own
            message, fix = f"School {school_urn} has no need in this round.", "Check the URN, or remove the row."
            yield Problem(decisions.name, row, "school_urn", school_urn, message, fix)
        elif need_id and school_urn and need_id in school_of and school_of[need_id] != school_urn:
            message = f"Need {need_id} is for school {school_of[need_id]}, not {school_urn}."
            yield Problem(decisions.name, row, "school_urn", school_urn, message, "Correct one of them.")


def rule_problems(decisions: Table) -> Iterator[Problem]:
    """Yield the decisions that name broken rules and are not pins."""
    frame = decisions.frame
    named = frame[frame["rules_broken"].map(bool) & frame["kind"].notna() & (frame["kind"] != "pin")]
    for row, kind, rules in named[["row", "kind", "rules_broken"]].itertuples(index=False):
        message = f"Only a pin can break a rule, and this decision is of the kind '{kind}'."
        yield Problem(decisions.name, row, "rules_broken", ";".join(rules), message, "Leave the cell blank.")


def pin_problems(
    name: str, decisions: pd.DataFrame, supporters: pd.DataFrame, needs: pd.DataFrame
) -> Iterator[Problem]:
    """Yield the contradictions of pins: with each other, with a bar, and with what the supporter offers.

    A pin may contradict a bar, or the places or days of its supporter, if it names that rule. The supporter's other
    pins must then fit without it.

    Parameters
    ----------
    name : str
        What problems call the decisions.
    decisions : DataFrame
        As `for_each_need` returns them.
    """
    pins = decisions[decisions["kind"] == "pin"]
    named = pins.groupby(["need_id", "supporter_id"])["rules_broken"].transform("sum")
    pins = pins.assign(rules_broken=named).drop_duplicates(["need_id", "supporter_id"])
    barred = decisions[decisions["kind"] != "pin"].drop_duplicates(["need_id", "supporter_id"])
    for need_id, rows in pins.groupby("need_id"):
        if len(rows) > 1:
            message = f"Need {need_id} is pinned to {joined(rows['supporter_id'])}, and a need takes one supporter."
            yield Problem(name, min(rows["row"]), "need_id", str(need_id), message, "Keep one of the pins.")
    clash = pins.merge(barred, on=["need_id", "supporter_id"], suffixes=("", "_barred"))
    columns = ["row", "need_id", "supporter_id", "rules_broken", "kind_barred", "row_barred"]
    for row, need_id, supporter_id, rules, kind, row_barred in clash[columns].itertuples(index=False):
        word = "forbidden" if kind == "forbid" else "declined"
        if word not in rules:
            message = f"{supporter_id} is pinned to need {need_id} and also {word} for it in row {row_barred}."
            fix = f"Remove one of the two decisions, or keep the pin by '{word}' under rules_broken."
            yield Problem(name, row, "kind", "pin", message, fix)
    yield from _overfull_pins(name, pins, supporters, needs)


def _overfull_pins(name: str, pins: pd.DataFrame, supporters: pd.DataFrame, needs: pd.DataFrame) -> Iterator[Problem]:
    joined = pins.merge(needs[["need_id", "days"]], on="need_id").merge(
        supporters[["supporter_id", "max_deployments", "days_available"]], on="supporter_id"
    )
    for supporter_id, rows in joined.groupby("supporter_id"):
        places, days = rows["max_deployments"].iloc[0], rows["days_available"].iloc[0]
        within = {rule: rows[[rule not in rules for rules in rows["rules_broken"]]] for rule in ("places", "days")}
        count, asked = len(within["places"]), within["days"]["days"].sum()
        faults = {}
        if count > places:
            faults["places"] = f"{counted(count, 'need')} and offers {counted(places, 'place')}"
        if np.rint(100 * asked) > np.rint(100 * days):
            faults["days"] = f"needs of {_in_days(asked)} together and offers {_in_days(days)}"
        for rule, words in faults.items():
            message = f"{supporter_id} is pinned to {words}."
            fix = f"Remove a pin, change what the supporter offers, or keep a pin by '{rule}' under rules_broken."
            yield Problem(name, min(within[rule]["row"]), "supporter_id", str(supporter_id), message, fix)


def _in_days(days: float) -> str:
    written = f"{days:,.2f}".rstrip("0").rstrip(".")
    return f"{written} {'day' if written == '1' else 'days'}"
