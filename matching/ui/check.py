"""Check the data: what is wrong in files that were given, or who can be deployed, and on what evidence."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.export import csv_bytes
from matching.files import Source
from matching.inputs import REQUIRED_TABLES
from matching.market import Market
from matching.ui import frames, markup, session
from matching.ui.parts import error_summary, grid_height, round_or_stop, screen_heading, way_on
from matching.ui.steps import CHECK, RULES
from matching.ui.uploads import LIMIT_SENTENCE, SLOTS, upload_slots
from matching.ui.words import day, of

_MOST_OF_A_FILE = 100
_MOST_BARRED = 50
_VERDICT_COLOURS = {"met": "green", "not met": "red", "not evidenced": "yellow", "due for review": "blue"}


def show() -> None:
    """Show the screen."""
    attempt = session.attempt()
    if attempt:
        _show_problems(attempt)
        return
    round_ = round_or_stop(CHECK)
    market = session.market(round_.sources)
    screen_heading(CHECK, round_, "Next: the rules.")
    _show_soundness(market)
    _show_people(market)
    way_on(RULES, "Next: Rules")


def _show_problems(attempt: session.Attempt) -> None:
    problems = attempt.problems
    by_file = Counter(one.table for one in problems)
    error_summary(
        f"There {'is' if len(problems) == 1 else 'are'} {counted(len(problems), 'problem')} in your files",
        [f"{name}: {counted(count, 'problem')}" for name, count in by_file.items()],
        target="problems",
        occasion=attempt.number,
    )
    lead = "Nothing was saved. Put the rows below right in your own files, then upload just those files again."
    st.html(markup.page_heading(CHECK.title, lead))
    table = frames.problems_table(problems)
    st.html('<div id="problems" tabindex="-1"></div>')
    # Each file has its share, so that one with many faults does not hide another's.
    shown = table.groupby("File", sort=False).head(_MOST_OF_A_FILE)
    st.html(markup.table(shown, "What is wrong, row by row"))
    if len(shown) < len(table):
        st.caption(
            f"The first {_MOST_OF_A_FILE} problems of each file are shown; the download holds all {len(table):,}."
        )
    st.download_button(
        "Download the problems (CSV)",
        csv_bytes(frames.safe_cells(table)),
        "problems.csv",
        "text/csv",
        on_click="ignore",
    )
    st.header("Upload the corrected files", anchor=False)
    st.html(markup.paragraph(f"The other files are still here. {LIMIT_SENTENCE}", quiet=True))
    faulty = _faulty_tables(attempt)
    uploaded = upload_slots(faulty, f"again_{attempt.number}")
    kept = _kept(attempt, faulty)
    with st.container(horizontal=True):
        again = st.button("Check again", type="primary", disabled=not uploaded and kept == attempt.sources)
        st.button("Leave these files", on_click=session.forget_attempt)
    if again:
        with st.spinner("Checking the files…"):
            session.try_files(attempt.name, {**kept, **uploaded})
        st.rerun()
    if session.held():
        st.html(markup.paragraph("The round that you had open and its plan are as they were.", quiet=True))


def _kept(attempt: session.Attempt, faulty: Sequence[str]) -> dict[str, Source]:
    """The files of before, but for those of optional tables that are to be left out."""
    optional = [name for name in faulty if name in attempt.sources and name not in REQUIRED_TABLES]
    left_out = {
        name
        for name in optional
        if st.checkbox(f"Go on without the {name} file", key=f"without_{name}_{attempt.number}")
    }
    return {name: source for name, source in attempt.sources.items() if name not in left_out}


def _faulty_tables(attempt: session.Attempt) -> list[str]:
    """The tables to upload again: those that a problem names, as a file or as a table that is missing."""
    named = {one.table for one in attempt.problems}
    faulty = [
        name for name in SLOTS if name in named or (name in attempt.sources and attempt.sources[name].name in named)
    ]
    return faulty or list(SLOTS)


def _show_soundness(market: Market) -> None:
    inputs = market.inputs
    people = int(market.rulebook.available.sum())
    st.html(
        markup.figures(
            [
                ("Problems found", "0", "the tables are sound"),
                ("Schools", f"{len(inputs.schools):,}", "in the schools table"),
                ("Needs", f"{len(inputs.needs):,}", "requests for support"),
                ("Supporters", f"{people:,}", f"of {len(inputs.supporters):,} can be deployed"),
            ]
        )
    )
    notices = [*inputs.notices, *market.verdicts.notices]
    if notices:
        with st.expander(f"{counted(len(notices), 'notice')} about the tables"):
            st.html(markup.bullets(notices))
    with st.expander("The files of this round"):
        st.html(markup.table(frames.files_table(market), "Files that were read", numeric=["Rows"]))


def _show_people(market: Market) -> None:
    st.header("Who can be deployed", anchor=False)
    everyone = frames.people(market)
    if market.inputs.accreditation is None:
        st.html(
            markup.banner(
                "No accreditation table was given.",
                ["Designations are taken as stated. To check the evidence, add the table on the Start screen."],
            )
        )
    views = {
        f"Everyone ({len(everyone):,})": everyone,
        f"Cannot be deployed ({(~everyone['deployable']).sum():,})": everyone[~everyone["deployable"]],
        f"Due for review ({(everyone['due'] > 0).sum():,})": everyone[everyone["due"] > 0],
        f"Evidence differs ({(everyone['disagrees'] > 0).sum():,})": everyone[everyone["disagrees"] > 0],
    }
    view = st.radio("Show", list(views), horizontal=True, key="people_view")
    shown = views[view].reset_index(drop=True)
    if shown.empty:
        st.html(markup.paragraph("Nobody."))
        return
    st.html(markup.paragraph("Choose a person, in the table or the list under it, to see the evidence.", quiet=True))
    _people_grid(shown)
    barred = shown[~shown["deployable"]]
    if len(barred) and len(barred) <= _MOST_BARRED:
        listed = pd.DataFrame(
            {"Name": barred["name"] + " (" + barred["supporter_id"] + ")", "Why not": barred["why_not"]}
        )
        st.html(markup.table(listed, "Who cannot be deployed, and why"))
    identifiers = shown["supporter_id"].tolist()
    names = dict(zip(shown["supporter_id"], shown["name"], strict=True))
    chosen = st.selectbox(
        "Person",
        identifiers,
        index=None,
        format_func=lambda one: f"{names.get(one, '')} ({one})",
        key="person",
        placeholder="Choose a person",
    )
    if chosen in names:
        _show_person(market, shown[shown["supporter_id"] == chosen].iloc[0])


def _people_grid(shown: pd.DataFrame) -> None:
    grid = pd.DataFrame(
        {
            "Name": shown["name"],
            "Identifier": shown["supporter_id"],
            "Designation": shown["designation"],
            "Home school": shown["school"],
            "Can be deployed": shown["deployable"].map({True: "Yes", False: "No"}),
            "Criteria met": [of(met, total) for met, total in zip(shown["met"], shown["criteria"], strict=True)],
            "Due for review": shown["due"],
        }
    )
    if not shown["criteria"].any():
        grid = grid.drop(columns=["Criteria met", "Due for review"])

    def take() -> None:
        rows = st.session_state["people_grid"]["selection"]["rows"]
        st.session_state["person"] = shown["supporter_id"].iat[rows[0]] if rows else None

    st.dataframe(
        grid,
        hide_index=True,
        height=grid_height(len(grid)),
        on_select=take,
        selection_mode="single-row",
        key="people_grid",
        alt="Supporters, and whether each of them can be deployed",
    )


def _show_person(market: Market, who: pd.Series) -> None:
    with st.container(border=True):
        st.html(markup.heading(f"{who['name']} ({who['supporter_id']}), {who['designation']}, {who['school']}"))
        st.html(
            markup.tag("Can be deployed", "green") if who["deployable"] else markup.tag("Cannot be deployed", "red")
        )
        if who["why_not"]:
            st.html(markup.paragraph(who["why_not"]))
        criteria = frames.evidence(market, who["supporter_id"])
        if criteria.empty:
            st.html(markup.paragraph("There is no evidence to show: no accreditation table was given."))
        else:
            as_at = f"Evidence for each criterion, as at {day(market.inputs.as_at)}"
            st.html(markup.table(criteria, as_at, tags=_VERDICT_COLOURS))


if __name__ == "__main__":
    show()
