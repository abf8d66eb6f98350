"""Start: open the demo, your own tables or an earlier round; then see which steps are done."""

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
    lead = "Find the best plan of which accredited leader supports which school, with a reason for every choice."
    st.html(markup.page_heading("School support matching", f"{lead} Open the demo, or upload your own tables."))
    if open_round.is_missing():
        st.html(markup.banner("The round in the address is not in the database of this machine.", kind="warning"))
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
    _show_rounds(None)
    st.header("Upload your tables", anchor=False)
    _show_uploads(None, {})
    _offer_restoring()


def _show_round(round_: Round) -> None:
    approved = round_.approved is not None
    screen_heading(START, round_, "The plan is approved." if approved else "Continue with the step marked “Next”.")
    made = round_.files is not None
    _show_step(TRIAGE, "Optional", "grey", TRIAGE.purpose)
    _show_step(CHECK, "Done", "green", "The tables have no problems. See who can be deployed, and on what evidence.")
    _show_step(RULES, "Done" if made else "Next", "green" if made else "blue", RULES.purpose)
    _show_step(PLAN, "Done" if made else "To do", "green" if made else "grey", PLAN.purpose)
    _show_step(COMPARE, "Optional", "grey", COMPARE.purpose)
    if approved:
        _show_step(EXPORT, "Approved", "green", EXPORT.purpose)
    else:
        _show_step(EXPORT, "Next" if made else "Cannot start yet", "blue" if made else "grey", EXPORT.purpose)
    _show_step(HISTORY, "Optional", "grey", HISTORY.purpose)
    _show_housekeeping(round_)
    _show_rounds(round_)
    with st.expander("Change the tables of this round"):
        keeps = "The changed tables start a new round. The present round and its plan stay as they are."
        replaces = "The changed tables replace the present ones."
        st.html(markup.paragraph("Upload only the tables that have changed.", keeps if made else replaces))
        # Asked again for the new tables, so that no row is left out silently.
        sources = with_leaving_out(round_.sources, leave_out=False)
        if round_.files:
            if st.checkbox("Change as little of the present plan as possible", value=True):
                sources["baseline"] = Source("plan.csv", round_.files["plan.csv"])
            else:
                sources.pop("baseline", None)
        _show_uploads(round_.name, sources)
    with st.expander("Start another round"):
        st.html(markup.paragraph("The present round is kept. You can open it again under Earlier rounds."))
        with st.container(horizontal=True):
            if st.button("Open a new demo"):
                _open_demo()
            st.button("Upload other tables", on_click=open_round.close_round)
    _offer_restoring()


def _show_step(step: Step, status: str, colour: str, about: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"task_{step.url_path}"):
        with st.container(width="stretch", gap=None):
            link(step, step.title)
            st.html(markup.paragraph(about, quiet=True))
        st.html(markup.tag(status, colour), width="content")


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
            # Made when it is asked for: the browser looks for a ready-made file even after leaving the screen.
            content = partial(bytes, source.content)
            st.download_button(source.name, content, source.name, on_click="ignore", key=f"get_{source.name}")


def _show_uploads(name: str | None, kept: dict[str, Source]) -> None:
    """Ask for the files of a round, and for its name if `name` is None; `kept` are the files that it has already."""
    with upload_form("start"):
        if name is None:
            name = st.text_input("Name of this round", value=open_round.suggested_name(), max_chars=80)
        st.html(
            markup.paragraph(
                f"Tables are CSV or Excel (.xlsx) files, and the policy is a TOML file. {limit_sentence()}", quiet=True
            )
        )
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
            st.caption(f"The newest {_MOST_ROUNDS} of {len(listed):,} rounds are shown.")


def _show_listed(one: RoundSummary) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"round_{one.round_id}"):
        st.html(markup.paragraph(f"{one.name}, started on {moment(one.created_at)}"), width="stretch")
        st.html("".join(markup.tag(*one_tag) for one_tag in _tags(one)), width="content")
        if one.archived_at:
            st.button("Unarchive", key=f"unarchive_{one.round_id}", on_click=_unarchive, args=(one,))
        st.button("Open", key=f"open_{one.round_id}", on_click=open_round.open_by_id, args=(one.round_id,))


def _tags(one: RoundSummary) -> list[tuple[str, str]]:
    plan = ("Plan made", "green") if one.allocated else ("No plan yet", "grey")
    if one.approved:
        version = sum(record.kind == "approved" for record in open_round.store().plans(one.round_id))
        plan = (f"Approved, version {version}", "blue")
    return [plan, ("Archived", "yellow")] if one.archived_at else [plan]


# ---- the open round ------------------------------------------------------------------------------------------------


def _show_housekeeping(round_: Round) -> None:
    """Offer to rename, copy, archive and save the open round."""
    if done := st.session_state.pop("done", ""):
        st.html(markup.banner(done, kind="good"))
    with st.expander("Rename, copy, archive or save this round"):
        name_box()
        name = st.text_input("Name of this round", round_.name, max_chars=80, key=f"name_{round_.revision}")
        st.button("Rename this round", on_click=_rename, args=(round_, f"name_{round_.revision}"), disabled=not name)
        copy_key, keep_key = f"copy_{round_.revision}", f"keep_{round_.revision}"
        st.text_input("Name of the copy", f"{round_.name} (copy)", max_chars=80, key=copy_key)
        st.checkbox(
            "Copy the decisions too",
            key=keep_key,
            help="Who was pinned, forbidden or placed by hand, and who declined.",
        )
        st.button("Copy this round", on_click=_copy, args=(round_, copy_key, keep_key))
        st.html(markup.paragraph("An archived round is no longer listed. Nothing is deleted.", quiet=True))
        if round_.archived_at:
            st.button("Unarchive this round", on_click=_archive, args=(round_, False))
        else:
            st.button("Archive this round", on_click=_archive, args=(round_, True))
        st.html(
            markup.paragraph(
                "The file of a round holds its tables, plans, decisions and history. It names people, so keep it safe.",
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
    rename = partial(open_round.store().rename, round_, name, by=person.who())
    if name and name != round_.name and open_round.change(rename):
        st.session_state["done"] = f"The round is now called “{name}”."


def _copy(round_: Round, name_key: str, decisions_key: str) -> None:
    name = str(st.session_state[name_key]).strip() or f"{round_.name} (copy)"
    decisions = bool(st.session_state[decisions_key])
    copy = partial(open_round.store().copy, round_.round_id, name, by=person.who(), decisions=decisions)
    if open_round.change(copy):
        words = "with its decisions" if decisions else "without its decisions"
        st.session_state["done"] = f"This is the copy, {words}. “{round_.name}” has not changed."


def _archive(round_: Round, on: bool) -> None:
    change = open_round.store().archive if on else open_round.store().unarchive
    if open_round.change(partial(change, round_, by=person.who())):
        st.session_state["done"] = "The round is archived." if on else "The round is no longer archived."


def _unarchive(one: RoundSummary) -> None:
    def put_back() -> Round:
        found = open_round.store().get(one.round_id)
        if found is None:
            raise StaleRoundError
        return open_round.store().unarchive(found, by=person.who())

    if open_round.change(put_back):
        st.session_state["done"] = "The round is no longer archived. It is open now."


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
                st.rerun()


if __name__ == "__main__":
    show()
