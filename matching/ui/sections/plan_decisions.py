"""Decisions on one need: the forms that record them, and the list of what was recorded."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from matching.errors import counted
from matching.pairs.market import Row
from matching.rounds.history.events import DECLINE_REASONS, Event, new_event
from matching.rounds.history.table import what_happened, written_by
from matching.rounds.planning.placement_rules import Broken, broken_rules
from matching.rounds.planning.run_inputs import serving
from matching.rounds.round import is_decision
from matching.tables.grid import kilometres
from matching.ui.formatting import markup
from matching.ui.formatting.words import moment
from matching.ui.sections.confirmation import REOPENS, entries, need_name, record_and_confirm, undo_and_confirm
from matching.ui.sections.desk.statuses import Deployments, refuse, show_no_form, show_status_form
from matching.ui.sections.desk.support_forms import show_support_form, support_labels
from matching.ui.state import answers, person
from matching.ui.state.live_plan import Opened
from matching.ui.widgets.layout import show_where_it_is

STATUS_COLOURS = {
    "proposed": "grey",
    "approached": "blue",
    "agreed": "green",
    "active": "green",
    "paused": "yellow",
    "completed": "green",
    "declined": "red",
    "withdrawn": "red",
}
_NO_NAME = "an unnamed user"
_TO_PLACE = "to_place"


# ---- recording -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """The need that a form is about, with the supporters who can be chosen.

    Attributes
    ----------
    opened : Opened
    row : dict
        Of `opened.needs`.
    people : mapping of str to str
        As `people` returns it.
    key : str
        Begins the keys of this form's controls. It changes with the need and after each record, which clears the form.
    """

    opened: Opened
    row: Row
    people: dict[str, str] = field(repr=False)
    key: str

    @property
    def need_id(self) -> str:
        return str(self.row["need_id"])

    @property
    def need(self) -> str:
        """The need in words."""
        return need_name(self.row)

    @property
    def supporter_id(self) -> str | None:
        """The supporter of the need in this plan."""
        return str(self.row["supporter_id"]) if self.row["met"] else None

    def name(self, supporter_id: str) -> str:
        """Return a supporter's name, with the identifier."""
        supporters = self.opened.market.inputs.supporters
        name = supporters.loc[supporters["supporter_id"] == supporter_id, "name"].iat[0]
        return f"{name} ({supporter_id})"

    def event(self, kind: str, supporter_id: str, why: str = "", **about: str) -> Event:
        return new_event(
            kind, by=person.who(), why=why.strip(), need_id=self.need_id, supporter_id=supporter_id, **about
        )


def ask_to_place(need_id: str, supporter_id: str) -> None:
    """Have the form for a placement by hand open with a person chosen, when the screen is drawn next."""
    st.session_state[_TO_PLACE] = (need_id, supporter_id)


def people(opened: Opened) -> dict[str, str]:
    """Return every supporter by supporter_id, in the words of the lists to choose from."""
    frame = opened.market.inputs.supporters
    words = frame["name"] + ", " + frame["designation"] + " (" + frame["supporter_id"] + ")"
    return dict(zip(frame["supporter_id"], words, strict=True))


@st.fragment
def show_decisions(opened: Opened, need_id: str) -> None:
    """Show what can be recorded about a need, one form at a time, and what was recorded."""
    row = opened.row(need_id)
    # What is typed stays when another person changes the round, unless the need has another supporter since.
    key = f"{need_id}_{row['supporter_id']}_{opened.is_approved}_{entries()}"
    case = _Case(opened, row, people(opened), key)
    labels = _labels(case)
    record_key = f"record_{key}_{'_'.join(labels)}"
    asked = st.session_state.pop(_TO_PLACE, None)
    if asked and asked[0] == need_id and "swap" in labels:
        st.session_state[record_key] = "swap"
        st.session_state[_who_key(case, _swap_label(case))] = asked[1]
        show_where_it_is("decision", zlib.crc32(asked[1].encode()))
    chosen = st.selectbox(
        "What do you want to record?",
        list(labels),
        index=None,
        format_func=lambda kind: labels.get(kind, kind),
        placeholder="An answer, a change or a note",
        key=record_key,
    )
    if chosen:
        with st.container(border=True, key="decision"):
            _FORMS[chosen](case)
    _show_recorded(opened, need_id)


def _labels(case: _Case) -> dict[str, str]:
    """Return the kinds of event that can be recorded now, with the words of the list."""
    note = {"note": "A note"}
    support = support_labels(case.opened.live.state, (case.need_id, case.supporter_id)) if case.supporter_id else {}
    if case.opened.is_approved:
        if case.supporter_id is None:
            return note
        said_no = {"declined": f"{case.row['supporter']} declined", "no": "A school said no"}
        return {"status": "A new status or a consent", **support, **said_no, **note}
    forbid = {"forbid": "A supporter must not support this need (forbid)"}
    if case.supporter_id is None:
        return {
            "swap": "A supporter placed here by hand",
            "declined": "A supporter declined this need",
            **forbid,
            **note,
        }
    who = case.row["supporter"]
    placed = case.opened.live.state.placements.get(case.need_id)
    is_pinned = placed is not None and placed.kind == "pin" and placed.supporter_id == case.supporter_id
    return {
        "status": "A new status or a consent: approached, agreed and so on",
        **support,
        "declined": f"{who} or another supporter declined",
        "no": "A school said no",
        "swap": "Another supporter placed here by hand (swap)",
        **({} if is_pinned else {"pin": f"{who} stays here in every new plan (pin)"}),
        **forbid,
        **note,
    }


