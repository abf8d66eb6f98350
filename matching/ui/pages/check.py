"""Check the data: what is wrong in files that were given, or who can be deployed, and on what evidence."""

import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.pairs.market import Market
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import day, of
from matching.ui.sections.grades import show_grade_changes
from matching.ui.sections.problems import offer_mended, show_problems
from matching.ui.state import attempts, cache
from matching.ui.steps import CHECK, RULES
from matching.ui.widgets.layout import grid_height, round_or_stop, screen_heading, way_on

_MOST_BARRED = 50
_LEFT_OUT = " left out on request"
_VERDICT_COLOURS = {"met": "green", "not met": "red", "not evidenced": "yellow", "due for review": "blue"}


def show() -> None:
    """Show the screen."""
    attempt = attempts.attempt()
    if attempt:
        show_problems(attempt)
        return
    round_ = round_or_stop(CHECK)
    market = cache.market(round_.sources)
    screen_heading(CHECK, round_, "Next: the rules.")
    offer_mended(round_.sources, attempts.mended())
    _show_soundness(market)
    _show_people(market)
    show_grade_changes(round_, market)
    way_on(RULES, "Next: Rules")


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
    left_out = [words for words in notices if _LEFT_OUT in words]
    if left_out:
        st.html(markup.banner("Rows are left out, as you asked.", left_out, kind="warning"))
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
