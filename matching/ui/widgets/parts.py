"""What every screen has: its heading, the way on, and the red summary that takes focus."""

import json
from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from matching.errors import counted
from matching.rounds.round import Round
from matching.ui.formatting import markup
from matching.ui.formatting.words import day, moment
from matching.ui.state import jobs, open_round, person, setbacks
from matching.ui.state.jobs import Job
from matching.ui.steps import PLAN, START, Step

_STAGES_SHOWN = 5


def screen_heading(step: Step, round_: Round, what_next: str) -> None:
    """The open round, the title, and what the screen is for and what to do next."""
    caption = f"{round_.name}, begun on {moment(round_.created_at)}"
    job = jobs.running_job(round_)
    if job and step is PLAN:
        what_next = "It is being made just now."
    st.html(markup.page_heading(step.title, f"{step.purpose} {what_next}", caption))
    _show_frozen(round_)
    if job:
        show_progress(
            job,
            "The plan is being made",
            "You may leave this screen or close the window: it goes on, and the plan is kept.",
        )
        if step is PLAN:
            st.stop()


def _show_frozen(round_: Round) -> None:
    """Say of an approved round that it is, and since when."""
    versions = [one for one in round_.plans if one.kind == "approved"]
    record = next((one for one in versions if one.number == round_.approved), None)
    if record is None:
        return
    when = day(record.made_at.astimezone().date())
    title = f"Approved by {record.made_by or 'somebody'} on {when} (version {versions.index(record) + 1})"
    frozen = "It is frozen: tables, rules, plan and placements stay as they are until it is reopened under Hand over."
    st.html(markup.banner(title, [frozen], kind="good"))


@st.fragment(run_every=0.5)
def show_progress(job: Job[Any], title: str, about_leaving: str) -> None:
    """Tell how a plan gets on, until it is made, and let it be stopped."""
    if job.is_done:
        st.rerun()
    with st.container(border=True, key="job"):
        st.header(title, anchor=False)
        stages = [f"After {_seconds(one.after_s)}: {one.words}" for one in job.stages][-_STAGES_SHOWN:]
        # Only what is new in it is read out.
        st.html(f'<div role="log" aria-label="Steps">{markup.bullets(stages or ["Starting"])}</div>')
        st.html(
            markup.paragraph(
                f"Begun by {job.by} at {job.began.astimezone():%H:%M}, {_seconds(job.elapsed_s)} ago.",
                about_leaving,
                quiet=True,
            )
        )
        if job.is_stopping:
            st.html(markup.banner("Stopping. The best plan so far is being written down."))
        else:
            st.button("Stop and keep the best plan so far", on_click=job.stop)


def _seconds(elapsed: float) -> str:
    return counted(int(elapsed), "second")


def name_box() -> None:
    """Ask for the name that goes into the record with every change."""
    key = "name_for_the_record"
    if key not in st.session_state:
        st.session_state[key] = person.who()
    st.text_input(
        "Your name, for the record",
        key=key,
        max_chars=80,
        help="It goes into the history of the round with everything that you change. It is asked only once.",
        on_change=lambda: person.be_called(st.session_state[key]),
    )


def show_setback(setback: setbacks.Setback) -> None:
    """The red summary of a change that was not made; a round that was changed elsewhere can be opened as it is now."""
    error_summary(setback.title, setback.lines, occasion=setback.number)
    if setback.stale and open_round.held():
        st.button("Open the round as it is now", on_click=open_round.open_again, type="primary")


def round_or_stop(step: Step) -> Round:
    """The open round; without one the screen says so and ends here."""
    round_ = open_round.current()
    if round_ is None:
        missing = "The round in the address is not in the database of this machine. " if open_round.is_missing() else ""
        st.html(markup.page_heading(step.title, f"{missing}No round is open. Open the demo or your own tables first."))
        way_on(START, "Go to Start")
        st.stop()
    return round_


def way_on(step: Step, words: str) -> None:
    """The link to the next screen, which looks like a button."""
    with st.container(key="way_on"):
        link(step, words)


def grid_height(rows: int) -> int | Literal["auto"]:
    """The height of a grid: its own while that is small; beyond that half a row shows that there is more."""
    return "auto" if rows <= 10 else 405


def link(step: Step, words: str) -> None:
    """A link to a screen, which keeps the round open."""
    held = open_round.held()
    st.page_link(step.path, label=words, query_params={"round": held.round_id} if held else None)


def go_to(step: Step) -> None:
    """Show a screen now."""
    held = open_round.held()
    st.switch_page(step.path, query_params={"round": held.round_id} if held else None)


def close_menu(screen: str) -> None:
    """Close the menu of a narrow window once it has led to a screen; Streamlit does so on phones only."""
    st.html(
        f"<script>/* {json.dumps(screen)} */ if (innerWidth < 768) document.querySelector("
        "'[data-testid=stSidebar][data-collapsed=false] [data-testid=stSidebarCollapseButton] button')?.click();"
        "</script>",
        unsafe_allow_javascript=True,
    )


def error_summary(title: str, lines: Sequence[str], *, target: str = "", occasion: int = 0) -> None:
    """The red summary; it takes the focus each time that `occasion` is a new one."""
    st.html(markup.error_summary(title, lines, link=target))
    # Only numbers and names of ours go into the script; the summary itself stays outside it.
    st.html(
        f"<script>/* {json.dumps(occasion)} */ setTimeout(() => document.getElementById('error-summary')?.focus(), 50);"
        "</script>",
        unsafe_allow_javascript=True,
    )