def _who(case: _Case, label: str, *, but: str | None = None, first: str | None = None) -> str | None:
    options = [one for one in case.people if one != but]
    chosen: str | None = st.selectbox(
        label,
        options,
        index=options.index(first) if first in options else None,
        format_func=lambda one: case.people.get(one, ""),
        placeholder="Choose a supporter",
        key=_who_key(case, label),
    )
    return chosen


def _who_key(case: _Case, label: str) -> str:
    return f"who_{case.key}_{label}"


def _deployment(case: _Case) -> Deployments:
    pair = (case.need_id, str(case.supporter_id))
    words = {pair: f"the support by {case.name(pair[1])} for {case.need}"}
    return Deployments(case.opened.round_, case.opened.live.state, words)


def _no_form(case: _Case) -> None:
    show_no_form(_deployment(case), case.key)


def _status_form(case: _Case) -> None:
    show_status_form(
        _deployment(case), f"What is the status of the support by {markup.label(case.row['supporter'])}?", case.key
    )


def _support_form(kind: str, case: _Case) -> None:
    show_support_form(kind, _deployment(case), float(case.row["days"]), case.key)


def _declined_form(case: _Case) -> None:
    with st.form(f"declined_{case.key}", border=False):
        who = _who(case, "Who declined?", first=case.supporter_id)
        reason = st.selectbox(
            "Why?",
            list(DECLINE_REASONS),
            index=None,
            format_func=lambda code: DECLINE_REASONS[code],
            placeholder="Choose a reason",
            key=f"declined_reason_{case.key}",
        )
        more = st.text_input("In their words (needed for “Other”)", key=f"declined_more_{case.key}", max_chars=1_000)
        st.caption("They will not be proposed for this need again in this round. They can be proposed for other needs.")
        if case.opened.is_approved:
            st.caption(REOPENS)
        if st.form_submit_button("Record that they declined", type="primary"):
            _record_declined(case, who, reason, more.strip())


def _record_declined(case: _Case, who: str | None, reason: str | None, more: str) -> None:
    if who is None:
        refuse("supporter_id", "No supporter was chosen.", "Choose who declined.")
    elif reason is None or (reason == "other" and not more):
        refuse("why", "The reason is missing.", "Choose why they declined. For “Other”, give it in words.")
    else:
        why = ": ".join(filter(None, (DECLINE_REASONS[reason], more)))
        words = f"Recorded: {case.name(who)} declined {case.need}. Reason: {why}."
        event = case.event("declined", who, why)
        record_and_confirm(case.opened.round_, [event], words, _afterwards(case, who), reopens="A supporter declined")


def _afterwards(case: _Case, who: str) -> str:
    """Return a sentence on who has the need once a supporter is barred from it."""
    if case.supporter_id is None or who == case.supporter_id:
        return "They will not be proposed for this need again in this round."
    return f"{case.name(case.supporter_id)} still supports this need."


def _forbid_form(case: _Case) -> None:
    with st.form(f"forbid_{case.key}", border=False):
        who = _who(case, "Who must not support this need?", first=case.supporter_id)
        why = st.text_input("Why?", key=f"forbid_why_{case.key}", max_chars=1_000)
        st.caption("Use this for your own decision. If they were asked and said no, record that they declined.")
        if st.form_submit_button("Forbid this supporter", type="primary"):
            if who is None or not why.strip():
                refuse("why", "The supporter or the reason is missing.", "Choose the supporter and give the reason.")
            else:
                words = f"Recorded: {case.name(who)} must not support {case.need}."
                events = [case.event("forbid", who, why)]
                record_and_confirm(case.opened.round_, events, words, _afterwards(case, who))


def _pin_form(case: _Case) -> None:
    supporter_id, as_label = str(case.supporter_id), markup.label(case.row["supporter"])
    with st.form(f"pin_{case.key}", border=False):
        why = st.text_input("Why? (optional)", key=f"pin_why_{case.key}", max_chars=1_000)
        st.caption(f"Every new plan of this round keeps {as_label} here until you undo this.")
        if st.form_submit_button(f"Keep {as_label} here", type="primary"):
            words = f"Recorded: {case.name(supporter_id)} is pinned to {case.need}."
            record_and_confirm(case.opened.round_, [case.event("pin", supporter_id, why)], words)


