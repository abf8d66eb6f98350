"""All rounds: open the demo, your own tables or an earlier round, or restore one from its file."""

from functools import partial

import streamlit as st

from matching.inputs.bundled import template_sources
from matching.plan.as_bytes import zip_bytes
from matching.rounds.round import Round, RoundSummary
from matching.rounds.store import StaleRoundError
from matching.ui.formatting import markup
from matching.ui.formatting.words import moment
from matching.ui.sections.reading.kept import offer_kept_uploads
from matching.ui.state import open_round, person
from matching.ui.steps import START, TODAY, TRIAGE
from matching.ui.widgets.layout import go_to, link
from matching.ui.widgets.uploads import upload_round_files

_MOST_ROUNDS = 20


def show() -> None:
    """Show the screen."""
    # The round in the address stays the open one, so that the menu leads back to it.
    open_round.current()
    show_rounds()


def show_rounds() -> None:
    """Show the two ways to begin a round, the rounds there are, and how to restore one."""
    lead = "Find the best plan of which accredited leader supports which school, with a reason for every choice."
    st.html(markup.page_heading("School support matching", f"{lead} Open the demo, or upload your own tables."))
    if open_round.is_missing():
        st.html(markup.banner("The round in the address is not in the database of this machine.", kind="warning"))
    offer_kept_uploads()
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.header("Try the demo", anchor=False)
        st.html(
            markup.paragraph("The demo is a fictional area, with made-up schools and people. It shows every screen.")
        )
        if st.button("Open the demo", type="primary"):
            _open_demo()
    with right, st.container(border=True, height="stretch"):
        st.header("Use your own tables", anchor=False)
        st.html(
            markup.paragraph(
                "You need three tables: schools, supporters and needs. Fill in the templates, then upload them below."
            )
        )
        _offer_templates()
    with st.container(border=True, gap=None, key="task_triage"):
        link(TRIAGE, TRIAGE.title)
        about = "No needs yet? See which schools are in challenging circumstances, and choose needs from that list."
        st.html(markup.paragraph(about, quiet=True))
    _list_rounds()
    st.header("Upload your tables", anchor=False)
    upload_round_files(None, {})
    _offer_restoring()


def _open_demo() -> None:
    open_round.open_demo()
    go_to(START)


def _offer_templates() -> None:
    templates = template_sources()
    st.download_button(
        "Download all templates (zip)",
        lambda: zip_bytes({source.name: source.content for source in templates.values()}),
        "templates.zip",
        "application/zip",
        on_click="ignore",
    )
    with st.expander("One template at a time"), st.container(horizontal=True):
        for source in templates.values():
            # Made when it is asked for: the browser looks for a ready-made file even after leaving the screen.
            content = partial(bytes, source.content)
            st.download_button(source.name, content, source.name, on_click="ignore", key=f"get_{source.name}")


def _list_rounds() -> None:
    everything = open_round.store().list(archived=True)
    if not everything:
        return
    st.header("Earlier rounds", anchor=False)
    with_archived = any(one.archived_at for one in everything) and st.checkbox("Show archived rounds")
    listed = [one for one in everything if with_archived or not one.archived_at]
    for one in listed[:_MOST_ROUNDS]:
        _show_listed(one)
    if len(listed) > _MOST_ROUNDS:
        st.caption(f"The newest {_MOST_ROUNDS} of {len(listed):,} rounds are shown.")


def _show_listed(one: RoundSummary) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"round_{one.round_id}"):
        st.html(markup.paragraph(f"{one.name}, started on {moment(one.created_at)}"), width="stretch")
        st.html("".join(markup.tag(*one_tag) for one_tag in _tags(one)), width="content")
        if one.archived_at and st.button("Unarchive", key=f"unarchive_{one.round_id}"):
            _unarchive(one)
        if st.button("Open", key=f"open_{one.round_id}"):
            open_round.open_by_id(one.round_id)
            go_to(TODAY if one.allocated else START)


def _tags(one: RoundSummary) -> list[tuple[str, str]]:
    plan = ("Plan made", "green") if one.allocated else ("No plan yet", "grey")
    if one.approved:
        version = sum(record.kind == "approved" for record in open_round.store().plans(one.round_id))
        plan = (f"Approved, version {version}", "blue")
    held = open_round.held()
    is_open = held is not None and held.round_id == one.round_id
    archived = [("Archived", "yellow")] if one.archived_at else []
    return [plan, *archived, *([("Open now", "blue")] if is_open else [])]


def _unarchive(one: RoundSummary) -> None:
    def put_back() -> Round:
        found = open_round.store().get(one.round_id)
        if found is None:
            raise StaleRoundError
        return open_round.store().unarchive(found, by=person.who())

    if open_round.change(put_back):
        st.session_state["done"] = "The round is no longer archived. It is open now."
        go_to(START)


def _offer_restoring() -> None:
    with st.expander("Restore a round from its file"):
        st.html(
            markup.paragraph(
                "Choose a file that was made with “Save this round as a file”, here or on another machine."
            )
        )
        file = st.file_uploader("File of a round", type="zip", key="round_file")
        if st.button("Restore this round", disabled=file is None) and file is not None:
            content = file.getvalue()
            restored = open_round.change(partial(open_round.store().import_round, content, by=person.who()))
            if restored:
                st.session_state["done"] = f"“{restored.name}” is restored, with its plans and history."
                go_to(START)


if __name__ == "__main__":
    show()
