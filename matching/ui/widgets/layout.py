"""The elements that every screen has: heading, progress, links to other screens, and the red summary."""

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
from matching.ui.steps import PLAN, ROUNDS, START, Step

_MOST_STAGES = 5
_NAME = "name_for_the_record"


def screen_heading(step: Step, round_: Round, what_next: str) -> None:
    """Show the open round, the title, the purpose of the screen and what to do next."""
    caption = f"{round_.name}, begun on {moment(round_.created_at)}"
    job = jobs.running_job(round_)
    if job and step is PLAN:
        what_next = "The plan is being made."
    st.html(markup.page_heading(step.title, f"{step.purpose} {what_next}", caption))
    _show_frozen(round_)
    if job:
        show_progress(
            job,
            "The plan is being made",
            "You can leave this screen or close the window. The work continues, and the plan is kept.",
        )
        if step is PLAN:
            st.stop()


def _show_frozen(round_: Round) -> None:
    """Show that the plan of a round is approved, by whom and since when."""
    versions = [one for one in round_.plans if one.kind == "approved"]
    record = next((one for one in versions if one.number == round_.approved), None)
    if record is None:
        return
    when = day(record.made_at.astimezone().date())
    title = f"Approved by {record.made_by or 'name not given'} on {when} (version {versions.index(record) + 1})"
    frozen = "Tables, rules, plan and placements cannot be changed until the plan is reopened under Hand over."
    st.html(markup.banner(title, [frozen], kind="good"))


@st.fragment(run_every=0.5)
def show_progress(job: Job[Any], title: str, about_leaving: str) -> None:
    """Show the progress of a plan until it is made, with a button to stop."""
    if job.is_done:
        st.rerun()
    with st.container(border=True, key="job"):
        st.header(title, anchor=False)
        stages = [f"After {_seconds(one.after_s)}: {one.words}" for one in job.stages][-_MOST_STAGES:]
        # Screen readers read out new lines only.
        st.html(f'<div role="log" aria-label="Steps">{markup.bullets(stages or ["Starting"])}</div>')
        st.html(
            markup.paragraph(
                f"Started by {job.by} at {job.began.astimezone():%H:%M}, {_seconds(job.elapsed_s)} ago.",
                about_leaving,
                quiet=True,
            )
        )
        if job.is_stopping:
            st.html(markup.banner("Stopping. The best plan so far is being saved."))
        else:
            st.button("Stop and keep the best plan so far", on_click=job.stop)


def _seconds(elapsed: float) -> str:
    return counted(int(elapsed), "second")


def ask_name() -> None:
    """Ask the user's name, which every change is recorded with."""
    about = "The history of a round shows who made each change. Give your name once; this browser will remember it."
    st.html(markup.page_heading("Your name", about, "School support matching"))
    with st.form("name", border=False):
        given = st.text_input("Your name, for the record", max_chars=person.LONGEST_NAME, autocomplete="name")
        pressed = st.form_submit_button("Continue", type="primary")
    if not pressed:
        return
    if person.be_called(given):
        st.rerun()
    st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1
    error_summary(
        "No name was given", ["Enter your name above, then press Continue."], occasion=st.session_state["pressed"]
    )


def show_frame() -> None:
    """Show what is at the top of every screen: the way to all rounds, and the user's name."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="frame"):
        link(ROUNDS, ROUNDS.title)
        # Another tab may have changed it, and a blank one is not taken.
        st.session_state[_NAME] = person.who()
        with st.popover(f"Recorded as {markup.label(person.who())}", type="tertiary"):
            st.text_input(
                "Your name, for the record",
                key=_NAME,
                max_chars=person.LONGEST_NAME,
                help="Your name is recorded in the history of the round with every change you make.",
                autocomplete="name",
                on_change=_take_name,
            )
    _remember_name()


def _take_name() -> None:
    person.be_called(st.session_state[_NAME])


def _remember_name() -> None:
    """Have the browser keep the name for a year, in a cookie of its own: the next server asks for it there."""
    st.html(
        f"<script>document.cookie = '{person.NAME_COOKIE}={person.quoted_name()}; Path=/; Max-Age=31536000; "
        "SameSite=Strict'</script>",
        unsafe_allow_javascript=True,
    )


def show_setback(setback: setbacks.Setback) -> None:
    """Show why a change was not made; a round that was changed elsewhere can be opened again from here."""
    error_summary(setback.title, setback.lines, occasion=setback.number)
    if setback.stale and open_round.held():
        st.button("Open the round as it is now", on_click=open_round.open_again, type="primary")


def round_or_stop(step: Step) -> Round:
    """Return the open round; without one, show a link to Start and end the screen."""
    round_ = open_round.current()
    if round_ is None:
        missing = "The round in the address is not in the database of this machine. " if open_round.is_missing() else ""
        first = "No round is open. Open the demo or upload your own tables first."
        st.html(markup.page_heading(step.title, f"{missing}{first}"))
        way_on(START, "Go to Start")
        st.stop()
    return round_


def way_on(step: Step, words: str) -> None:
    """Show the link to the next screen, which looks like a button."""
    with st.container(key="way_on"):
        link(step, words)


def grid_height(rows: int) -> int | Literal["auto"]:
    """Return the height of a grid in pixels; a long one ends with half a row, to show that there is more."""
    return "auto" if rows <= 10 else 405


def link(step: Step, words: str) -> None:
    """Show a link to a screen that keeps the round open."""
    held = open_round.held()
    st.page_link(step.path, label=words, query_params={"round": held.round_id} if held else None)


def go_to(step: Step, **address: str) -> None:
    """Show a screen now; `address` is more that its address has, such as the need."""
    held = open_round.held()
    st.switch_page(step.path, query_params={**address, "round": held.round_id} if held else None)


def show_where_it_is(key: str, occasion: int) -> None:
    """Bring a container into view, once each time that `occasion` changes."""
    st.html(
        f"<script>/* {json.dumps(occasion)} */ setTimeout(() => document.querySelector({json.dumps('.st-key-' + key)})"
        "?.scrollIntoView({block: 'nearest'}), 50);</script>",
        unsafe_allow_javascript=True,
    )


def close_menu(screen: str) -> None:
    """Close the menu of a narrow window after a choice; Streamlit does so on phones only."""
    st.html(
        f"<script>/* {json.dumps(screen)} */ if (innerWidth < 768) document.querySelector("
        "'[data-testid=stSidebar][data-collapsed=false] [data-testid=stSidebarCollapseButton] button')?.click();"
        "</script>",
        unsafe_allow_javascript=True,
    )


def error_summary(title: str, lines: Sequence[str], *, target: str = "", occasion: int = 0) -> None:
    """Show the red summary; it takes the focus each time `occasion` changes."""
    st.html(markup.error_summary(title, lines, link=target))
    # Only our own numbers go into the script; words of users stay outside it.
    st.html(
        f"<script>/* {json.dumps(occasion)} */ setTimeout(() => document.getElementById('error-summary')?.focus(), 50);"
        "</script>",
        unsafe_allow_javascript=True,
    )