def _note_form(case: _Case) -> None:
    whom = {"need_id": case.need_id, "supporter_id": case.supporter_id or ""}
    # The options are the identifiers that the note keeps.
    abouts = {
        ("need_id",): "This need",
        ("need_id", "supporter_id"): "This deployment",
        ("supporter_id",): markup.label(f"{case.row['supporter']}"),
    }
    with st.form(f"note_{case.key}", border=False):
        about: tuple[str, ...] = ("need_id",)
        if case.supporter_id:
            about = st.radio("About", list(abouts), format_func=abouts.__getitem__, key=f"note_about_{case.key}")
        text = st.text_area("Note", key=f"note_text_{case.key}", max_chars=4_000, height=90)
        if st.form_submit_button("Save the note", type="primary"):
            if not text.strip():
                refuse("text", "The note is empty.", "Write the note first.")
            else:
                event = new_event("note", by=person.who(), text=text.strip(), **{name: whom[name] for name in about})
                record_and_confirm(case.opened.round_, [event], "The note is saved.")


# ---- by hand -------------------------------------------------------------------------------------------------------


def _swap_label(case: _Case) -> str:
    return "Who should support it instead?" if case.supporter_id else "Who should support it?"


def _swap_form(case: _Case) -> None:
    who = _who(case, _swap_label(case), but=case.supporter_id)
    if who is None:
        st.caption("Choose a supporter. Each rule that this would break is listed first, and you decide.")
        return
    broken = broken_rules(case.opened.market, serving(case.opened.plan), case.need_id, who)
    with st.form(f"swap_{case.key}_{who}", border=False):
        st.html(markup.paragraph(_swap_words(case, who, len(broken))))
        ticked = [
            st.checkbox(
                f"I accept this: {markup.label(f'{case.name(who)} {one.words}.')}",
                key=f"tick_{case.key}_{who}_{one.rule}",
            )
            for one in broken
        ]
        why = st.text_input("Why?", key=f"swap_why_{case.key}", max_chars=1_000)
        if st.form_submit_button("Place them here", type="primary"):
            _record_swap(case, who, broken, all(ticked), why)


def _swap_words(case: _Case, who: str, broken: int) -> str:
    fits = answers.fits_of(case.opened.live, case.need_id, who)
    now = f" ({case.row['supporter']} scores {case.row['score']:.3f})" if case.supporter_id else ""
    start = f"{case.name(who)} is {kilometres(fits.distance_km)} away and scores {fits.score:.3f}{now}."
    if not broken:
        return f"{start} This breaks no rule."
    return f"{start} This breaks {counted(broken, 'rule')}. Tick each one to accept it."


def _record_swap(case: _Case, who: str, broken: Sequence[Broken], all_ticked: bool, why: str) -> None:
    if not all_ticked:
        fix = "Tick each rule that you accept to break, or choose another supporter."
        refuse("broken", "A rule that this breaks is not ticked.", fix)
    elif not why.strip():
        refuse("why", "The reason is missing.", "Give the reason for this placement.")
    else:
        replaces = case.supporter_id or ""
        event = case.event("swap", who, why, replaces=replaces, broken=";".join(one.rule for one in broken))
        instead = f" instead of {case.name(replaces)}" if replaces else ""
        words = f"Recorded: {case.name(who)} is placed by hand for {case.need}{instead}."
        record_and_confirm(case.opened.round_, [event], words)


_FORMS: dict[str, Callable[[_Case], None]] = {
    "status": _status_form,
    "no": _no_form,
    "declined": _declined_form,
    "swap": _swap_form,
    "pin": _pin_form,
    "forbid": _forbid_form,
    "note": _note_form,
    **{kind: partial(_support_form, kind) for kind in ("terms", "visit", "review", "evaluation")},
}


# ---- what was recorded ---------------------------------------------------------------------------------------------


def _show_recorded(opened: Opened, need_id: str) -> None:
    """List what was recorded about a need and its supporter, the newest first, each with a button that undoes it."""
    state = opened.live.state
    supporter_id = opened.row(need_id)["supporter_id"]
    found = [
        one
        for one in reversed(state.events)
        if one.kind != "undo"
        and one.number not in state.undone
        and (one.need_id == need_id or (one.kind == "note" and not one.need_id and one.supporter_id == supporter_id))
    ]
    if not found:
        return
    names = people(opened)
    with st.expander(f"Recorded so far ({len(found)})", expanded=len(found) <= 2):
        for one in found:
            _show_event(opened, one, names)


def _show_event(opened: Opened, event: Event, names: dict[str, str]) -> None:
    words = what_happened(event, names)
    whom = names.get(event.supporter_id, event.supporter_id)
    with st.container(horizontal=True, vertical_alignment="center", key=f"recorded_{event.number}"):
        with st.container(width="stretch", gap=None):
            st.html(markup.paragraph(f"{words[0].upper()}{words[1:]}{f': {whom}' if whom else ''}."))
            if text := written_by(event):
                st.html(markup.paragraph(text))
            st.html(markup.paragraph(f"By {event.by or _NO_NAME} on {moment(event.at)}.", quiet=True))
        is_locked = opened.is_approved and is_decision(event)
        if not is_locked and st.button("Undo", key=f"undo_{event.number}", help=f"Undo: {markup.label(words)}"):
            undo_and_confirm(opened.round_, [event.number])
