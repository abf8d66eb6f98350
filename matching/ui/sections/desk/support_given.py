"""What is handed over of the support itself: days and cost, invoices, and what the schools say of it."""

from datetime import date

import streamlit as st

from matching.errors import counted
from matching.rounds.desk.handed_over import TOTAL, evaluation_summary, evaluations_table, support_workbook
from matching.rounds.desk.money import in_pounds
from matching.rounds.desk.support import SHORT_RATINGS, days_in_words
from matching.rounds.desk.support_table import invoice_table, support_table, total
from matching.rounds.round import Round
from matching.tables.cell_values import CellError, day
from matching.tables.csv_out import csv_bytes, spreadsheet_safe
from matching.ui.formatting import markup
from matching.ui.sections.register.opened import OpenedRegister, opened_register
from matching.ui.widgets import charts

_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST_WORDS = 50


def show_support_given(round_: Round) -> None:
    """Show the invoices and evaluations of a round, with their files."""
    opened = opened_register(round_)
    has_words = any(one.text for found in opened.state.support.evaluations.values() for one in found)
    private = has_words and st.checkbox(
        "Include the schools' words on the impact in these files",
        key="with_impact",
        help="What the schools wrote is private unless you tick this.",
    )
    _show_invoices(opened, private)
    _show_evaluations(opened, private)


def _show_invoices(opened: OpenedRegister, private: bool) -> None:
    st.header("Days and invoices", anchor=False)
    state = opened.state
    if not state.support.visits:
        st.html(markup.paragraph("No visit is logged yet. Log visits on the Plan screen, or from a table on Today."))
        return
    left, right, _ = st.columns([2, 2, 3], gap="medium")
    first, last = _day(left, "Visits from (dd/mm/yyyy)"), _day(right, "Visits until (dd/mm/yyyy)")
    table = support_table(state, opened.supporter_of, opened.inputs, first, last)
    invoice = invoice_table(table)
    said = [f"{days_in_words(total(table, 'days_logged'))} of visits in {counted(len(invoice), 'deployment')}."]
    if state.rates:
        said.append(f"Together they cost {in_pounds(total(table, 'cost_logged'))}.")
        if blank := int((invoice["amount"] == "").sum()):
            rows = counted(blank, "row has", "rows have")
            said.append(f"{rows} no amount, because the designation has no rate.")
    else:
        said.append("There are no rates yet: give them on the Plan screen under “Days and cost”.")
    st.html(markup.paragraph(*said))
    with st.container(horizontal=True):
        st.download_button(
            "Download the invoice table (CSV)", lambda: csv_bytes(invoice), "invoice.csv", "text/csv", on_click="ignore"
        )
        st.download_button(
            "Download days, invoice and totals (Excel)",
            lambda: support_workbook(table, state, private=private),
            "support.xlsx",
            _EXCEL,
            on_click="ignore",
        )


def _day(place: st.delta_generator.DeltaGenerator, label: str) -> date | None:
    typed = (place.text_input(label, max_chars=30, key=label, placeholder="Any day") or "").strip()
    try:
        return day(typed) if typed else None
    except CellError as fault:
        place.html(markup.fault(f"{fault.message} {fault.fix}"))
        return None


def _show_evaluations(opened: OpenedRegister, private: bool) -> None:
    st.header("What the schools say", anchor=False)
    state, table = opened.state, opened.support
    summary = evaluation_summary(table, state)
    whole, done = summary[["deployments", "evaluated"]].to_numpy()[0].tolist()
    if not done:
        st.html(markup.paragraph("No school has evaluated its support yet. Today lists whom to ask."))
        return
    st.html(markup.paragraph(f"Evaluated so far: {done:,} of {counted(whole, 'deployment')}."))
    groups = [one for one in dict.fromkeys(summary["by"]) if one != TOTAL]
    by = st.selectbox("Evaluations by", groups, format_func=lambda one: one[0].upper() + one[1:], key="evaluated_by")
    rows = summary[summary["by"].isin([TOTAL, by])]
    picture, numbers = st.columns(2, gap="large")
    with picture:
        st.altair_chart(
            charts.ratings_chart(rows.head(charts.MOST_BARS), SHORT_RATINGS),
            theme=None,
            alt=f"Ratings by {by}. The table next to it holds the same numbers.",
        )
    headings = {"group": by[0].upper() + by[1:], "deployments": "Deployments", "evaluated": "Evaluated"}
    shown = rows.drop(columns="by").rename(
        columns={**headings, **{f"rated_{one}": SHORT_RATINGS[one] for one in SHORT_RATINGS}}
    )
    with numbers:
        st.html(markup.table(shown, f"What difference the support made, by {by}", numeric=list(shown.columns[1:])))
    words = evaluations_table(table, state, private=True)
    words = words[words["impact"] != ""]
    if len(words):
        with st.expander(f"In the schools' words ({len(words)})"):
            for row in words.head(_MOST_WORDS).to_dict("records"):
                about = ", ".join(row[one] for one in ("school_name", "focus", "supporter_name", "rating_in_words"))
                st.html(markup.term(about, row["impact"]))
    with st.container(horizontal=True):
        st.download_button(
            "Download the evaluations (CSV)",
            lambda: csv_bytes(evaluations_table(table, state, private=private)),
            "evaluations.csv",
            "text/csv",
            on_click="ignore",
        )
        st.download_button(
            "Download the summary (CSV)",
            lambda: csv_bytes(summary.astype(str).map(spreadsheet_safe)),
            "evaluation-summary.csv",
            "text/csv",
            on_click="ignore",
        )
