"""Start: open the demo, your own tables or an earlier round; then see what is done and what is next."""

from functools import partial

import streamlit as st

from matching.errors import DataError
from matching.inputs.bundled import template_sources
from matching.inputs.locations import with_leaving_out
from matching.inputs.recognise import without_workbook
from matching.plan.as_bytes import zip_bytes
from matching.rounds.round import Round, RoundSummary
from matching.rounds.store import StaleRoundError
from matching.tables.files import Source
from matching.ui.formatting import markup
from matching.ui.formatting.words import moment
from matching.ui.state import attempts, open_round, person
from matching.ui.steps import CHECK, COMPARE, EXPORT, HISTORY, PLAN, RULES, START, TRIAGE, Step
from matching.ui.widgets.layout import error_summary, go_to, link, name_box, screen_heading
from matching.ui.widgets.uploads import ROUND_SLOTS, limit_sentence, upload_form, upload_slots

_MOST_ROUNDS = 20


def show() -> None:
    """Show the screen."""
    round_ = open_round.current()
    if round_ is None:
        _show_first_time()
    else:
        _show_round(round_)


def _show_first_time() -> None:
    lead = "Decide which accredited leader supports which school: the best plan there is, with a reason for every row."
    st.html(markup.page_heading("School support matching", f"{lead} Next: open the demo, or upload your own tables."))
    if open_round.is_missing():
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
    _show_uploads(None, {})
    _offer_restoring()


def _show_round(round_: Round) -> None:
    screen_heading(START, round_, "Next: the first task that is not done.")
    made = round_.files is not None
    _task(TRIAGE, "Optional", "grey", TRIAGE.purpose)
    _task(CHECK, "Done", "green", "The tables are sound. See who can be deployed, and on what evidence.")
    _task(RULES, "Done" if made else "Next", "green" if made else "blue", RULES.purpose)
    _task(PLAN, "Done" if made else "To do", "green" if made else "grey", PLAN.purpose)
    _task(COMPARE, "Optional", "grey", COMPARE.purpose)
    if round_.approved is not None:
        _task(EXPORT, "Approved", "green", EXPORT.purpose)
    else:
        _task(EXPORT, "Next" if made else "Cannot start yet", "blue" if made else "grey", EXPORT.purpose)
    _task(HISTORY, "Optional", "grey", HISTORY.purpose)
    _show_housekeeping(round_)
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
            st.button("Upload other tables", on_click=open_round.close_round)
    _offer_restoring()


def _task(step: Step, state: str, colour: str, about: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"task_{step.url_path}"):
        with st.container(width="stretch", gap=None):
            link(step, step.title)
            st.html(markup.paragraph(about, quiet=True))
        st.html(markup.tag(state, colour), width="content")


def _open_demo() -> None:
    open_round.open_demo()
    st.rerun()


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
            # Made when asked for: a file that lies ready is looked for by the browser even after the screen is left.
            content = partial(bytes, source.content)
            st.download_button(source.name, content, source.name, on_click="ignore", key=f"get_{source.name}")


def _show_uploads(name: str | None, kept: dict[str, Source]) -> None:
    """Take files for a round of this name; without one, it is asked for."""
    with upload_form("start"):
        if name is None:
            name = st.text_input("Name of this round", value=open_round.suggested_name(), max_chars=80)
        st.html(markup.paragraph(f"CSV or Excel (.xlsx); the policy is TOML. {limit_sentence()}", quiet=True))
        uploaded = upload_slots(ROUND_SLOTS, "start")
        pressed = st.form_submit_button("Check the files", type="primary")
    if not pressed:
        return
    if not uploaded:
        st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1
        advice = "Choose at least one file above, then press the button again."
        error_summary("No file was uploaded", [advice], occasion=st.session_state["pressed"])
        return
    try:
        with st.spinner("Checking the files…"):
            attempts.try_files(name.strip() or open_round.suggested_name(), {**kept, **without_workbook(uploaded)})
    except DataError as error:
        st.session_state["pressed"] = st.session_state.get("pressed", 0) + 1
        lines = [f"{one.table}: {one.message} {one.fix}" for one in error.problems]
        error_summary("The workbook cannot be used", lines, occasion=st.session_state["pressed"])
        return
    go_to(CHECK)


def _show_rounds(open_one: Round | None) -> None:
    everything = open_round.store().list(archived=True)
    others = [one for one in everything if open_one is None or one.round_id != open_one.round_id]
    if others:
        st.header("Earlier rounds", anchor=False)
        with_archived = any(one.archived_at for one in others) and st.checkbox("Show archived rounds")
        listed = [one for one in others if with_archived or not one.archived_at]
        for one in listed[:_MOST_ROUNDS]:
            _show_listed(one)
        if len(listed) > _MOST_ROUNDS:
            st.caption(f"The newest {_MOST_ROUNDS} of {len(listed):,} rounds are listed.")


