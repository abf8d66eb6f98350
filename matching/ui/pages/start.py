"""Start: which steps of the open round are done, and what comes next; without a round, all rounds."""

from functools import partial

import streamlit as st

from matching.errors import counted
from matching.inputs.locations import with_leaving_out
from matching.rounds.erasing import STAYS
from matching.rounds.round import Round
from matching.ui.formatting import markup
from matching.ui.pages.rounds import show_rounds
from matching.ui.sections.next_round import offer_next_round
from matching.ui.sections.reading.kept import offer_kept_uploads
from matching.ui.state import attempts, cache, open_round, person
from matching.ui.steps import (
    CHECK,
    COMPARE,
    EXPORT,
    HISTORY,
    NEEDS,
    NEWER,
    PEOPLE,
    PLAN,
    RULES,
    START,
    TODAY,
    TRIAGE,
    Step,
)
from matching.ui.widgets.layout import link, screen_heading
from matching.ui.widgets.uploads import upload_round_files


def show() -> None:
    """Show the screen."""
    round_ = open_round.current()
    if round_ is None:
        show_rounds()
    else:
        _show_round(round_)


def _show_round(round_: Round) -> None:
    approved = round_.approved is not None
    screen_heading(START, round_, "The plan is approved." if approved else "Continue with the step marked “Next”.")
    made = round_.files is not None
    _show_step(TODAY, *(("Every day", "green") if made else ("After the plan", "grey")), TODAY.purpose)
    _show_step(TRIAGE, "Optional", "grey", TRIAGE.purpose)
    _show_step(CHECK, "Done", "green", "The tables have no problems. See who can be deployed, and on what evidence.")
    people, needs = (len(cache.rows_of(round_.sources, one)) for one in ("supporters", "needs"))
    _show_step(PEOPLE, counted(people, "person", "people"), "green" if people else "yellow", PEOPLE.purpose)
    _show_step(NEEDS, counted(needs, "need"), "green" if needs else "yellow", NEEDS.purpose)
    _show_step(RULES, "Done" if made else "Next", "green" if made else "blue", RULES.purpose)
    _show_step(PLAN, "Done" if made else "To do", "green" if made else "grey", PLAN.purpose)
    _show_step(COMPARE, "Optional", "grey", COMPARE.purpose)
    if approved:
        _show_step(EXPORT, "Approved", "green", EXPORT.purpose)
    else:
        _show_step(EXPORT, "Next" if made else "Cannot start yet", "blue" if made else "grey", EXPORT.purpose)
    _show_step(HISTORY, "Optional", "grey", HISTORY.purpose)
    _show_housekeeping(round_)
    if round_.archived_at:
        _offer_to_erase(round_)
    if made:
        offer_next_round(round_)
    _offer_upload(round_)


def _offer_upload(round_: Round) -> None:
    offer_kept_uploads(round_.round_id)
    if attempts.proposal():
        st.html(markup.banner("Newer tables wait for you to accept or discard them."))
        link(NEWER, "See what they change")
    with st.expander("Upload newer tables"):
        if round_.approved is not None:
            st.html(markup.paragraph("The plan is approved. Reopen it under Hand over before you upload newer tables."))
            return
        what = "You then see what they change, row by row, and accept all of it or the rows that you tick."
        replaces = "They replace the present ones, as nothing is recorded in this round yet."
        st.html(
            markup.paragraph(
                "Upload only the tables that have changed.", what if attempts.is_under_way(round_) else replaces
            )
        )
        # Asked again for the new tables, so that no row is left out silently.
        upload_round_files(round_.name, with_leaving_out(round_.sources, leave_out=False))


def _show_step(step: Step, status: str, colour: str, about: str) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"task_{step.url_path}"):
        with st.container(width="stretch", gap=None):
            link(step, step.title)
            st.html(markup.paragraph(about, quiet=True))
        st.html(markup.tag(status, colour), width="content")


def _show_housekeeping(round_: Round) -> None:
    """Offer to rename, copy, archive and save the open round."""
    # Its place stays when it is gone: otherwise what is unfolded below would fold.
    with st.container():
        if done := st.session_state.pop("done", ""):
            st.html(markup.banner(done, kind="good"))
    with st.expander("Rename, copy, archive or save this round"):
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


def _offer_to_erase(round_: Round) -> None:
    """Offer to erase contact details and remarks of the open round, which is archived."""
    with st.expander("Erase contact details and remarks"):
        st.html(
            markup.paragraph(
                "Addresses, telephone numbers, notes, reasons, messages and what was said are erased from this round, "
                "and so are the tables that were uploaded. This cannot be undone. These stay:"
            )
            + markup.bullets(STAYS)
            + markup.paragraph(
                "What was handed over or sent, files of this round, backups of the database, and other rounds that "
                "were copied or begun from this one keep what they have."
            )
        )
        key = f"erase_{round_.revision}"
        is_meant = st.checkbox("I have read what is erased and what stays", key=key)
        if st.button("Erase for good", disabled=not is_meant) and open_round.change(partial(_erased, round_)):
            st.session_state["done"] = "Contact details and remarks are erased. The plans are still here."
            st.rerun()


def _erased(round_: Round) -> Round:
    return open_round.store().erase(round_, cache.inputs_of(round_.sources), by=person.who())


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


if __name__ == "__main__":
    show()
