"""Start: open the demo, your own tables or an earlier round; then see what is done and what is next."""

import streamlit as st

from matching.errors import DataError
from matching.export import zip_bytes
from matching.files import Source
from matching.resources import template_sources
from matching.rounds import Round
from matching.ui import markup, session
from matching.ui.parts import error_summary, go_to, link, screen_heading
from matching.ui.places import with_leaving_out
from matching.ui.steps import CHECK, EXPORT, PLAN, RULES, START, TRIAGE, Step
from matching.ui.uploads import LIMIT_SENTENCE, ROUND_SLOTS, upload_slots, without_workbook
from matching.ui.words import moment

_MOST_ROUNDS = 20


def show() -> None:
    """Show the screen."""
    round_ = session.current()
    if round_ is None:
        _show_first_time()
    else:
        _show_round(round_)


def _show_first_time() -> None:
    lead = "Decide which accredited leader supports which school: the best plan there is, with a reason for every row."
    st.html(markup.page_heading("School support matching", f"{lead} Next: open the demo, or upload your own tables."))
    if session.is_missing():
        st.html(markup.banner("The round in the address is not in the database of this machine.", kind="warning"))
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.header("Look around first", anchor=False)
        st.html(markup.paragraph("A fictional area with made-up schools and people shows every screen at work."))
        if st.button("Open the demo", type="primary"):
            _open_demo()
    with right, st.container(border=True, height="stretch"):
        st.header("Bring your own tables", anchor=False)
        st.html(markup.paragraph("You need three: schools, supporters and needs. Fill in the templates, then upload."))
        _offer_templates()
    with st.container(border=True, gap=None, key="task_triage"):
        link(TRIAGE, TRIAGE.title)
        about = "No needs yet? See which schools are in challenging circumstances, and take up those you choose."
        st.html(markup.paragraph(about, quiet=True))
    _show_rounds(None)
    st.header("Upload your tables", anchor=False)
    name = st.text_input("Name of this round", value=session.suggested_name(), max_chars=80)
    _show_uploads(name, {})


def _show_round(round_: Round) -> None:
    screen_heading(START, round_, "Next: the first task that is not done.")
    made = round_.files is not None
    _task(TRIAGE, "Optional", "grey", TRIAGE.purpose)
    _task(CHECK, "Done", "green", "The tables are sound. See who can be deployed, and on what evidence.")
    _task(RULES, "Done" if made else "Next", "green" if made else "blue", RULES.purpose)
    _task(PLAN, "Done" if made else "To do", "green" if made else "grey", PLAN.purpose)
    _task(EXPORT, "Next" if made else "Cannot start yet", "blue" if made else "grey", EXPORT.purpose)
    _show_rounds(round_)
    with st.expander("Change the tables of this round"):
        keeps = "The present round and its plan stay as they are; a new round begins with the changed tables."
        replaces = "The changed tables take the place of the present ones."
        st.html(markup.paragraph("Upload only what has changed; the other tables stay.", keeps if made else replaces))
        # Whether faulty rows are left out is asked anew, so that none goes in silence.
        sources = with_leaving_out(round_.sources, leave_out=False)
        if round_.files:
            if st.checkbox("Change as little of the present plan as possible", value=True):
                sources["baseline"] = Source("plan.csv", round_.files["plan.csv"])
            else:
                sources.pop("baseline", None)
        _show_uploads(round_.name, sources)
    with st.expander("Begin another round"):
        st.html(markup.paragraph("The open round stays in the list above."))
        with st.container(horizontal=True):
            if st.button("Open a fresh demo"):
                _open_demo()
            st.button("Upload other tables", on_click=session.close_round)


def _task(step: Step, state: str, colour: str, about: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"task_{step.url_path}"):
        with st.container(width="stretch", gap=None):
            link(step, step.title)
            st.html(markup.paragraph(about, quiet=True))
        st.html(markup.tag(state, colour), width="content")


def _open_demo() -> None:
    session.open_demo()
    st.rerun()


def _offer_templates() -> None:
    templates = template_sources()
    st.download_button(
        "Download all templates (zip)",
        zip_bytes({source.name: source.content for source in templates.values()}),
        "templates.zip",
        "application/zip",
        on_click="ignore",
    )
    with st.expander("One template at a time"), st.container(horizontal=True):
        for source in templates.values():
            st.download_button(source.name, source.content, source.name, on_click="ignore", key=f"get_{source.name}")


def _show_uploads(name: str, kept: dict[str, Source]) -> None:
    st.html(markup.paragraph(f"CSV or Excel (.xlsx); the policy is TOML. {LIMIT_SENTENCE}", quiet=True))
    uploaded = upload_slots(ROUND_SLOTS, "start")
    if not st.button("Check the files", type="primary"):
        return
    if not uploaded:
        st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1
        advice = "Choose at least one file above, then press the button again."
        error_summary("No file was uploaded", [advice], occasion=st.session_state["pressed"])
        return
    try:
        with st.spinner("Checking the files…"):
            session.try_files(name.strip() or session.suggested_name(), {**kept, **without_workbook(uploaded)})
    except DataError as error:
        st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1
        lines = [f"{one.table}: {one.message} {one.fix}" for one in error.problems]
        error_summary("The workbook cannot be used", lines, occasion=st.session_state["pressed"])
        return
    go_to(CHECK)


def _show_rounds(open_one: Round | None) -> None:
    others = [one for one in session.store().list() if open_one is None or one.round_id != open_one.round_id]
    if not others:
        return
    st.header("Earlier rounds", anchor=False)
    for one in others[:_MOST_ROUNDS]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"round_{one.round_id}"):
            state = markup.tag(*(("Plan made", "green") if one.allocated else ("No plan yet", "grey")))
            words = markup.paragraph(f"{one.name}, begun on {moment(one.created_at)}")
            st.html(words, width="stretch")
            st.html(state, width="content")
            st.button("Open", key=f"open_{one.round_id}", on_click=session.open_round, args=(one.round_id,))
    if len(others) > _MOST_ROUNDS:
        st.caption(f"The newest {_MOST_ROUNDS} of {len(others):,} rounds are listed.")


if __name__ == "__main__":
    show()