def _show_listed(one: RoundSummary) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"round_{one.round_id}"):
        st.html(markup.paragraph(f"{one.name}, begun on {moment(one.created_at)}"), width="stretch")
        st.html("".join(markup.tag(*state) for state in _states(one)), width="content")
        if one.archived_at:
            st.button("Take out of the archive", key=f"unarchive_{one.round_id}", on_click=_unarchive, args=(one,))
        st.button("Open", key=f"open_{one.round_id}", on_click=open_round.open_by_id, args=(one.round_id,))


def _states(one: RoundSummary) -> list[tuple[str, str]]:
    plan = ("Plan made", "green") if one.allocated else ("No plan yet", "grey")
    if one.approved:
        version = sum(record.kind == "approved" for record in open_round.store().plans(one.round_id))
        plan = (f"Approved, version {version}", "blue")
    return [plan, ("Archived", "yellow")] if one.archived_at else [plan]


# ---- this round ----------------------------------------------------------------------------------------------------


def _show_housekeeping(round_: Round) -> None:
    """Rename, copy, archive and save the open round."""
    if said := st.session_state.pop("done", ""):
        st.html(markup.banner(said, kind="good"))
    with st.expander("Rename, copy, archive or save this round"):
        name_box()
        name = st.text_input("Name of this round", round_.name, max_chars=80, key=f"name_{round_.revision}")
        st.button("Rename this round", on_click=_rename, args=(round_, f"name_{round_.revision}"), disabled=not name)
        copy_key, keep_key = f"copy_{round_.revision}", f"keep_{round_.revision}"
        st.text_input("Name of the copy", f"{round_.name} (copy)", max_chars=80, key=copy_key)
        st.checkbox("Copy the decisions too", key=keep_key, help="Who was pinned, forbidden, placed or has declined.")
        st.button("Copy this round", on_click=_copy, args=(round_, copy_key, keep_key))
        st.html(markup.paragraph("An archived round leaves the list. Nothing of it is lost.", quiet=True))
        if round_.archived_at:
            st.button("Take this round out of the archive", on_click=_archive, args=(round_, False))
        else:
            st.button("Archive this round", on_click=_archive, args=(round_, True))
        st.html(
            markup.paragraph(
                "Its file holds everything: tables, plans, decisions and history. It names people, so keep it safe.",
                quiet=True,
            )
        )
        st.download_button(
            "Save this round as a file",
            partial(open_round.store().export_round, round_.round_id),
            f"round-{round_.round_id}.zip",
            "application/zip",
            on_click="ignore",
        )


def _rename(round_: Round, key: str) -> None:
    name = str(st.session_state[key]).strip()
    if (
        name
        and name != round_.name
        and open_round.change(partial(open_round.store().rename, round_, name, by=person.who()))
    ):
        st.session_state["done"] = f"The round is called “{name}” now."


def _copy(round_: Round, name_key: str, decisions_key: str) -> None:
    name = str(st.session_state[name_key]).strip() or f"{round_.name} (copy)"
    decisions = bool(st.session_state[decisions_key])
    copied = open_round.change(
        partial(open_round.store().copy, round_.round_id, name, by=person.who(), decisions=decisions)
    )
    if copied:
        words = "with its decisions" if decisions else "without its decisions"
        st.session_state["done"] = f"This is the copy, {words}. “{round_.name}” stays as it is."


def _archive(round_: Round, on: bool) -> None:
    change = open_round.store().archive if on else open_round.store().unarchive
    if open_round.change(partial(change, round_, by=person.who())):
        st.session_state["done"] = "The round is archived." if on else "The round is on the list again."


def _unarchive(one: RoundSummary) -> None:
    def put_back() -> Round:
        found = open_round.store().get(one.round_id)
        if found is None:
            raise StaleRoundError
        return open_round.store().unarchive(found, by=person.who())

    if open_round.change(put_back):
        st.session_state["done"] = "The round is on the list again, and open."


def _offer_restoring() -> None:
    with st.expander("Restore a round from its file"):
        st.html(markup.paragraph("A file that was saved with “Save this round as a file”, here or on another machine."))
        file = st.file_uploader("File of a round", type="zip", key="round_file")
        if st.button("Restore this round", disabled=file is None) and file is not None:
            content = file.getvalue()
            restored = open_round.change(partial(open_round.store().import_round, content, by=person.who()))
            if restored:
                st.session_state["done"] = f"“{restored.name}” is restored, with its plans and its history."
                st.rerun()


if __name__ == "__main__":
    show()
