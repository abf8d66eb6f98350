"""New Ofsted grades: whose accreditation they change, and which deployments of the plan that affects."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from matching.accreditation import CHANGES, changes, touched
from matching.errors import DataError
from matching.pairs.market import Market
from matching.rounds.round import Round
from matching.tables.csv_out import csv_bytes
from matching.tables.files import Source
from matching.ui.formatting import frames, markup
from matching.ui.state import cache
from matching.ui.widgets.uploads import limit_sentence, upload_form, upload_slots

_MOST_LISTED = 100
_CHANGE_WORDS = {**CHANGES, "": "grade only"}
_KEPT_OR_LOST = {"lost": CHANGES["lost"], "": "unchanged"}
_CHANGE_COLOURS = dict(zip(_CHANGE_WORDS.values(), ("red", "green", "grey"), strict=True))


def show_grade_changes(round_: Round, market: Market) -> None:
    """Ask for a newer schools table and show what its grades change. The round itself stays as it is."""
    with st.expander("See the effect of new Ofsted grades"):
        st.html(
            markup.paragraph(
                "Upload a newer schools table, or a newer GIAS extract with Ofsted's file, to see who is no longer "
                "accredited and who is newly accredited. This round and its plan stay as they are. To use the new "
                "grades, change the tables on the Start screen and make the plan again."
            )
        )
        if market.inputs.accreditation is None:
            st.html(
                markup.paragraph("This round has no accreditation table, so no designation in it depends on a grade.")
            )
        st.html(markup.paragraph(limit_sentence(), quiet=True))
        with upload_form("grades"):
            uploaded = upload_slots(("schools", "ofsted", "links"), "grades")
            st.form_submit_button("Compare the grades")
        if "schools" in uploaded:
            _show_changes(round_, market, uploaded)


def _show_changes(round_: Round, market: Market, uploaded: Mapping[str, Source]) -> None:
    try:
        now = cache.schools_of(uploaded)
        changed = changes(market.inputs, now)
    except DataError as error:
        st.html(markup.banner("These files cannot be used.", [str(one) for one in error.problems[:10]], kind="warning"))
        return
    counts = changed["change"].value_counts()
    deployments = None
    if round_.files:
        planned = cache.saved_plan(round_.files).plan.deployments
        deployments = touched(changed, planned, market.inputs.schools, now)
    items = [
        *((words.capitalize(), f"{counts.get(kind, 0):,}", "supporters") for kind, words in CHANGES.items()),
        ("New grades", f"{(changed['grade_before'] != changed['grade_after']).sum():,}", "of a home school"),
    ]
    if deployments is not None:
        items.append(("Deployments affected", f"{len(deployments):,}", "of this round's plan"))
    st.html(markup.figures(items))
    if changed.empty:
        st.html(markup.paragraph("No supporter's home school has a new grade."))
    else:
        listed = _changes_table(changed, market)
        st.html(markup.table(listed.head(_MOST_LISTED), "Changed grades and accreditation", tags=_CHANGE_COLOURS))
        _offer("changes.csv", "Download the changes (CSV)", listed)
    if deployments is not None and len(deployments):
        plan = _deployments_table(deployments, market)
        st.html(markup.table(plan.head(_MOST_LISTED), "Deployments that new grades touch"))
        _offer("touched.csv", "Download the deployments (CSV)", plan)


def _offer(file: str, label: str, table: pd.DataFrame) -> None:
    if len(table) > _MOST_LISTED:
        st.caption(f"The first {_MOST_LISTED} of {len(table):,} rows are shown. Download the table to see all of them.")
    st.download_button(label, csv_bytes(frames.safe_cells(table)), file, "text/csv", on_click="ignore")


def _changes_table(changed: pd.DataFrame, market: Market) -> pd.DataFrame:
    names = market.inputs.supporters.set_index("supporter_id")["name"]
    # Accreditation lost comes first, then accreditation gained.
    rank = changed["change"].map({kind: place for place, kind in enumerate(_CHANGE_WORDS)})
    rows = changed.assign(rank=rank).sort_values(["rank", "supporter_id"])
    return pd.DataFrame(
        {
            "Supporter": [f"{names[one]} ({one})" for one in rows["supporter_id"]],
            "Designation": rows["designation"],
            "Home school": rows["school_name"],
            "Grade before": rows["grade_before"].where(rows["grade_before"] != "", "none"),
            "Grade now": rows["grade_after"].where(rows["grade_after"] != "", "none"),
            "Change": rows["change"].map(_CHANGE_WORDS),
            "Why": rows["reason"],
        }
    )


def _deployments_table(deployments: pd.DataFrame, market: Market) -> pd.DataFrame:
    names = market.inputs.supporters.set_index("supporter_id")["name"]
    return pd.DataFrame(
        {
            "Need": deployments["need_id"],
            "School": deployments["school_name"],
            "Focus": deployments["focus"],
            "Priority": deployments["priority"],
            "Supporter": [f"{names.get(one, '')} ({one})" for one in deployments["supporter_id"]],
            "Accreditation": deployments["change"].map(_KEPT_OR_LOST),
            "Why": deployments["reason"],
        }
    )
