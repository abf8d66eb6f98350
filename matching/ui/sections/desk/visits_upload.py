"""Visits from a table: uploaded, looked at, and then logged all together."""

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted, first_ten
from matching.rounds.desk.support import days_in_words
from matching.rounds.desk.visits_table import VISITS, ProposedVisits, proposed_visits
from matching.tables.csv_out import csv_bytes
from matching.ui.formatting import markup
from matching.ui.sections.confirmation import entries, record_and_confirm
from matching.ui.sections.register.opened import OpenedRegister
from matching.ui.state import person
from matching.ui.widgets.uploads import uploaded_file

_MOST_SHOWN, _MOST_FAULTS = 20, 20


def offer_visits_table(opened: OpenedRegister) -> None:
    """Offer to log the visits of a table; they are shown first, and all are logged or none."""
    with st.expander("Log visits from a table"):
        columns = ", ".join(VISITS.column_names)
        st.html(
            markup.paragraph(
                f"A CSV or Excel file with a row for each visit and the columns {columns}. Visits that are logged "
                "already are passed over, so you can upload the same list again when it has grown."
            )
        )
        st.download_button(
            "Download an empty table (CSV)",
            lambda: csv_bytes(pd.DataFrame(columns=list(VISITS.column_names))),
            "visits.csv",
            "text/csv",
            on_click="ignore",
        )
        source = uploaded_file("Table of visits", f"visits_{entries()}")
        if source is None:
            return
        needs, people = opened.inputs.all_needs["need_id"], opened.inputs.supporters["supporter_id"]
        try:
            found = proposed_visits(source, opened.state, {*needs}, {*people}, by=person.who())
        except DataError as error:
            lines = [str(one) for one in error.problems]
            more = [f"And {len(lines) - _MOST_FAULTS:,} more."] if len(lines) > _MOST_FAULTS else []
            title = f"Nothing is logged: the table has {counted(len(lines), 'problem')}."
            st.html(markup.banner(title, [*lines[:_MOST_FAULTS], *more], kind="warning"))
            return
        _show_proposed(opened, found)


def _show_proposed(opened: OpenedRegister, found: ProposedVisits) -> None:
    for notice in found.notices:
        st.html(markup.paragraph(notice, quiet=True))
    if found.logged:
        rows = first_ten([f"row {one}" for one in found.logged])
        st.html(markup.paragraph(f"{counted(len(found.logged), 'visit is', 'visits are')} logged already: {rows}."))
    if not found.events:
        st.html(markup.paragraph("The table has no visit that is not logged already."))
        return
    table = pd.DataFrame(
        [
            (
                one.about["on"],
                opened.need(one.need_id),
                opened.person(one.supporter_id),
                one.about["days"],
                one.about.get("text", ""),
            )
            for one in found.events[:_MOST_SHOWN]
        ],
        columns=["On", "Need", "Supporter", "Days", "Note"],
    )
    count = counted(len(found.events), "visit")
    st.html(markup.table(table, f"{count} to log", numeric=["Days"]))
    if len(found.events) > _MOST_SHOWN:
        st.caption(f"The first {_MOST_SHOWN} of {len(found.events):,} are shown.")
    for line in _overruns(opened, found):
        st.html(markup.paragraph(line))
    if st.button(f"Log {count}", type="primary", key="log_visits"):
        record_and_confirm(opened.round_, found.events, f"Recorded: {count} from a table.")


def _overruns(opened: OpenedRegister, found: ProposedVisits) -> list[str]:
    """Return a sentence for each deployment that has more days than were agreed with these visits."""
    after = opened.support_after(found.events)
    return [
        f"{row['supporter_name']}, {opened.need(row['need_id'])}: {days_in_words(row['days_logged'])} are used then, "
        f"{days_in_words(row['days_logged'] - row['days_agreed'])} more than agreed."
        for row in after.to_dict("records")
        if row["days_logged"] > row["days_agreed"] > 0
        and (row["need_id"], row["supporter_id"]) in {one.pair for one in found.events}
    ][:_MOST_SHOWN]
