"""Check the data: the problems in uploaded files or, in a round, who can be deployed and on what evidence."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from matching.pairs.market import Market
from matching.tables.files import Source, named_apart
from matching.ui.formatting import frames, markup
from matching.ui.formatting.words import day, of
from matching.ui.sections.grades import show_grade_changes
from matching.ui.sections.reading.kept import offer_kept_uploads
from matching.ui.sections.reading.problems import offer_corrected, show_notices, show_problems
from matching.ui.state import attempts, cache, open_round
from matching.ui.steps import CHECK, PEOPLE
from matching.ui.widgets.layout import grid_height, round_or_stop, screen_heading, way_on

_MOST_NOT_DEPLOYABLE = 50
_VIEW_WORDS = {
    "all": "All",
    "not deployable": "Cannot be deployed",
    "due": "Due for review",
    "disagrees": "Evidence differs from the schools table",
}
_VERDICT_COLOURS = {"met": "green", "not met": "red", "not evidenced": "yellow", "due for review": "blue"}


def show() -> None:
    """Show the screen."""
    attempt = attempts.attempt()
    if attempt:
        show_problems(attempt)
        return
    round_ = open_round.current()
    if round_ is None:
        offer_kept_uploads()
    round_ = round_or_stop(CHECK)
    market = cache.market(round_.sources)
    screen_heading(CHECK, round_, "Then look at the people and their needs.")
    offer_kept_uploads(round_.round_id)
    offer_corrected(round_.sources, attempts.corrected())
    _show_tables(market, round_.sources)
    _show_people(market)
    show_grade_changes(round_, market)
    way_on(PEOPLE, "Next: People")


def _show_tables(market: Market, sources: Mapping[str, Source]) -> None:
    inputs = market.inputs
    deployable = int(market.rulebook.available.sum())
    st.html(
        markup.figures(
            [
                ("Problems found", "0", "in the tables"),
                ("Schools", f"{len(inputs.schools):,}", "in the schools table"),
                ("Needs", f"{len(inputs.needs):,}", "requests for support"),
                ("Supporters", f"{deployable:,}", f"of {len(inputs.supporters):,} can be deployed"),
            ]
        )
    )
    notices = [*inputs.notices, *market.verdicts.notices]
    if inputs.left_out:
        st.html(markup.banner("Some rows are left out, as you asked.", inputs.left_out, kind="warning"))
    if notices:
        st.header("How the files were read", anchor=False)
        show_notices(notices)
    with st.expander("Show the files of this round, and download them"):
        st.html(markup.table(frames.files_table(market), "Files of this round", numeric=["Rows"]))
        _offer_files(sources)


def _offer_files(sources: Mapping[str, Source]) -> None:
    """Offer the files as the round has them, with every cell that was corrected."""
    files = {source: table for table, source in named_apart(sources).items()}
    with st.container(horizontal=True):
        for source, table in files.items():
            st.download_button(source.name, source.content, sources[table].name, on_click="ignore", key=f"file_{table}")


def _show_people(market: Market) -> None:
    st.header("Who can be deployed", anchor=False)
    everyone = frames.people(market)
    if everyone.empty:
        st.html(markup.paragraph("This round has no people yet. Add them under People."))
        return
    if market.inputs.accreditation is None:
        st.html(
            markup.banner(
                "No accreditation table was given.",
                ["Every designation is taken as stated. To check evidence, add it under People or upload a table."],
            )
        )
    views = {
        "all": everyone,
        "not deployable": everyone[~everyone["deployable"]],
        "due": everyone[everyone["due"] > 0],
        "disagrees": everyone[everyone["disagrees"] > 0],
    }
    view = st.radio(
        "Show",
        list(views),
        horizontal=True,
        format_func=lambda one: f"{_VIEW_WORDS[one]} ({len(views[one]):,})",
        key="people_view",
    )
    shown = views[view].reset_index(drop=True)
    if shown.empty:
        st.html(markup.paragraph("There are no such supporters."))
        return
    st.html(
        markup.paragraph("Choose a supporter in the table, or in the list below it, to see the evidence.", quiet=True)
    )
    _people_grid(shown)
    others = shown[~shown["deployable"]]
    if len(others) and len(others) <= _MOST_NOT_DEPLOYABLE:
        listed = pd.DataFrame(
            {"Name": others["name"] + " (" + others["supporter_id"] + ")", "Why not": others["why_not"]}
        )
        st.html(markup.table(listed, "Who cannot be deployed, and why"))
    identifiers = shown["supporter_id"].tolist()
    names = dict(zip(shown["supporter_id"], shown["name"], strict=True))
    chosen = st.selectbox(
        "Supporter",
        identifiers,
        index=None,
        format_func=lambda one: f"{names.get(one, '')} ({one})",
        key="person",
        placeholder="Choose a supporter",
    )
    if chosen in names:
        _show_supporter(market, shown[shown["supporter_id"] == chosen].iloc[0])


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

    def choose_row() -> None:
        rows = st.session_state["people_grid"]["selection"]["rows"]
        st.session_state["person"] = shown["supporter_id"].iat[rows[0]] if rows else None

    st.dataframe(
        grid,
        hide_index=True,
        height=grid_height(len(grid)),
        on_select=choose_row,
        selection_mode="single-row",
        key="people_grid",
        alt="Supporters, and whether each can be deployed",
    )


def _show_supporter(market: Market, who: pd.Series) -> None:
    with st.container(border=True):
        st.html(markup.heading(f"{who['name']} ({who['supporter_id']}), {who['designation']}, {who['school']}"))
        st.html(
            markup.tag("Can be deployed", "green") if who["deployable"] else markup.tag("Cannot be deployed", "red")
        )
        if who["why_not"]:
            st.html(markup.paragraph(who["why_not"]))
        criteria = frames.evidence(market, who["supporter_id"])
        if criteria.empty:
            st.html(markup.paragraph("There is no evidence to show, because this round has no accreditation table."))
        else:
            caption = f"Evidence for each criterion, as at {day(market.inputs.as_at)}"
            st.html(markup.table(criteria, caption, tags=_VERDICT_COLOURS))


if __name__ == "__main__":
    show()
