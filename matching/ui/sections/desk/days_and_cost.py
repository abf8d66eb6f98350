"""Days and cost of the support of a round: as one table by deployment, person, school or fund, and the rates a day."""

import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.rounds.desk.money import amount, as_text, in_pounds
from matching.rounds.desk.support import days_in_words, plain
from matching.rounds.desk.support_table import total, totals
from matching.rounds.edits import Faults
from matching.rounds.history.events import HELD, new_event
from matching.rounds.history.state import RoundState
from matching.rounds.round import Round
from matching.tables.vocabulary import standard_vocabulary
from matching.ui.formatting import markup
from matching.ui.sections.confirmation import entries, record_and_confirm
from matching.ui.sections.register.fields import Fields
from matching.ui.sections.register.opened import opened_register
from matching.ui.state import person
from matching.ui.widgets.layout import grid_height

_BY = {
    "deployment": "deployment",
    "supporter_name": "supporter",
    "school_name": "school that is supported",
    "home_school_name": "home school",
    "fund": "fund",
    "designation": "designation",
}
_KEYS = {
    "supporter_name": ("supporter_name", "supporter_id"),
    "school_name": ("school_name", "school_urn"),
    "home_school_name": ("home_school_name", "home_school_urn"),
}


def show_days_and_cost(round_: Round) -> None:
    """Show the days agreed and used, and what they cost, by deployment, person, school or fund."""
    opened = opened_register(round_)
    state, table = opened.state, opened.support
    st.html(markup.paragraph(*_sentences(table, state)))
    by = st.selectbox("Days and cost by", list(_BY), format_func=_BY.__getitem__, key="cost_by")
    rows = _rows(table, by, state)
    st.dataframe(
        rows,
        hide_index=True,
        height=grid_height(len(rows)),
        column_config={
            name: st.column_config.NumberColumn(format="£%.2f" if name.startswith("Cost") else "%g")
            for name in rows.columns
            if name.startswith(("Cost", "Days"))
        },
        alt=f"Days and cost by {_BY[by]}",
        placeholder="",
    )
    if state.rates and (missing := table["designation"][table["rate"].isna()].nunique()):
        words = counted(missing, "designation has", "designations have")
        st.caption(f"{words} no rate, so their cost is not included.")
    _offer_rates(round_, state)


def _sentences(table: pd.DataFrame, state: RoundState) -> list[str]:
    going = table[table["status"].isin(HELD)]
    over = int(sum(one > other > 0 for one, other in zip(table["days_logged"], table["days_agreed"], strict=True)))
    used, agreed = total(table, "days_logged"), total(going, "days_agreed")
    said = [f"{days_in_words(agreed)} are agreed so far, and {days_in_words(used)} are used."]
    if over:
        said.append(f"{counted(over, 'deployment has', 'deployments have')} used more than was agreed.")
    if state.rates:
        planned, spent = (in_pounds(total(table, one)) for one in ("cost_agreed", "cost_logged"))
        said.append(f"All deployments of the plan cost {planned}, and the days used so far {spent}.")
    else:
        said.append("Give the rates a day below to see the cost.")
    return said


def _rows(table: pd.DataFrame, by: str, state: RoundState) -> pd.DataFrame:
    if by == "deployment":
        names = {
            "School": table["school_name"],
            "Focus": table["focus"],
            "Supporter": table["supporter_name"],
            "Status": table["status"],
        }
        fund = {"Fund": table["fund"]} if (table["fund"] != "").any() else {}
        found, last = table, {**fund, "Need": table["need_id"]}
    else:
        found = totals(table, *_KEYS.get(by, (by,)))
        heading = _BY[by][0].upper() + _BY[by][1:]
        names = {heading: found[by].replace("", "Not given"), "Deployments": found["deployments"].astype(int)}
        last = {}
    numbers = {"Days planned": found["days_agreed"], "Days used": found["days_logged"]}
    if state.rates:
        numbers |= {"Cost planned": found["cost_agreed"], "Cost so far": found["cost_logged"]}
    # Only what is shown is a float: the sums were made before.
    as_numbers = {name: pd.to_numeric(cells.astype(object), errors="coerce") for name, cells in numbers.items()}
    return pd.DataFrame({**names, **as_numbers, **last})


# ---- rates ---------------------------------------------------------------------------------------------------------


def _offer_rates(round_: Round, state: RoundState) -> None:
    with st.expander("Rates a day", expanded=not state.rates):
        now = {name: plain(rate) if rate == int(rate) else f"{rate:.2f}" for name, rate in state.rates.items()}
        fields = Fields(f"rates_{entries()}", now)
        with st.form(f"rates_form_{entries()}", border=False):
            designations = standard_vocabulary().designations
            for column, name in zip(st.columns(len(designations)), designations, strict=True):
                with column:
                    fields.text(name, f"Pounds a day of an {name}", most=20)
            st.caption("Blank: no rate. Rates change no plan and no score.")
            pressed = st.form_submit_button("Save the rates")
        if pressed:
            _save(round_, state, fields)


def _save(round_: Round, state: RoundState, fields: Fields) -> None:
    rates, faults = {}, {}
    for name, cell in fields.cells.items():
        try:
            if cell.strip():
                rates[name] = amount(cell, name)
        except ValueError as error:
            faults[name] = " ".join(error.args[:2])
    if not faults and rates == state.rates:
        faults = dict.fromkeys([next(iter(fields.cells))], "Nothing has changed. Change a rate first.")
    if faults:
        fields.show_faults(Faults(faults))
        return
    record_and_confirm(round_, [new_event("rates", by=person.who(), **as_text(rates))], "The rates are saved.")
