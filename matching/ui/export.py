"""Export: the plan as files, to the byte what the command line writes."""

from collections.abc import Mapping

import streamlit as st

from matching.errors import counted
from matching.ui import markup, session
from matching.ui.parts import round_or_stop, screen_heading, way_on
from matching.ui.steps import EXPORT, PLAN

_ABOUT = {
    "plan.csv": ("Plan", "Who supports which need, with the reason for every row."),
    "unmet.csv": ("Unmet needs", "Every need without a supporter, with the reason and the nearest option."),
    "workload.csv": ("Workload", "What each supporter holds and could still take."),
    "excluded.csv": ("Excluded", "Who could not be deployed, and why."),
}
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(EXPORT)
    if round_.files is None:
        screen_heading(EXPORT, round_, "There is no plan to take away yet.")
        way_on(PLAN, "Go to Plan")
        return
    screen_heading(EXPORT, round_, "Next: send it to the people who decide, or change the rules and come back.")
    saved = session.saved_plan(round_.files)
    if session.is_outdated(round_, saved):
        st.html(
            markup.banner(
                "You have changed the rules since this plan was made.",
                ["These files are of the plan before the change. Make it again on the Plan screen."],
                kind="warning",
            )
        )
    _offer_together(round_.files)
    st.header("One table at a time", anchor=False)
    for name, frame in saved.plan.tables().items():
        _offer_table(name, len(frame), round_.files[name])


def _offer_together(files: Mapping[str, bytes]) -> None:
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.header("To read and share", anchor=False)
        st.html(markup.paragraph("All four tables as sheets of one Excel workbook. No cell in it runs as a formula."))
        st.download_button(
            "Download the Excel workbook",
            session.workbook(files),
            "plan.xlsx",
            _EXCEL,
            type="primary",
            on_click="ignore",
        )
    with right, st.container(border=True, height="stretch"):
        st.header("To keep and check", anchor=False)
        st.html(
            markup.paragraph(
                "Everything in one zip: the tables, the rules, the files they came from, and the proof. The command "
                "“s2s verify” checks it."
            )
        )
        st.download_button(
            "Download everything (zip)", session.packed(files), "plan.zip", "application/zip", on_click="ignore"
        )


def _offer_table(name: str, rows: int, content: bytes) -> None:
    title, about = _ABOUT[name]
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"table_{title}"):
        with st.container(width="stretch", gap=None):
            st.html(markup.heading(f"{title}: {counted(rows, 'row')}"))
            st.html(markup.paragraph(about, quiet=True))
        st.download_button(f"Download {name}", content, name, "text/csv", on_click="ignore", key=f"get_{name}")


if __name__ == "__main__":
    show()
